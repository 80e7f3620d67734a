import { expect, test } from "bun:test"
import { utils } from "ssh2"
import { FailureCount } from "./failure-count"
import { fingerprintOf } from "./fingerprint"
import { forwardTarget } from "./forward"
import { makeHostKey } from "./host-key"

test("the same secret gives the same host key, and ssh2 reads it", () => {
  const [one, again, other] = ["11", "11", "22"].map((byte) => makeHostKey(byte.repeat(32)))
  expect(one).toEqual(again as never)
  expect(other?.fingerprint).not.toBe(one?.fingerprint)
  const parsed = utils.parseKey(one?.privateKey ?? "")
  if (parsed instanceof Error) throw parsed
  expect(`ssh-ed25519 ${parsed.getPublicSSH().toString("base64")}`).toBe(one?.publicKey ?? "")
  expect(fingerprintOf(parsed.getPublicSSH())).toBe(one?.fingerprint ?? "")
  const data = Buffer.from("signed")
  expect(parsed.verify(data, parsed.sign(data))).toBe(true)
  expect(() => makeHostKey("11")).toThrow("32 bytes")
})

test("failures are counted by address, and by network for IPv6", () => {
  const clock = { ms: 0 }
  const count = new FailureCount(2, 1000, () => clock.ms)
  for (const address of ["10.0.0.1", "2001:db8::1", "2001:db8:0:0:1:2:3:4", "10.0.0.1"]) count.note(address)
  expect(["10.0.0.1", "10.0.0.2", "2001:db8::9", "2001:db8:0:1::9"].map((address) => count.isOver(address))).toEqual([
    true,
    false,
    true,
    false,
  ])
  count.forget("10.0.0.1")
  clock.ms = 1000
  expect(["10.0.0.1", "2001:db8::9"].map((address) => count.isOver(address))).toEqual([false, false])
})

const container = { containerId: "c0ffee01", address: "10.88.0.2" }

test.each([
  ["localhost", 80, true],
  ["LOCALHOST", 80, true],
  ["127.0.0.1", 65_535, true],
  ["::1", 1, true],
  ["10.88.0.2", 5432, true],
  ["c0ffee01", 80, true],
  ["10.88.0.3", 80, false],
  ["127.0.0.2", 80, false],
  ["host.containers.internal", 80, false],
  ["", 80, false],
  ["localhost", 0, false],
  ["localhost", 65_536, false],
])("a forward to %s:%d", (destIP, destPort, isOwn) => {
  expect(forwardTarget({ destIP, destPort }, container)).toEqual(isOwn ? { host: "10.88.0.2", port: destPort } : undefined)
  expect(forwardTarget({ destIP, destPort }, { ...container, address: undefined })).toBeUndefined()
})
