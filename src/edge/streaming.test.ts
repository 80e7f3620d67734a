import { afterEach, expect, test } from "bun:test"
import { createServer } from "node:http"
import { Stage, until } from "./edge.fixture"

const stage = new Stage()
afterEach(() => stage.end())

const get = (path = "/", fields = "") => `GET ${path} HTTP/1.1\r\nHost: app.test\r\n${fields}\r\n`
const post = (fields: string, body: string) => `POST / HTTP/1.1\r\nHost: app.test\r\n${fields}\r\n${body}`

const hashOf = (bytes: Uint8Array) => new Bun.CryptoHasher("sha256").update(bytes).digest("hex")
const big = () => {
  const bytes = Buffer.alloc(64 * 1024 * 1024)
  for (let i = 0; i < bytes.length; i += 4) bytes.writeUInt32LE(Math.imul(i, 2_654_435_761) >>> 0, i)
  return bytes
}

test.each([true, false])(
  "64 MiB come down intact to a slow reader, with little held on the way (length known: %p)",
  async (sized) => {
    const body = big()
    const upstream = await stage.node(
      createServer((_, res) => {
        if (sized) res.setHeader("Content-Length", body.length)
        let at = 0
        const more = () => {
          while (at < body.length) if (!res.write(body.subarray(at, (at += 65_536)))) return void res.once("drain", more)
          res.end()
        }
        more()
      }),
    )
    const fixture = await stage.edgeTo(upstream)
    const client = await fixture.client()
    client.socket.removeAllListeners("data")
    client.socket.pause()
    client.send(get("/", "Connection: close\r\n"))
    // The amount held settles while nobody reads: that is the most there will be.
    let held = -1
    for (let same = 0; same < 10; await Bun.sleep(10)) {
      const now = fixture.edge.bufferedBytes
      same = now === held && now > 0 ? same + 1 : 0
      held = now
    }
    expect(held).toBeLessThan(2 * 1024 * 1024)
    const chunks: Buffer[] = []
    let worst = 0
    client.socket.on("data", (chunk: Buffer) => {
      chunks.push(chunk)
      worst = Math.max(worst, fixture.edge.bufferedBytes)
    })
    client.socket.resume()
    await until(() => client.ended, "the end of the download", 20_000)
    expect(worst).toBeLessThan(2 * 1024 * 1024)
    const all = Buffer.concat(chunks)
    const received = all.subarray(all.indexOf("\r\n\r\n") + 4)
    expect(hashOf(sized ? received : unchunk(received))).toBe(hashOf(body))
  },
  30_000,
)

function unchunk(bytes: Buffer): Buffer {
  const parts: Buffer[] = []
  for (let at = 0; ;) {
    const eol = bytes.indexOf("\r\n", at)
    const size = Number.parseInt(bytes.toString("latin1", at, eol), 16)
    if (size === 0) return Buffer.concat(parts)
    parts.push(bytes.subarray(eol + 2, eol + 2 + size))
    at = eol + 4 + size
  }
}

test("64 MiB go up intact to a slow upstream", async () => {
  const body = big()
  const hasher = new Bun.CryptoHasher("sha256")
  const upstream = await stage.node(
    createServer((req, res) => {
      let size = 0
      req.on("data", (chunk: Buffer) => {
        hasher.update(chunk)
        size += chunk.length
        if (size % 7 === 0) {
          req.pause()
          setTimeout(() => req.resume(), 1)
        }
      })
      req.on("end", () => res.end(`${size} ${hasher.digest("hex")}`))
    }),
  )
  const client = await (await stage.edgeTo(upstream)).client()
  client.send(post(`Content-Length: ${body.length}\r\n`, ""))
  client.socket.write(body)
  await until(() => client.text.includes(`${body.length} ${hashOf(body)}`), "the hash", 20_000)
}, 30_000)

test("an upload that the upstream does not read holds the client back", async () => {
  const upstream = await stage.raw((peer) => peer.socket.pause())
  const fixture = await stage.edgeTo(upstream.upstream)
  const client = await fixture.client()
  const before = process.memoryUsage().rss
  client.send(post(`Content-Length: ${1024 * 1024 * 1024}\r\n`, ""))
  const piece = Buffer.alloc(1024 * 1024)
  let sent = 0
  const pump = () => {
    while (sent < 256 && client.socket.write(piece)) sent++
  }
  client.socket.on("drain", pump)
  pump()
  let last = -1
  for (let same = 0; same < 20; await Bun.sleep(10)) {
    same = sent === last ? same + 1 : 0
    last = sent
  }
  // Kernel buffers of two loopback connections take some megabytes; the edge adds next to nothing.
  expect(sent).toBeLessThan(64)
  expect(process.memoryUsage().rss - before).toBeLessThan(128 * 1024 * 1024)
})

test("a body larger than what may wait goes up on a connection to the upstream that was used before", async () => {
  const body = "b".repeat(300_000)
  const received: number[] = []
  const upstream = await stage.node(
    createServer((req, res) => {
      let bytes = 0
      req.on("data", (chunk: Buffer) => (bytes += chunk.length))
      req.on("end", () => {
        received.push(bytes)
        res.end("ok")
      })
    }),
  )
  const fixture = await stage.edgeTo(upstream)
  for (let round = 1; round <= 4; round++) {
    const client = await fixture.client()
    client.send(post(`Content-Length: ${body.length}\r\n`, body))
    await until(() => received.length === round, `upload ${round}`)
    await client.has("\r\n\r\n")
    client.socket.destroy()
  }
  expect(received).toEqual([300_000, 300_000, 300_000, 300_000])
})
