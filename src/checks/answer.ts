import type { Verdict } from "./check"
import { openTls, type Place } from "./handshake"

const maxHeadBytes = 64 * 1024

/** What our own edge answers at a hostname, as a visitor would be answered; who vouches for the certificate is another check. */
export async function checkAnswer(hostname: string, edge: Place, limitMs = 4000): Promise<Verdict> {
  let status: number
  try {
    status = await statusOf(hostname, edge, limitMs)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    return { status: "unknown", verdict: `Nobody was answered yet at https://${hostname}/ (${code ?? message}).` }
  }
  if (status < 400) return { status: "ok", verdict: `https://${hostname}/ answers with ${status}.` }
  if (status === 502 || status === 503 || status === 504)
    return {
      status: "bad",
      verdict: `The edge answers with ${status}: it reaches no application.`,
      remedy: "Start the application, and see that it listens at the address and port that you gave.",
    }
  return {
    status: "warn",
    verdict: `The application answers its first page with ${status}.`,
    remedy: "The way to it is right. Whether that is what it should say, its own log tells.",
  }
}

/** The status of the first page. The request is written by hand, since Node's client says nothing before TLS, as an edge behind a balancer wants it. */
function statusOf(hostname: string, place: Place, limitMs: number): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  const { socket, end } = openTls(place, hostname, reject)
  const timer = setTimeout(() => reject(new Error(`no answer within ${limitMs / 1000} s`)), limitMs)
  let said = ""
  socket.once("secureConnect", () =>
    socket.write(`GET / HTTP/1.1\r\nHost: ${hostname}\r\nAccept: text/html\r\nUser-Agent: freehold-check\r\nConnection: close\r\n\r\n`),
  )
  socket.on("data", (bytes: Buffer) => {
    said += bytes.toString("latin1")
    // What is only informational is not the answer yet (RFC 9110 section 15.2).
    said = said.replace(/^(?:HTTP\/1\.[01] 1\d\d[^\n]*\r\n(?:[^\r\n]+\r\n)*\r\n)+/, "")
    const [, status] = /^HTTP\/1\.[01] ([2-9]\d\d)/.exec(said) ?? []
    if (status !== undefined) resolve(Number(status))
    else if (said.length > maxHeadBytes) reject(new Error("no HTTP/1.1"))
  })
  socket.once("close", () => reject(new Error("the connection was closed")))
  return promise.finally(() => {
    clearTimeout(timer)
    end()
  })
}
