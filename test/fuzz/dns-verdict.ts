import { decodeMessage } from "../../src/dns/wire"
import type { DnsPacket } from "./dns-packets"

/** The size that a datagram may have at most, whatever the client says. */
const LARGEST = 1232

/** What is wrong with an answer, or with there being one; read from its octets as far as that goes. */
export function findingsOf(packet: DnsPacket, reply: Uint8Array | undefined, transport: "udp" | "tcp"): string[] {
  const { bytes, isResponse } = packet
  if (bytes.length < 12) return reply ? ["less than a header was answered"] : []
  if (isResponse) return reply ? ["a response was answered"] : []
  if (!reply) return ["a query was not answered"]
  const found: string[] = []
  const view = Buffer.from(reply)
  if (view.length < 12) return ["the answer has no header"]
  if (view.readUInt16BE(0) !== bytes.readUInt16BE(0)) found.push("the answer has another id")
  const flags = view.readUInt16BE(2)
  if ((flags & 0x8000) === 0) found.push("the answer is no response")
  if ((flags & 0x7800) !== (bytes.readUInt16BE(2) & 0x7800)) found.push("the answer has another opcode")
  if ((flags & 0x0080) !== 0) found.push("the answer offers recursion")
  if ((flags & 0x0070) !== 0) found.push("the answer has flags that are not ours")
  // Without the type of an OPT record anywhere there is no EDNS, and so no room beyond the plain size.
  const limit = bytes.includes(Buffer.from([0, 41])) ? LARGEST : 512
  if (transport === "udp" && view.length > limit) found.push(`the answer has ${view.length} octets of ${limit}`)
  try {
    const { truncated, answers, questions, edns } = decodeMessage(view)
    if (edns && !bytes.includes(Buffer.from([0, 41]))) found.push("the answer has EDNS, unasked")
    if (truncated && (transport === "tcp" || answers.length > 0)) found.push("the answer is cut, and should not be")
    if (questions.length > 1) found.push("the answer has more than one question")
  } catch (error) {
    found.push(`the answer cannot be read: ${String(error)}`)
  }
  return found
}
