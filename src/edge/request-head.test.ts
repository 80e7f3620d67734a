import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { EdgeFixture, RawUpstream } from "./edge.fixture"
import { MessageError } from "./field-lines"
import { defaultLimits } from "./limits"
import { parseRequestHead } from "./request-head"

const get = (fields: string) => `GET / HTTP/1.1\r\nHost: app.test\r\n${fields}\r\n`
const post = (fields: string, body: string) => `POST / HTTP/1.1\r\nHost: app.test\r\n${fields}\r\n${body}`
const chunked = (body: string) => post("Transfer-Encoding: chunked\r\n", body)

/** What is wrong, the status it gets, and the bytes. */
const malformed: [string, number, string][] = [
  ["two equal Content-Length fields", 400, post("Content-Length: 5\r\nContent-Length: 5\r\n", "hello")],
  ["two different Content-Length fields", 400, post("Content-Length: 5\r\nContent-Length: 6\r\n", "hello")],
  ["a list in Content-Length", 400, post("Content-Length: 5, 5\r\n", "hello")],
  ["a sign in Content-Length", 400, post("Content-Length: +5\r\n", "hello")],
  ["a negative Content-Length", 400, post("Content-Length: -5\r\n", "hello")],
  ["a hexadecimal Content-Length", 400, post("Content-Length: 0x5\r\n", "hello")],
  ["an empty Content-Length", 400, post("Content-Length:\r\n", "hello")],
  ["a huge Content-Length", 400, post("Content-Length: 99999999999999999999\r\n", "hello")],
  ["Content-Length with Transfer-Encoding", 400, post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")],
  ["Transfer-Encoding with Content-Length", 400, post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n")],
  ["Transfer-Encoding: identity", 400, post("Transfer-Encoding: identity\r\n", "hello")],
  ["Transfer-Encoding: gzip, chunked", 400, post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n")],
  ["Transfer-Encoding: xchunked", 400, post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n")],
  ["a quoted transfer coding", 400, post('Transfer-Encoding: "chunked"\r\n', "0\r\n\r\n")],
  ["chunked twice in one field", 400, post("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n")],
  ["two Transfer-Encoding fields", 400, post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")],
  ["a vertical tab before chunked", 400, post("Transfer-Encoding: \x0bchunked\r\n", "0\r\n\r\n")],
  ["Transfer-Encoding on HTTP/1.0", 400, "POST / HTTP/1.0\r\nHost: app.test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
  ["bare LF after the request line", 400, "GET / HTTP/1.1\nHost: app.test\r\n\r\n"],
  ["bare LF everywhere", 400, "GET / HTTP/1.1\nHost: app.test\n\n"],
  ["bare LF in a value", 400, get("A: b\nc: d\r\n")],
  ["bare LF as the empty line", 400, "GET / HTTP/1.1\r\nHost: app.test\r\n\n"],
  ["bare CR in a value", 400, get("A: b\rc: d\r\n")],
  ["bare CR in the request line", 400, "GET /\r HTTP/1.1\r\nHost: app.test\r\n\r\n"],
  ["CR CR LF", 400, "GET / HTTP/1.1\r\r\nHost: app.test\r\n\r\n"],
  ["a folded line", 400, get("A: b\r\n c\r\n")],
  ["a line folded with a tab", 400, get("A: b\r\n\tc\r\n")],
  ["a folded first line", 400, "GET / HTTP/1.1\r\n Host: app.test\r\n\r\n"],
  ["a space before the colon", 400, get("A : b\r\n")],
  ["a tab before the colon", 400, get("A\t: b\r\n")],
  ["a space before the colon of Content-Length", 400, post("Content-Length : 5\r\n", "hello")],
  ["an empty field name", 400, get(": b\r\n")],
  ["a field without colon", 400, get("Accept\r\n")],
  ["a field name with a slash", 400, get("a/b: c\r\n")],
  ["a field name with a high byte", 400, get("\xe4: c\r\n")],
  ["NUL in a value", 400, get("A: b\0c\r\n")],
  ["NUL in a name", 400, get("A\0: b\r\n")],
  ["DEL in a value", 400, get("A: b\x7fc\r\n")],
  ["a control byte in a value", 400, get("A: b\x01c\r\n")],
  ["no Host", 400, "GET / HTTP/1.1\r\nA: b\r\n\r\n"],
  ["no fields at all", 400, "GET / HTTP/1.1\r\n\r\n"],
  ["no Host on HTTP/1.0", 400, "GET / HTTP/1.0\r\n\r\n"],
  ["two equal Host fields", 400, get("Host: app.test\r\n")],
  ["an empty Host", 400, "GET / HTTP/1.1\r\nHost:\r\n\r\n"],
  ["userinfo in Host", 400, "GET / HTTP/1.1\r\nHost: me@app.test\r\n\r\n"],
  ["a path in Host", 400, "GET / HTTP/1.1\r\nHost: app.test/x\r\n\r\n"],
  ["a space in Host", 400, "GET / HTTP/1.1\r\nHost: app.test x\r\n\r\n"],
  ["a list in Host", 400, "GET / HTTP/1.1\r\nHost: app.test, app.test\r\n\r\n"],
  ["a bad port in Host", 400, "GET / HTTP/1.1\r\nHost: app.test:x\r\n\r\n"],
  ["a port out of range in Host", 400, "GET / HTTP/1.1\r\nHost: app.test:65536\r\n\r\n"],
  ["an empty label in Host", 400, "GET / HTTP/1.1\r\nHost: app..test\r\n\r\n"],
  ["a method that is no token", 400, "G@T / HTTP/1.1\r\nHost: app.test\r\n\r\n"],
  ["an endless method", 400, `${"A".repeat(40)} / HTTP/1.1\r\nHost: app.test\r\n\r\n`],
  ["a space before the method", 400, " GET / HTTP/1.1\r\nHost: app.test\r\n\r\n"],
  ["a request line of one word", 400, "GET\r\nHost: app.test\r\n\r\n"],
  ["no version (HTTP/0.9)", 400, "GET /\r\nHost: app.test\r\n\r\n"],
  ["two spaces in the request line", 400, "GET  / HTTP/1.1\r\nHost: app.test\r\n\r\n"],
  ["a space after the version", 400, "GET / HTTP/1.1 \r\nHost: app.test\r\n\r\n"],
  ["a tab in the request line", 400, "GET\t/ HTTP/1.1\r\nHost: app.test\r\n\r\n"],
  ["a space in the target", 400, "GET /a b HTTP/1.1\r\nHost: app.test\r\n\r\n"],
  ["a high byte in the target", 400, "GET /\xe4 HTTP/1.1\r\nHost: app.test\r\n\r\n"],
  ["a control byte in the target", 400, "GET /\x01 HTTP/1.1\r\nHost: app.test\r\n\r\n"],
  ["NUL in the target", 400, "GET /\0 HTTP/1.1\r\nHost: app.test\r\n\r\n"],
  ["a fragment", 400, "GET /#a HTTP/1.1\r\nHost: app.test\r\n\r\n"],
  ["a target without a slash", 400, "GET index HTTP/1.1\r\nHost: app.test\r\n\r\n"],
  ["an authority as the target", 400, "GET app.test:443 HTTP/1.1\r\nHost: app.test\r\n\r\n"],
  ["an absolute target of another host", 400, "GET https://other.test/ HTTP/1.1\r\nHost: app.test\r\n\r\n"],
  ["an absolute target with userinfo", 400, "GET https://me@app.test/ HTTP/1.1\r\nHost: app.test\r\n\r\n"],
  ["another scheme", 400, "GET ftp://app.test/ HTTP/1.1\r\nHost: app.test\r\n\r\n"],
  ["* for a GET", 400, "GET * HTTP/1.1\r\nHost: app.test\r\n\r\n"],
  ["two CRLF before the request line", 400, "\r\n\r\nGET / HTTP/1.1\r\nHost: app.test\r\n\r\n"],
  ["LF before the request line", 400, "\nGET / HTTP/1.1\r\nHost: app.test\r\n\r\n"],
  ["a Connection option that is no token", 400, get("Connection: a b\r\n")],
  ["a lower-case version", 400, "GET / http/1.1\r\nHost: app.test\r\n\r\n"],
  ["a version of three numbers", 400, "GET / HTTP/1.1.1\r\nHost: app.test\r\n\r\n"],
  ["HTTP/1.2", 505, "GET / HTTP/1.2\r\nHost: app.test\r\n\r\n"],
  ["HTTP/2.0 in words", 505, "GET / HTTP/2.0\r\nHost: app.test\r\n\r\n"],
  ["HTTP/0.9 in words", 505, "GET / HTTP/0.9\r\nHost: app.test\r\n\r\n"],
  ["the preface of HTTP/2", 505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
  ["CONNECT", 405, "CONNECT app.test:443 HTTP/1.1\r\nHost: app.test\r\n\r\n"],
  ["TRACE", 405, "TRACE / HTTP/1.1\r\nHost: app.test\r\n\r\n"],
  ["a head that is too large", 431, get(`A: ${"a".repeat(40_000)}\r\n`)],
  ["too many fields", 431, get("A: b\r\n".repeat(128))],
  ["a target that is too long", 414, `GET /${"a".repeat(20_000)} HTTP/1.1\r\nHost: app.test\r\n\r\n`],
  ["a target without end", 414, `GET /${"a".repeat(40_000)}`],
  ["a chunk size with a sign", 400, chunked("+5\r\nhello\r\n0\r\n\r\n")],
  ["a negative chunk size", 400, chunked("-5\r\nhello\r\n0\r\n\r\n")],
  ["a chunk size with 0x", 400, chunked("0x5\r\nhello\r\n0\r\n\r\n")],
  ["a blank before a chunk size", 400, chunked(" 5\r\nhello\r\n0\r\n\r\n")],
  ["a blank after a chunk size", 400, chunked("5 \r\nhello\r\n0\r\n\r\n")],
  ["a chunk size that is too long", 400, chunked("000000005\r\nhello\r\n0\r\n\r\n")],
  ["an empty chunk size", 400, chunked("\r\nhello\r\n0\r\n\r\n")],
  ["a chunk size that is no number", 400, chunked("g\r\nhello\r\n0\r\n\r\n")],
  ["bare LF after a chunk size", 400, chunked("5\nhello\r\n0\r\n\r\n")],
  ["bare CR after a chunk size", 400, chunked("5\rhello\r\n0\r\n\r\n")],
  ["no CRLF after a chunk", 400, chunked("5\r\nhello0\r\n\r\n")],
  ["a chunk that is longer than its size", 400, chunked("4\r\nhello\r\n0\r\n\r\n")],
  ["bare LF after a chunk", 400, chunked("5\r\nhello\n0\r\n\r\n")],
  ["bare LF in a chunk extension", 400, chunked("5;a\nb\r\nhello\r\n0\r\n\r\n")],
  ["a chunk extension that is too long", 400, chunked(`5;${"a".repeat(9000)}\r\nhello\r\n0\r\n\r\n`)],
  ["bare LF at the end of the trailers", 400, chunked("0\r\n\n")],
  ["a folded trailer", 400, chunked("0\r\nA: b\r\n c\r\n\r\n")],
  ["trailers that are too large", 400, chunked(`0\r\nA: ${"a".repeat(9000)}\r\n\r\n`)],
]

describe("a malformed request is answered once, its connection is closed, and the upstream sees nothing of it", () => {
  let upstream: RawUpstream
  let fixture: EdgeFixture
  beforeAll(async () => {
    upstream = await RawUpstream.answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    fixture = await EdgeFixture.start(upstream.upstream)
  })
  afterAll(async () => {
    await fixture.stop()
    upstream.stop()
  })

  test.each(malformed)("%s: %d", async (_, status, bytes) => {
    const client = await fixture.client()
    client.send(bytes)
    await client.gone()
    expect(client.text).toStartWith(`HTTP/1.1 ${status} `)
    expect(client.text.match(/HTTP\/1\.1 /g)).toHaveLength(1)
    expect(client.text).toContain("\r\nConnection: close\r\n")
    client.socket.destroy()
    // What the upstream got by now it got from a request of this table, since none of them is to reach it.
    expect(upstream.peers.map((peer) => peer.text).join("")).toBe("")
  })

  test("what follows a malformed request on its connection is not served", async () => {
    const client = await fixture.client()
    client.send(get("A : b\r\n") + get(""))
    await client.gone()
    expect(client.text.match(/HTTP\/1\.1 /g)).toHaveLength(1)
    expect(upstream.peers.map((peer) => peer.text).join("")).toBe("")
    client.socket.destroy()
  })
})

test.each(malformed.filter(([, , bytes]) => bytes.includes("\r\n\r\n") && !bytes.includes("Transfer-Encoding: chunked\r\n\r\n")))(
  "byte by byte, too: %s",
  (_, status, bytes) => {
    const input = Buffer.from(bytes, "latin1")
    const outcome = (() => {
      try {
        for (let size = 1, searched = 0; size <= input.length; searched = size, size += size < 2000 ? 1 : 997) {
          if (parseRequestHead(input.subarray(0, size), 0, searched, defaultLimits)) return "accepted"
        }
        return parseRequestHead(input, 0, 0, defaultLimits) ? "accepted" : "incomplete"
      } catch (error) {
        return error instanceof MessageError ? error.status : error
      }
    })()
    expect(outcome).toBe(status as never)
  },
)

test.each([
  ["GET / HTTP/1.1\r\nHost: App.Test:8443\r\n\r\n", { method: "GET", target: "/", host: "app.test", version: 1 }],
  ["GET / HTTP/1.0\r\nHost: app.test.\r\n\r\n", { host: "app.test", version: 0 }],
  ["\r\nGET /a?b=c HTTP/1.1\r\nHost: app.test\r\n\r\n", { target: "/a?b=c" }],
  ["OPTIONS * HTTP/1.1\r\nHost: app.test\r\n\r\n", { target: "*" }],
  ["OPTIONS https://app.test HTTP/1.1\r\nHost: app.test\r\n\r\n", { target: "*" }],
  ["GET https://app.test HTTP/1.1\r\nHost: app.test\r\n\r\n", { target: "/" }],
  ["GET https://APP.test?a HTTP/1.1\r\nHost: app.test\r\n\r\n", { target: "/?a" }],
  ["GET http://app.test:8443/a/b HTTP/1.1\r\nHost: app.test:8443\r\n\r\n", { target: "/a/b" }],
  ["PROPFIND / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 7\r\n\r\n", { method: "PROPFIND", framing: { kind: "length", length: 7 } }],
  ["POST / HTTP/1.1\r\nHost: app.test\r\ntransfer-encoding: Chunked\r\n\r\n", { framing: { kind: "chunked" } }],
  ["POST / HTTP/1.1\r\nHost:app.test\r\nContent-Length: 0\r\nConnection: Keep-Alive, X-A\r\n\r\n", { connection: ["keep-alive", "x-a"] }],
])("%p is one request", (text, expected) => {
  const head = parseRequestHead(Buffer.from(text, "latin1"), 0, 0, defaultLimits)
  expect(head).toMatchObject(expected)
  expect(head?.end).toBe(text.length)
})

test.each(["", "\r", "\r\n", "G", "GET / HTTP/1.1\r", "GET / HTTP/1.1\r\nHost: app.test\r\n", "GET / HTTP/1.1\r\nHost: app.test\r\n\r"])(
  "%p is not yet a request",
  (text) => {
    expect(parseRequestHead(Buffer.from(text), 0, 0, defaultLimits)).toBeUndefined()
  },
)
