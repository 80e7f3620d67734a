import type { Random } from "./random"

const phrases = ["OK", "", "Not Found", "\xe4", "a\tb"]
const statuses = ["200", "200", "200", "404", "500", "204", "304", "206", "302", "299"]
const oddLines = [
  "HTTP/1.1 200",
  "HTTP/1.1  200 OK",
  "HTTP/1.1\t200 OK",
  "HTTP/1.1 20 OK",
  "HTTP/1.1 2000 OK",
  "HTTP/1.1 099 OK",
  "HTTP/1.1 600 X",
  "HTTP/1.1 999 X",
  "HTTP/1.1 OK",
  "HTTP/2.0 200 OK",
  "HTTP/0.9 200 OK",
  "HTTP/1.2 200 OK",
  "http/1.1 200 OK",
  "ICY 200 OK",
  "HTTP/1.1 200 O\x00K",
  "HTTP/1.1 200 O\x01K",
  "HTTP/1.1 -20 OK",
  "HTTP/1.1 2e2 OK",
  "200 OK",
  "",
  "\x16\x03\x01\x02\x00\x01",
  "SSH-2.0-x",
  "HTTP/1.1 101 Switching Protocols",
  "HTTP/1.1 200OK",
  "HTTP/1.1 200 OK HTTP/1.1 200 OK",
  " HTTP/1.1 200 OK",
  "HTTP/1.1 100 Continue",
  "HTTP/1.1 199 X",
  "HTTP/1.1 205 Reset Content",
]
const fields = [
  "A: b",
  "Set-Cookie: a=b",
  "Content-Type: text/plain",
  "Date: x",
  "A:",
  "X-A: \xe4",
  "Server: x",
  "Connection: keep-alive",
  "Keep-Alive: timeout=1",
  'ETag: "x"',
  "Location: /x",
  "Vary: *",
]
const oddFields = [
  "A : b",
  " A: b",
  "A: b\r\n c",
  "A\x00: b",
  "A: b\x00",
  "A: b\rC: d",
  "A: b\nC: d",
  "A",
  ": b",
  "A b: c",
  "Content-Length: 3",
  "Content-Length: 5\r\nContent-Length: 5",
  "Content-Length: 5\r\nContent-Length: 6",
  "Content-Length: +5",
  "Content-Length: 5, 5",
  "Content-Length: -1",
  "Content-Length: 0x5",
  "Content-Length:",
  "Content-Length : 5",
  "Transfer-Encoding: chunked",
  "Transfer-Encoding: identity",
  "Transfer-Encoding: gzip, chunked",
  "Transfer-Encoding: xchunked",
  "Transfer-Encoding : chunked",
  "Transfer-Encoding: chunked, chunked",
  "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
  "Transfer_Encoding: chunked",
  "Connection: close",
  "Connection: Content-Length",
  "Connection: Transfer-Encoding",
  "Connection: upgrade\r\nUpgrade: websocket",
  "Connection: a b",
  "X-Request-ID: theirs",
  "Trailer: A",
  "A: \x7f",
  "A: \x01",
  "Content-Length: 99999999999999999999",
]
const interims = [
  "HTTP/1.1 100 Continue\r\n\r\n",
  "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n",
  "HTTP/1.1 102 Processing\r\n\r\n",
  "HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\n",
  "HTTP/1.1 103 X\r\nTransfer-Encoding: chunked\r\n\r\n",
  "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
  "HTTP/1.1 100 Continue\n\n",
]
const sizes = (hex: string) => [
  `0${hex}`,
  `0x${hex}`,
  ` ${hex}`,
  `${hex} `,
  `+${hex}`,
  `-${hex}`,
  hex.padStart(17, "0"),
  `${hex};a`,
  `${hex};a="b"`,
  `${hex};a\nb`,
  "ffffffffffffffff",
  `${hex}h`,
  "",
]
const trailers = [
  "A: b",
  "Content-Length: 5",
  "Set-Cookie: x=y",
  "A : b",
  "A",
  "A: b\r\n c",
  "A: b\nC: d",
  "Transfer-Encoding: chunked",
  "HTTP/1.1 200 OK",
]

/** One response, mostly well-formed, sometimes with interim ones before it or bytes after it. */
export function randomResponse(random: Random): Buffer {
  const odd = (times: number) => random.oneIn(times)
  const eol = () => (odd(250) ? random.pick(["\n", "\r", "\r\r\n", "\r\n\n"]) : "\r\n")
  let text = ""
  for (let n = odd(5) ? 1 + random.below(odd(10) ? 20 : 2) : 0; n > 0; n--)
    text += random.pick(interims.slice(0, odd(4) ? interims.length : 3))
  const version = odd(6) ? "HTTP/1.0" : "HTTP/1.1"
  text += `${odd(15) ? random.pick(oddLines) : `${version} ${random.pick(statuses)} ${random.pick(phrases)}`}${eol()}`
  for (let n = random.below(4); n > 0; n--) text += random.pick(fields) + eol()
  if (odd(6)) text += random.pick(oddFields) + eol()
  if (odd(150)) text += `X-Large: ${"v".repeat(random.below(40_000))}${eol()}`
  const body = odd(80)
    ? "b".repeat(random.below(100_000))
    : random.pick(["hello", "", "x", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "0\r\n\r\n", "\0\xff"])
  const kind = random.below(10)
  if (kind < 4) text += `Content-Length: ${odd(10) ? Math.max(0, body.length + random.below(7) - 3) : body.length}${eol()}${eol()}${body}`
  else if (kind < 8)
    text += `Transfer-Encoding: ${odd(20) ? random.pick(["Chunked", "chunked ", "identity", "gzip"]) : "chunked"}${eol()}${eol()}${chunked(random, body)}`
  else text += eol() + body
  if (odd(12)) text += random.pick(["\r\n", "x", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", "\0", "HTTP/1.1 100 Continue\r\n\r\n"])
  return Buffer.from(text, "latin1")
}

function chunked(random: Random, body: string): string {
  let out = ""
  const eol = () => (random.oneIn(60) ? random.pick(["\n", "\r", "", "\r\n\r\n"]) : "\r\n")
  for (let at = 0; at < body.length;) {
    const size = Math.min(body.length - at, 1 + random.below(random.oneIn(3) ? 4 : 5000))
    const hex = size.toString(16)
    out += (random.oneIn(15) ? random.pick(sizes(hex)) : hex) + eol() + body.slice(at, at + size) + eol()
    at += size
  }
  if (random.oneIn(15)) return out
  return `${out}0${eol()}${random.oneIn(5) ? random.pick(trailers) + eol() : ""}${eol()}`
}
