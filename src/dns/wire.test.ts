import { describe, expect, test } from "bun:test"
import dns2 from "dns2"
import { isWithin } from "./name"
import { typeNumbers } from "./rdata"
import { decodeMessage, encodeMessage, message, type DnsRecord } from "./wire"

const record = (type: number, value: string, name = "www.example.org"): DnsRecord => ({ name, type, class: 1, ttl: 300, value })
const header = (questions: number, answers: number, flags = 0x8400) => [
  0x12,
  0x34,
  flags >> 8,
  flags & 255,
  0,
  questions,
  0,
  answers,
  0,
  0,
  0,
  0,
]
const bytes = (...parts: (number[] | string)[]) =>
  Uint8Array.from(Buffer.concat(parts.map((part) => (typeof part === "string" ? Buffer.from(part, "latin1") : Buffer.from(part)))))

test.each<[keyof typeof typeNumbers, string]>([
  ["A", "192.0.2.1"],
  ["AAAA", "2001:db8::1"],
  ["AAAA", "::"],
  ["AAAA", "1:0:0:2::3"],
  ["AAAA", "1:2:3:4:5:6:0:8"],
  ["NS", "ns1.example.org"],
  ["CNAME", "\\046odd.label\\032.example.org"],
  ["SOA", "ns1.example.org admin.example.org 4294967295 1 2 3 4"],
  ["TXT", "edd-verify-0123"],
  ["TXT", ""],
  ["TXT", `long ${"x".repeat(2000)} ünïcode`],
  ["MX", "10 mail.example.org"],
  ["MX", "0 ."],
  ["SRV", "0 5 443 host.example.org"],
  ["CAA", '0 issue "ca.example; policy=\\"a\\\\b\\""'],
])("a %s record %p comes back as it was written", (type, value) => {
  const sent = message({ id: 7, response: true, answers: [record(typeNumbers[type], value)] })
  expect(decodeMessage(encodeMessage(sent))).toEqual(sent)
})

test("every octet is where it belongs, wherever the message outgrows what was set aside for it", () => {
  for (let length = 430; length < 560; length++) {
    const value = Array.from({ length }, (_, index) => String.fromCharCode(97 + (index % 26))).join("")
    const sent = message({ answers: [record(typeNumbers.TXT, value), record(typeNumbers.TXT, `${value}!`)] })
    expect(decodeMessage(encodeMessage(sent)).answers).toEqual(sent.answers)
  }
})

test("an unknown type is carried as it is", () => {
  const sent = message({ answers: [record(65280, "\\# 3 00ff10"), record(65280, "\\# 0")] })
  expect(decodeMessage(encodeMessage(sent))).toEqual(sent)
})

test("a TXT of several strings is joined, and names are told apart however their labels are spelled", () => {
  const decoded = decodeMessage(bytes(header(0, 1), [3], "a.B", [3], "com", [0, 0, 16, 0, 1, 0, 0, 0, 9, 0, 6, 2], "ab", [2], "cd"))
  expect(decoded.answers[0]).toMatchObject({ name: "a\\046b.com", value: "abcd" })
  expect(isWithin("a\\046b.com", "b.com")).toBe(false)
})

test.each<[string, Uint8Array]>([
  ["nothing", bytes()],
  ["half a header", bytes([1, 2, 3])],
  ["a question that is not there", bytes(header(1, 0))],
  ["a pointer to itself", bytes(header(1, 0), [0xc0, 12, 0, 1, 0, 1])],
  ["two pointers at each other", bytes(header(1, 0), [0xc0, 14, 0xc0, 12, 0, 1, 0, 1])],
  ["a pointer forwards", bytes(header(1, 0), [0xc0, 18, 0, 1, 0, 1, 0])],
  ["a loop through a label", bytes(header(1, 0), [1, 97, 0xc0, 12, 0, 1, 0, 1])],
  ["a reserved label type", bytes(header(1, 0), [0x80, 1, 0, 0, 1, 0, 1])],
  ["a name of 256 octets", bytes(header(1, 0), ...Array.from({ length: 4 }, () => `?${"a".repeat(63)}`), [0, 0, 1, 0, 1])],
  ["an A record of three octets", bytes(header(0, 1), [0, 0, 1, 0, 1, 0, 0, 0, 9, 0, 3, 1, 2, 3])],
  ["data past the end", bytes(header(0, 1), [0, 0, 16, 0, 1, 0, 0, 0, 9, 0, 90, 1, 97])],
  ["a TXT string past its record", bytes(header(0, 1), [0, 0, 16, 0, 1, 0, 0, 0, 9, 0, 2, 9, 97])],
  ["an empty TXT", bytes(header(0, 1), [0, 0, 16, 0, 1, 0, 0, 0, 9, 0, 0])],
  ["octets after the end", bytes(header(0, 0), [0])],
  ["a CAA tag past its record", bytes(header(0, 1), [0, 1, 1, 0, 1, 0, 0, 0, 9, 0, 3, 0, 9, 97])],
])("%s is malformed", (_what, packet) => {
  expect(() => decodeMessage(packet)).toThrow(expect.objectContaining({ name: "WireError" }))
})

test("long chains of pointers cost no time", () => {
  const chain = Array.from({ length: 8000 }, (_, index) => {
    const target = index === 0 ? 23 : 24 + 2 * (index - 1)
    return [0xc0 | (target >> 8), target & 255]
  }).flat()
  const data = [0, ...chain]
  const last = 24 + 2 * 7999
  const bad = Array.from({ length: 3000 }, () => [0xc0 | (last >> 8), last & 255, 0xfd, 0xe8, 0, 1, 0, 0, 0, 0, 0, 0]).flat()
  const packet = bytes(header(0, 0), [0, 0xfd, 0xe8, 0, 1, 0, 0, 0, 0, data.length >> 8, data.length & 255], data, bad)
  packet[6] = 3001 >> 8
  packet[7] = 3001 & 255
  const started = performance.now()
  expect(() => decodeMessage(packet)).toThrow("too many compression pointers")
  expect(performance.now() - started).toBeLessThan(200)
})

describe("against dns2, an independent codec", () => {
  test("what we encode it reads, names compressed", () => {
    const answers = [
      record(typeNumbers.TXT, "x".repeat(300)),
      record(typeNumbers.CNAME, "other.example.org"),
      record(typeNumbers.A, "192.0.2.1"),
    ]
    const octets = encodeMessage(message({ id: 9, response: true, questions: [{ name: "www.example.org", type: 16, class: 1 }], answers }))
    const read = dns2.Packet.parse(Buffer.from(octets))
    expect(read.answers.map(({ name }) => name)).toEqual(["www.example.org", "www.example.org", "www.example.org"])
    expect(read.answers).toMatchObject([
      { data: ["x".repeat(255), "x".repeat(45)] },
      { domain: "other.example.org" },
      { address: "192.0.2.1" },
    ])
    expect(Buffer.from(octets).toString("latin1").split("example").length - 1).toBe(1)
  })
})
