import { describe, expect, test } from "bun:test"
import { HeaderRules } from "./header-rules"
import { fields } from "./session.fixture"

const GET = ":method: GET\n:scheme: https\n:path: /\n:authority: a.test"
const CONNECT = ":method: CONNECT\n:authority: a.test:443"
const EXTENDED = ":method: CONNECT\n:protocol: websocket\n:scheme: https\n:path: /chat\n:authority: a.test"

test.each([
  GET,
  ":scheme: http\n:path: /?q\n:method: GET",
  ":method: OPTIONS\n:scheme: https\n:path: *\n:authority: a.test",
  CONNECT,
  EXTENDED,
  `${GET}\nhost: A.test`,
  `${GET}\nte: trailers`,
  `${GET}\ncontent-length: 5\ncontent-length: 5`,
  `${GET}\ncookie: a=b\ncookie: c=d`,
  `${GET}\nx-empty: `,
  `${GET}\nx-latin: \xe9\tx`,
])("%p is a good request", (text) => {
  const rules = new HeaderRules()
  expect([rules.request(fields(text)), rules.fault]).toEqual([true, ""])
})

describe("a malformed request", () => {
  test.each([
    ["no method", ":scheme: https\n:path: /"],
    ["no path", ":method: GET\n:scheme: https"],
    ["no scheme", ":method: GET\n:path: /"],
    ["an empty path", ":method: GET\n:scheme: https\n:path: "],
    ["a path without slash", ":method: GET\n:scheme: https\n:path: a"],
    ["* for GET", ":method: GET\n:scheme: https\n:path: *"],
    ["a blank in the path", ":method: GET\n:scheme: https\n:path: /a b"],
    ["a fragment in the path", ":method: GET\n:scheme: https\n:path: /#a"],
    ["a method that is no token", ":method: G T\n:scheme: https\n:path: /"],
    ["a bad scheme", ":method: GET\n:scheme: 1\n:path: /"],
    ["user information in the authority", ":method: GET\n:scheme: https\n:path: /\n:authority: me@a.test"],
    ["an empty authority", ":method: GET\n:scheme: https\n:path: /\n:authority: "],
    ["a Host that differs", `${GET}\nhost: b.test`],
    ["two Hosts", `${GET}\nhost: a.test\nhost: a.test`],
    ["a repeated pseudo field", `:method: GET\n${GET}`],
    ["an unknown pseudo field", `:other: x\n${GET}`],
    ["a response's pseudo field", `:status: 200\n${GET}`],
    ["a pseudo field after another", `${GET}\na: b\n:authority: a.test`],
    ["CONNECT with a path", `${CONNECT}\n:path: /`],
    ["CONNECT without authority", ":method: CONNECT"],
    [":protocol without CONNECT", `${GET}\n:protocol: websocket`],
    [":protocol without path", ":method: CONNECT\n:protocol: websocket\n:scheme: https\n:authority: a.test"],
    ["an upper case name", `${GET}\nX-a: b`],
    ["a name that is no token", `${GET}\nx a: b`],
    ["connection", `${GET}\nconnection: close`],
    ["keep-alive", `${GET}\nkeep-alive: 5`],
    ["proxy-connection", `${GET}\nproxy-connection: close`],
    ["transfer-encoding", `${GET}\ntransfer-encoding: chunked`],
    ["upgrade", `${GET}\nupgrade: h2c`],
    ["te of more than trailers", `${GET}\nte: trailers, gzip`],
    ["two lengths", `${GET}\ncontent-length: 5\ncontent-length: 6`],
    ["a length with a sign", `${GET}\ncontent-length: +5`],
    ["a list of lengths", `${GET}\ncontent-length: 5, 5`],
    ["a length too long for a number", `${GET}\ncontent-length: 12345678901234567890`],
  ])("%s", (_, text) => {
    const rules = new HeaderRules()
    expect(rules.request(fields(text))).toBe(false)
    expect(rules.fault).not.toBe("")
  })

  test.each(["a\0b", "a\rb", "a\nb", "a\x7fb", "a\x1bb", " a", "a ", "\ta", "a\t"])("the value %j", (value) => {
    expect(new HeaderRules().request([...fields(GET), { name: "x", value }])).toBe(false)
  })

  test("an empty name", () => {
    expect(new HeaderRules().request([...fields(GET), { name: "", value: "x" }])).toBe(false)
  })
})

test("trailers have no pseudo fields, no length, no host and nothing of a connection", () => {
  const rules = new HeaderRules()
  expect(rules.trailers(fields("grpc-status: 0"))).toBe(true)
  for (const bad of [":status: 200", "content-length: 1", "connection: close", "host: a.test"])
    expect(rules.trailers(fields(bad))).toBe(false)
})

test("a declared length is told, and none where it means nothing", () => {
  const rules = new HeaderRules()
  const lengthOf = (text: string) => (rules.request(fields(text)) ? rules.contentLength : "malformed")
  expect(lengthOf(`${GET}\ncontent-length: 007`)).toBe(7)
  expect(lengthOf(GET)).toBe(-1)
  expect(lengthOf(`${CONNECT}\ncontent-length: 5`)).toBe(-1)
})

test("a field that is remembered as good stays checked for what depends on the rest", () => {
  const rules = new HeaderRules()
  const host = { name: "host", value: "a.test" }
  const length = { name: "content-length", value: "5" }
  const head = [...fields(GET), host, length]
  for (let round = 0; round < 3; round++) {
    expect(rules.request(head)).toBe(true)
    expect(rules.contentLength).toBe(5)
  }
  expect(rules.request([...head, { name: "content-length", value: "6" }])).toBe(false)
  expect(rules.request([...head.slice(0, 4), host, host])).toBe(false)
})
