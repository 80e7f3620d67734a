import { expect, test } from "bun:test"
import { FieldCache } from "./field-cache"
import { MessageError } from "./field-lines"
import { fieldNameOf, fieldNameOfText } from "./field-name"
import { FieldLines } from "./fields"
import { AuthorityMemo, requestFieldsFor, requestOf, responseFieldsFor, responseOf, websocketAccept } from "./http2-head"
import { fields } from "./http2/session.fixture"

const head = (text = "", pseudo = ":method: GET\n:scheme: https\n:path: /\n:authority: app.test") => fields(`${pseudo}\n${text}`.trim())
const read = (list: ReturnType<typeof head>, ended = true) => requestOf(list, ended, 100, new AuthorityMemo())
const origin = { clientAddress: "1.2.3.4", requestId: "id", proto: "https" as const }
const lines = (list: { name: string; value: string }[]) => list.map(({ name, value }) => `${name}: ${value}`)

test.each([
  ["no body", "", true, { kind: "none" }],
  ["a body of unknown length", "", false, { kind: "chunked" }],
  ["a body of known length", "content-length: 7", false, { kind: "length", length: 7 }],
  ["a body that is empty", "content-length: 0", false, { kind: "none" }],
] as const)("a request with %s", (_, text, ended, framing) => {
  expect(read(head(text), ended)).toMatchObject({
    method: "GET",
    target: "/",
    version: 2,
    host: "app.test",
    authority: "app.test",
    framing,
  })
})

test.each([
  ["CONNECT", ":method: CONNECT\n:authority: app.test", 405],
  ["TRACE", ":method: TRACE\n:scheme: https\n:path: /\n:authority: app.test", 405],
  ["another protocol", ":method: CONNECT\n:protocol: connect-udp\n:scheme: https\n:path: /\n:authority: app.test", 405],
  ["a long target", `:method: GET\n:scheme: https\n:path: /${"a".repeat(100)}\n:authority: app.test`, 414],
  ["userinfo", ":method: GET\n:scheme: https\n:path: /\n:authority: me@app.test", 400],
  ["no authority", ":method: GET\n:scheme: https\n:path: /", 400],
])("a request that may not be relayed: %s", (_, pseudo, status) => {
  let fault: unknown
  try {
    read(head("", pseudo))
  } catch (error) {
    fault = error
  }
  expect(fault).toBeInstanceOf(MessageError)
  expect((fault as MessageError).status).toBe(status as 400)
})

test("the host of an authority is canonical, and may stand in Host", () => {
  expect(read(head("", ":method: GET\n:scheme: https\n:path: /\n:authority: APP.test.:8443"))).toMatchObject({
    host: "app.test",
    authority: "APP.test.:8443",
  })
  expect(read(head("host: app.test", ":method: GET\n:scheme: https\n:path: /")).host).toBe("app.test")
  const memo = new AuthorityMemo()
  expect(["app.test", "app.test", undefined, "a@b", "a@b", "app.test:1"].map((authority) => memo.hostOf(authority))).toEqual([
    "app.test",
    "app.test",
    undefined,
    undefined,
    undefined,
    "app.test",
  ])
})

test("a POST without a body says so to HTTP/1, a GET need not", () => {
  const lengths = ["POST", "PUT", "GET"].map((method) => {
    const request = read(head("", `:method: ${method}\n:scheme: https\n:path: /\n:authority: app.test`))
    const list: { name: string; value: string }[] = []
    request.fields.appendTo(list, new Uint8Array(32), [])
    return [lines(list), request.framing.kind]
  })
  expect(lengths).toEqual([
    [["content-length: 0"], "none"],
    [["content-length: 0"], "none"],
    [[], "none"],
  ])
})

test("an extended CONNECT is a GET with a key of ours", () => {
  const connect = ":method: CONNECT\n:protocol: websocket\n:scheme: https\n:path: /chat\n:authority: app.test"
  const request = read(head("sec-websocket-version: 13\nsec-websocket-key: theirs", connect), false)
  const list: { name: string; value: string }[] = []
  request.fields.appendTo(list, new Uint8Array(32), [])
  expect(request).toMatchObject({ method: "GET", target: "/chat", framing: { kind: "none" } })
  expect(lines(list)).toEqual(["sec-websocket-version: 13", `sec-websocket-key: ${request.websocketKey}`])
  // The example of RFC 6455 section 1.3.
  expect(websocketAccept("dGhlIHNhbXBsZSBub25jZQ==")).toBe("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
})

test("what an upstream of HTTP/2 gets", () => {
  const text = "te: trailers\nx-forwarded-for: 9.9.9.9\nx_real_ip: 9.9.9.9\ncookie: a=1\ncookie: b=2\ncontent-length: 7"
  expect(lines(requestFieldsFor(read(head(text), false), origin))).toEqual([
    ":method: GET",
    ":scheme: http",
    ":authority: app.test",
    ":path: /",
    "cookie: a=1",
    "cookie: b=2",
    "content-length: 7",
    "te: trailers",
    "x-forwarded-for: 1.2.3.4",
    "x-forwarded-proto: https",
    "x-forwarded-host: app.test",
    "x-request-id: id",
  ])
})

test.each([
  ["GET", ":status: 200", { kind: "chunked" }, []],
  ["GET", ":status: 200\ncontent-length: 7", { kind: "length", length: 7 }, ["content-length: 7"]],
  ["HEAD", ":status: 200\ncontent-length: 7", { kind: "none" }, ["content-length: 7"]],
  ["GET", ":status: 304\ncontent-length: 7", { kind: "none" }, ["content-length: 7"]],
  ["GET", ":status: 204", { kind: "none" }, []],
] as const)("the response of HTTP/2 to %s: %p", (method, text, framing, kept) => {
  const response = responseOf(fields(text), method)
  expect(response.framing).toEqual(framing)
  expect(lines(responseFieldsFor(response, "id")).slice(1)).toEqual([...kept, "x-request-id: id"])
})

test("a name in lower case is known by its text as by its bytes", () => {
  const names = [
    "host",
    "x-forwarded-for",
    "x_forwarded_for",
    "x-forwarded-port",
    "x-forwarded_port",
    "x_request_id",
    "x-own",
    "accept",
    "a_b",
    "te",
    "cookie",
  ]
  for (const name of names) expect([name, fieldNameOfText(name)]).toEqual([name, fieldNameOf(Buffer.from(name), 0, name.length)])
})

test("fields of lines that look alike are told apart, whatever was seen before", () => {
  const cache = new FieldCache()
  const seen = new Map<string, string>()
  for (let i = 0; i < 5000; i++) {
    const line = `X-${i % 7}:${" ".repeat(i % 3)}${(i * 7919) % 1000}${"z".repeat(i % 11 === 0 ? 200 : 0)}`
    const bytes = Buffer.from(`junk${line}\r\n`)
    const colon = line.indexOf(":")
    const { name, value } = cache.field(bytes, 4, 4 + colon, 4 + colon + 1 + (i % 3), 4 + line.length)
    expect(`${name}|${value}`).toBe(`${line.slice(0, colon).toLowerCase()}|${line.slice(colon + 1).trim()}`)
    seen.set(name, value)
  }
  expect(seen.size).toBe(7)
})

test("an option of Connection names a field in any case", () => {
  const text = Buffer.from("X-Hop: 1\r\nx-hops: 2\r\nX-HO: 3\r\nContent-Length: 4\r\n")
  const read = new FieldLines(10)
  read.parse(text, 0, text.length)
  const list: { name: string; value: string }[] = []
  read.appendTo(list, new Uint8Array(32), ["x-hop", "content-length"])
  expect(lines(list)).toEqual(["x-hops: 2", "x-ho: 3", "content-length: 4"])
})
