import { expect, test } from "bun:test"
import { parseProxyHeader, ProxyHeaderError } from "./proxy-protocol"

const SIGNATURE = "0d0a0d0a000d0a515549540a"

/** A v2 header of its parts in hexadecimal; the length is filled in. */
function v2(versionAndCommand: string, kind: string, ...parts: string[]): Buffer {
  const body = Buffer.from(parts.join(""), "hex")
  const length = Buffer.alloc(2)
  length.writeUInt16BE(body.length)
  return Buffer.concat([Buffer.from(SIGNATURE + versionAndCommand + kind, "hex"), length, body])
}

const tcp4 = "cb007105c0000201dc0401bb"
const tcp6 = "20010db800000000000000000000000120010db8000000000000000000000002dc0401bb"
const from4 = { source: { address: "203.0.113.5", port: 56324 }, destination: { address: "192.0.2.1", port: 443 } }
const from6 = { source: { address: "2001:db8::1", port: 56324 }, destination: { address: "2001:db8::2", port: 443 } }
// Made by HAProxy 2.6 with `send-proxy-v2 proxy-v2-options crc32c`: the checksum is not of our own making.
const checked = v2("21", "11", "7f0000017f000001d0a4b36b", "030004", "900a80ab")

const full6 = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"

const complete: [string, Buffer, object][] = [
  ["v1 TCP4", Buffer.from("PROXY TCP4 203.0.113.5 192.0.2.1 56324 443\r\n"), from4],
  ["v1 TCP6", Buffer.from("PROXY TCP6 2001:DB8:0::1 2001:db8::2 56324 443\r\n"), from6],
  [
    "v1 TCP6 at its longest",
    Buffer.from(`PROXY TCP6 ${full6} ${full6} 65535 65535\r\n`),
    { source: { address: full6, port: 65535 }, destination: { address: full6, port: 65535 } },
  ],
  ["v1 with IPv4-mapped addresses", Buffer.from("PROXY TCP6 ::ffff:203.0.113.5 ::ffff:c000:201 56324 443\r\n"), from4],
  ["v1 with port 0", Buffer.from("PROXY TCP4 203.0.113.5 192.0.2.1 0 443\r\n"), { ...from4, source: { address: "203.0.113.5", port: 0 } }],
  ["v1 UNKNOWN", Buffer.from("PROXY UNKNOWN\r\n"), {}],
  ["v1 UNKNOWN with more on the line", Buffer.from("PROXY UNKNOWN ffff::1 x y\r\n"), {}],
  ["v1 UNKNOWN at the longest line", Buffer.from(`PROXY UNKNOWN ${full6} ${full6} 65535 65535\r\n`), {}],
  ["v2 TCP4", v2("21", "11", tcp4), from4],
  ["v2 TCP6", v2("21", "21", tcp6), from6],
  ["v2 IPv4-mapped", v2("21", "21", "00000000000000000000ffffcb007105", "00000000000000000000ffffc0000201", "dc0401bb"), from4],
  ["v2 TCP4 with TLVs", v2("21", "11", tcp4, "0100026832", "040000", "ea0003aabbcc"), from4],
  ["v2 LOCAL", v2("20", "00"), {}],
  ["v2 LOCAL with a block to discard", v2("20", "11", tcp4, "ff"), {}],
  ["v2 LOCAL of a family unknown to us", v2("20", "77", "aabb"), {}],
  ["v2 UNSPEC", v2("21", "00"), {}],
  ["v2 UNSPEC with a TLV", v2("21", "00", "040001aa"), {}],
  ["v2 from a UNIX socket", v2("21", "31", "00".repeat(216)), {}],
  ["v2 at the longest", v2("21", "11", tcp4, "040fe1", "00".repeat(4065)), from4],
]

test.each(complete)("%s is read, and its bytes are counted without what follows", (_name, header, expected) => {
  expect(parseProxyHeader(header)).toEqual({ size: header.length, ...expected })
  for (const more of ["\r\n", "GET / HTTP/1.1\r\n", "\x16\x03\x01", "PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\n", "\0".repeat(5000)])
    expect(parseProxyHeader(Buffer.concat([header, Buffer.from(more)]))).toEqual({ size: header.length, ...expected })
})

test.each(complete)("%s is incomplete until its last byte", (_name, header) => {
  for (let length = 0; length < header.length; length++) expect(parseProxyHeader(header.subarray(0, length))).toBeUndefined()
})

test.each<[string, Buffer | string]>([
  ["another protocol", "GET / HTTP/1.1\r\n"],
  ["a ClientHello", "\x16\x03\x01\x02"],
  ["a first byte of neither version", "X"],
  ["lower case", "proxy TCP4 203.0.113.5 192.0.2.1 1 2\r\n"],
  ["two spaces", "PROXY  TCP4 203.0.113.5 192.0.2.1 1 2\r\n"],
  ["two spaces later", "PROXY TCP4 203.0.113.5  192.0.2.1 1 2\r\n"],
  ["a trailing space", "PROXY TCP4 203.0.113.5 192.0.2.1 1 2 \r\n"],
  ["a tab", "PROXY TCP4\t203.0.113.5 192.0.2.1 1 2\r\n"],
  ["a field too few", "PROXY TCP4 203.0.113.5 192.0.2.1 1\r\n"],
  ["a field too many", "PROXY TCP4 203.0.113.5 192.0.2.1 1 2 3\r\n"],
  ["LF alone", "PROXY TCP4 203.0.113.5 192.0.2.1 1 2\n\r\n"],
  ["CR alone", "PROXY TCP4 203.0.113.5 192.0.2.1 1 2\rX"],
  ["a CR inside an UNKNOWN line", "PROXY UNKNOWN a\rb\r\n"],
  ["NUL in the line", "PROXY TCP4 203.0.113.5 192.0.2.1 1 2\0\r\n"],
  ["an unknown family", "PROXY UDP4 203.0.113.5 192.0.2.1 1 2\r\n"],
  ["a family that only begins so", "PROXY UNKNOWNS\r\n"],
  ["no family", "PROXY \r\n"],
  ["IPv6 in TCP4", "PROXY TCP4 2001:db8::1 192.0.2.1 1 2\r\n"],
  ["IPv4 in TCP6", "PROXY TCP6 203.0.113.5 2001:db8::2 1 2\r\n"],
  ["an octet with a leading zero", "PROXY TCP4 203.0.113.05 192.0.2.1 1 2\r\n"],
  ["an octet beyond 255", "PROXY TCP4 203.0.113.256 192.0.2.1 1 2\r\n"],
  ["three octets", "PROXY TCP4 203.0.113 192.0.2.1 1 2\r\n"],
  ["a zone index", "PROXY TCP6 fe80::1%eth0 fe80::2 1 2\r\n"],
  ["a port with a leading zero", "PROXY TCP4 203.0.113.5 192.0.2.1 01 2\r\n"],
  ["a port beyond 65535", "PROXY TCP4 203.0.113.5 192.0.2.1 1 65536\r\n"],
  ["a signed port", "PROXY TCP4 203.0.113.5 192.0.2.1 +1 2\r\n"],
  ["an empty port", "PROXY TCP4 203.0.113.5 192.0.2.1  2\r\n"],
  ["a line of 108 bytes", `PROXY UNKNOWN ${"x".repeat(92)}\r\n`],
  ["107 bytes without an end", `PROXY UNKNOWN ${"x".repeat(93)}`],
  ["v2 with version 1", v2("11", "11", tcp4)],
  ["v2 with command 2", v2("22", "11", tcp4)],
  ["v2 over UDP", v2("21", "12", tcp4)],
  ["v2 over UDP and IPv6", v2("21", "22", tcp6)],
  ["v2 from a UNIX datagram socket", v2("21", "32", "00".repeat(216))],
  ["v2 of family 4", v2("21", "41", tcp4)],
  ["v2 IPv4 without protocol", v2("21", "10", tcp4)],
  ["v2 with addresses cut short", v2("21", "11", tcp4.slice(2))],
  ["v2 IPv6 with IPv4 addresses", v2("21", "21", tcp4)],
  ["v2 with one byte too many", v2("21", "11", tcp4, "04")],
  ["v2 with a TLV longer than the header", v2("21", "11", tcp4, "040002aa")],
  ["v2 with a wrong checksum", v2("21", "11", tcp4, "03000400000000")],
  ["v2 with a checksum of 3 bytes", v2("21", "11", tcp4, "030003000000")],
  ["v2 of 4097 bytes", v2("21", "11", tcp4, "040fe2", "00".repeat(4066))],
  ["v2 LOCAL beyond the bound", v2("20", "00", "00".repeat(4081))],
])("%s is refused", (_name, input) => {
  expect(() => parseProxyHeader(typeof input === "string" ? Buffer.from(input, "latin1") : input)).toThrow(ProxyHeaderError)
})

test("v2 is refused by its first 16 bytes where those are wrong, so that nobody waits for the rest", () => {
  for (const header of [v2("31", "11", tcp4), v2("21", "12", tcp4), v2("20", "00", "00".repeat(4081)), v2("21", "21", tcp4)])
    expect(() => parseProxyHeader(header.subarray(0, 16))).toThrow(ProxyHeaderError)
})

test("a checksum is verified over the whole header", () => {
  expect(parseProxyHeader(checked)?.source?.address).toBe("127.0.0.1")
  for (let index = 16; index < checked.length; index++) {
    // The byte that says that this TLV is the checksum.
    if (index === 28) continue
    const wrong = Buffer.from(checked)
    wrong[index] = (wrong[index] ?? 0) ^ 1
    expect(() => parseProxyHeader(wrong)).toThrow(ProxyHeaderError)
  }
  expect(() => parseProxyHeader(v2("21", "11", checked.toString("hex", 16), checked.toString("hex", 28)))).toThrow("two checksums")
})

test("mutated headers throw nothing but ProxyHeaderError, and a size is never beyond the input", () => {
  const seed = 20261121
  let state = seed
  const random = (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
  const corpus = [...complete.map(([, header]) => header), checked]
  let [accepted, refused] = [0, 0]
  for (let round = 0; round < 30_000; round++) {
    let input = Buffer.from(corpus[random(corpus.length)] ?? checked)
    for (let change = random(4); change >= 0; change--) {
      const at = random(input.length)
      const way = random(4)
      if (way === 0) input[at] = random(256)
      else if (way === 1) input = Buffer.concat([input.subarray(0, at), input.subarray(at + 1 + random(4))])
      else if (way === 2) input = Buffer.concat([input.subarray(0, at), Buffer.from([random(256)]), input.subarray(at)])
      else input[at] = (input[at] ?? 0) ^ (1 << random(8))
    }
    try {
      const header = parseProxyHeader(input)
      if (header !== undefined) accepted++
      if (header !== undefined && (header.size > input.length || header.size > 4096)) throw new Error(`size ${header.size}`)
    } catch (error) {
      if (!(error instanceof ProxyHeaderError)) throw new Error(`seed ${seed}, round ${round}: ${input.toString("hex")}`, { cause: error })
      refused++
    }
  }
  expect([accepted > 1000, refused > 1000]).toEqual([true, true])
})
