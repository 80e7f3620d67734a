import { isIPv4, isIPv6 } from "node:net"
import { canonicalAddress } from "../ip-address"

/*
 * HAProxy's PROXY protocol (proxy-protocol.txt), versions 1 and 2, as a receiver:
 *   first bytes → which version → the whole header in hand → its addresses; what follows `size` is the connection proper.
 * Not done: datagrams are refused, since a datagram's addresses on a TCP connection are a mistake; of the TLVs only the checksum has an
 * effect, since nothing of ours asks for the others; a UNIX socket's path is no address, so such a header has no source.
 */

const V1_PREFIX = Buffer.from("PROXY ")
/** Section 2.1: the longest line with its CRLF. */
const V1_MAX_BYTES = 107
const V2_SIGNATURE = Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1")
const V2_FIXED_BYTES = 16
const V2_MAX_BYTES = 4096
const CRC32C = 0x03

export type ProxyEndpoint = { address: string; port: number }

/** `size` counts the header's bytes; without `source` and `destination` the connection's own addresses are the true ones. */
export type ProxyHeader = { size: number; source?: ProxyEndpoint; destination?: ProxyEndpoint }

/** The first bytes are no PROXY header: the connection is to be closed without an answer. */
export class ProxyHeaderError extends Error {
  override name = "ProxyHeaderError"
}

/**
 * The PROXY header at the start of a connection's bytes, undefined while it is incomplete; throws ProxyHeaderError for anything malformed
 * or longer than 107 bytes (v1) or 4096 (v2). Never sniffed: from the configured networks a connection must begin with the header, and from
 * anywhere else this is not called, so that nobody else can choose an address. Addresses are canonical, IPv4-mapped ones as IPv4.
 */
export function parseProxyHeader(input: Buffer): ProxyHeader | undefined {
  if (begins(input, V2_SIGNATURE)) return parseV2(input)
  if (begins(input, V1_PREFIX)) return parseV1(input)
  throw new ProxyHeaderError("the connection does not begin with a PROXY header")
}

/** True also while the input is shorter than the mark and nothing contradicts it. */
function begins(input: Buffer, mark: Buffer): boolean {
  const length = Math.min(input.length, mark.length)
  return input.compare(mark, 0, length, 0, length) === 0
}

function parseV1(input: Buffer): ProxyHeader | undefined {
  const end = input.subarray(0, V1_MAX_BYTES).indexOf("\r")
  const next = end === -1 ? undefined : input[end + 1]
  if (end === -1 || end + 2 > V1_MAX_BYTES) {
    if (input.length >= V1_MAX_BYTES) throw new ProxyHeaderError(`v1: the line is longer than ${V1_MAX_BYTES} bytes`)
    return undefined
  }
  if (next === undefined) return undefined
  if (next !== 0x0a) throw new ProxyHeaderError("v1: a CR without LF")
  const line = input.toString("latin1", V1_PREFIX.length, end)
  const size = end + 2
  // Section 2.1: whatever else stands on such a line is ignored.
  if (line === "UNKNOWN" || line.startsWith("UNKNOWN ")) return { size }
  const [family, source = "", destination = "", sourcePort = "", destinationPort = "", more] = line.split(" ")
  if (family !== "TCP4" && family !== "TCP6") throw new ProxyHeaderError("v1: the family is not TCP4, TCP6 or UNKNOWN")
  if (more !== undefined) throw new ProxyHeaderError("v1: more than four fields follow the family")
  return {
    size,
    source: { address: parseV1Address(source, family), port: parseV1Port(sourcePort) },
    destination: { address: parseV1Address(destination, family), port: parseV1Port(destinationPort) },
  }
}

function parseV1Address(text: string, family: "TCP4" | "TCP6"): string {
  const address = family === "TCP4" ? isIPv4(text) : isIPv6(text)
  const canonical = address ? canonicalAddress(text) : undefined
  if (canonical === undefined) throw new ProxyHeaderError(`v1: an address is not of family ${family}`)
  return canonical
}

function parseV1Port(text: string): number {
  if (!/^(0|[1-9]\d{0,4})$/.test(text) || Number(text) > 65_535) throw new ProxyHeaderError("v1: a port is not a number from 0 to 65535")
  return Number(text)
}

function parseV2(input: Buffer): ProxyHeader | undefined {
  if (input.length < V2_FIXED_BYTES) return undefined
  const [versionAndCommand, kind] = [input.readUInt8(12), input.readUInt8(13)]
  if (versionAndCommand !== 0x20 && versionAndCommand !== 0x21) throw new ProxyHeaderError("v2: unknown version or command")
  const size = V2_FIXED_BYTES + input.readUInt16BE(14)
  if (size > V2_MAX_BYTES) throw new ProxyHeaderError(`v2: the header is longer than ${V2_MAX_BYTES} bytes`)
  const addressBytes = versionAndCommand === 0x20 ? undefined : addressBytesOf(kind)
  if (addressBytes !== undefined && size < V2_FIXED_BYTES + addressBytes) throw new ProxyHeaderError("v2: the addresses are cut short")
  if (input.length < size) return undefined
  // LOCAL: the proxy's own connection, such as a health check; section 2.2 has the rest of the header discarded.
  if (addressBytes === undefined) return { size }
  const header = input.subarray(0, size)
  checkTlvs(header, V2_FIXED_BYTES + addressBytes)
  if (kind === 0x11) return { size, source: v4Endpoint(header, 16, 24), destination: v4Endpoint(header, 20, 26) }
  if (kind === 0x21) return { size, source: v6Endpoint(header, 16, 48), destination: v6Endpoint(header, 32, 50) }
  return { size }
}

/** Section 2.2: a receiver drops connections with other values than these. */
function addressBytesOf(kind: number): number {
  if (kind === 0x00) return 0
  if (kind === 0x11) return 12
  if (kind === 0x21) return 36
  if (kind === 0x31) return 216
  throw new ProxyHeaderError("v2: the address family and protocol are not UNSPEC, or TCP over IPv4 or IPv6, or a UNIX stream")
}

function v4Endpoint(header: Buffer, at: number, portAt: number): ProxyEndpoint {
  return { address: header.subarray(at, at + 4).join("."), port: header.readUInt16BE(portAt) }
}

function v6Endpoint(header: Buffer, at: number, portAt: number): ProxyEndpoint {
  const groups = Array.from({ length: 8 }, (_, index) => header.readUInt16BE(at + 2 * index).toString(16))
  const address = canonicalAddress(groups.join(":"))
  if (address === undefined) throw new ProxyHeaderError("v2: not an IPv6 address")
  return { address, port: header.readUInt16BE(portAt) }
}

function checkTlvs(header: Buffer, start: number): void {
  let checksumAt: number | undefined
  for (let at = start; at < header.length;) {
    if (at + 3 > header.length) throw new ProxyHeaderError("v2: a TLV is cut short")
    const end = at + 3 + header.readUInt16BE(at + 1)
    if (end > header.length) throw new ProxyHeaderError("v2: a TLV is longer than the header")
    if (header.readUInt8(at) === CRC32C) {
      if (end !== at + 7) throw new ProxyHeaderError("v2: a checksum is not of 4 bytes")
      if (checksumAt !== undefined) throw new ProxyHeaderError("v2: two checksums")
      checksumAt = at + 3
    }
    at = end
  }
  if (checksumAt === undefined) return
  const cleared = Buffer.from(header)
  cleared.writeUInt32BE(0, checksumAt)
  if (crc32c(cleared) !== header.readUInt32BE(checksumAt)) throw new ProxyHeaderError("v2: the checksum is wrong")
}

/** Castagnoli's CRC (RFC 9260 appendix A), bit by bit: 0.2 ms for the longest header, and a checksum is rare. */
function crc32c(bytes: Buffer): number {
  let crc = 0xffff_ffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f6_3b78 : 0)
  }
  return ~crc >>> 0
}
