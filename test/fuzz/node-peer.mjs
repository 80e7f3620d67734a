// Runs under Node, whose parser is llhttp. `requests` is a server that answers each request with what it understood; `responses` takes lines
// of {id, method, bytes} and answers each with a line of what Node's client understood when a server sent it these bytes.
import { createHash } from "node:crypto"
import { createServer, request } from "node:http"
import { createServer as createRawServer } from "node:net"
import { Duplex } from "node:stream"

const [requests, responses] = process.argv.slice(2)
const digest = (pieces) => {
  const body = Buffer.concat(pieces)
  return `${body.length}:${createHash("sha256").update(body).digest("hex").slice(0, 16)}`
}

const options = { insecureHTTPParser: false, maxHeaderSize: 1 << 20, requestTimeout: 0, headersTimeout: 0, keepAliveTimeout: 60_000 }
const answer = (req, res) => {
  const pieces = []
  req.on("data", (chunk) => pieces.push(chunk))
  req.on("end", () => {
    const seen = { method: req.method, target: req.url, host: req.headers.host ?? "", body: digest(pieces) }
    res.writeHead(204, { "X-Seen": Buffer.from(JSON.stringify(seen)).toString("base64"), "X-End": "1" })
    res.end()
  })
}
const server = createServer(options, answer)
// An expectation that Node does not know is the application's matter, not the parser's.
server.on("checkExpectation", answer)
server.httpAllowHalfOpen = true
server.maxHeadersCount = 0
server.listen(requests)

/** A connection on which the given bytes arrive, and then the end. */
function playback(bytes) {
  let sent = false
  return new Duplex({
    read() {
      if (sent) return
      sent = true
      this.push(bytes)
      this.push(null)
    },
    write(_chunk, _encoding, done) {
      done()
    },
  })
}

function readResponse(method, bytes, done) {
  const outcome = { interim: [], status: 0, body: "", complete: false, fault: "" }
  let over = false
  const finish = (fault) => {
    if (over) return
    over = true
    outcome.fault = fault
    done(outcome)
  }
  const req = request({
    method,
    path: "/",
    host: "app.test",
    createConnection: () => playback(bytes),
    insecureHTTPParser: false,
    maxHeaderSize: 1 << 20,
  })
  req.on("information", (info) => outcome.interim.push(info.statusCode))
  req.on("upgrade", (res, socket) => {
    outcome.status = res.statusCode
    socket.destroy()
    finish("upgraded")
  })
  req.on("response", (res) => {
    outcome.status = res.statusCode
    const pieces = []
    res.on("data", (chunk) => pieces.push(chunk))
    res.on("error", (error) => finish(error.code ?? error.message))
    res.on("close", () => {
      outcome.complete = res.complete
      outcome.body = digest(pieces)
      finish(res.complete ? "" : "broken off")
    })
  })
  req.on("error", (error) => finish(error.code ?? error.message))
  req.on("close", () => setImmediate(finish, "closed"))
  req.end()
}

createRawServer((socket) => {
  let text = ""
  socket.setEncoding("utf8")
  socket.on("error", () => socket.destroy())
  socket.on("data", (chunk) => {
    const lines = (text + chunk).split("\n")
    text = lines.pop()
    for (const line of lines) {
      const { id, method, bytes } = JSON.parse(line)
      readResponse(method, Buffer.from(bytes, "base64"), (outcome) => socket.write(`${JSON.stringify({ id, ...outcome })}\n`))
    }
  })
}).listen(responses, () => process.stdout.write("ready\n"))
