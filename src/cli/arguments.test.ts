import { expect, test } from "bun:test"
import { UsageError, parseFlags, parseMemory, parseNumber, parsePortMap, parseScopes, parseSpan } from "./arguments"

const known = { port: "text", wait: "switch", scope: "list" } as const

test("flags and the rest are told apart, before and after each other", () => {
  const { flags, rest } = parseFlags(["a.test", "--port=80", "--scope", "x=1", "--wait", "--scope", "y=2", "b"], known)
  expect([flags.text("port"), flags.has("wait"), flags.list("scope"), rest]).toEqual(["80", true, ["x=1", "y=2"], ["a.test", "b"]])
})

test.each([
  [["--nope"], "unknown flag --nope"],
  [["-x"], "unknown flag -x"],
  [["--no-wait"], "unknown flag --no-wait"],
  [["--port"], "--port needs a value"],
  [["--port", "--wait"], "--port needs a value"],
  [["--wait=yes"], "--wait takes no value"],
])("%p is refused by naming the flag", (args, message) => {
  expect(() => parseFlags(args, known)).toThrow(UsageError)
  expect(() => parseFlags(args, known)).toThrow(message)
})

test("a flag that is given empty is not the same as one that is absent", () => {
  const { flags } = parseFlags(["--port="], known)
  expect(() => flags.text("port")).toThrow("--port is empty")
  expect(() => flags.required("host")).toThrow("--host is missing")
})

test.each([
  ["80", 80],
  ["65535", 65535],
])("%p is a port", (text, value) => expect(parseNumber("--port", text, 1, 65535)).toBe(value))

test.each(["", "0", "65536", "-1", "8e3", "80 ", "0x50", "99999999999"])("%p is no port", (text) => {
  expect(() => parseNumber("--port", text, 1, 65535)).toThrow("--port is a number from 1 to 65535")
})

test.each([
  ["250ms", 250],
  ["90s", 90_000],
  ["10m", 600_000],
  ["24h", 86_400_000],
])("%p is a span", (text, value) => expect(parseSpan("--timeout", text)).toBe(value))

test.each(["", "10", "0s", "-1s", "1d", "25h", "1.5m", "m", "constructor"])("%p is no span", (text) => {
  expect(() => parseSpan("--timeout", text)).toThrow("--timeout is a span")
})

test.each([
  ["512", 512],
  ["256m", 256],
  ["2G", 2048],
])("%p is a size of memory", (text, value) => expect(parseMemory(text)).toBe(value))

test.each(["", "0", "1t", "-5", "lots"])("%p is no size of memory", (text) => expect(() => parseMemory(text)).toThrow("--memory"))

test("scopes of one key are joined and keep their order", () => {
  const scopes = parseScopes(["networking.me.domains=read, create", "storage.me=read", "networking.me.domains=read,delete"])
  expect(scopes).toEqual({ "networking.me.domains": ["read", "create", "delete"], "storage.me": ["read"] })
})

test.each(["", "networking", "networking.me=", "=read", "a=read,,create"])("%p is no scope", (text) => {
  expect(() => parseScopes([text])).toThrow("--scope is KEY=ACTION,ACTION")
})

test("a port map leads from container ports to real ones", () => {
  expect(parsePortMap(["80=32400", "443=8443"])).toEqual({ "80": 32400, "443": 8443 })
})

test.each(["80", "80=", "=80", "80=1=2", "0=80", "80=70000"])("%p is no port map", (text) => {
  expect(() => parsePortMap([text])).toThrow("--port-map")
})
