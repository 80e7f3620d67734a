import { describe, expect, test } from "bun:test"
import { WireError } from "./name"
import { signMessage, TsigFault, type TsigKey, verifyReply } from "./tsig"
import { encodeMessage, message } from "./wire"

const key: TsigKey = { name: "key.example", algorithm: "hmac-sha256", secret: Buffer.from("a secret of two parties") }
const now = Date.parse("2026-06-01T12:00:00Z")
const query = encodeMessage(message({ id: 7, questions: [{ name: "www.example", type: 1, class: 1 }] }))
const request = signMessage(query, key, now)

/** A reply as the other party signs it: over the MAC of the request, which for us is one more thing in front of the message. */
function replyOf(bytes: Uint8Array, by = key, atMs = now, requestMac = request.mac): Uint8Array {
  const reply = Buffer.from(bytes)
  reply[2] = 0x80
  const front = Buffer.concat([Buffer.from([requestMac.length >>> 8, requestMac.length & 0xff]), requestMac])
  // Signing the two together and leaving the front out again is the digest of section 5.3; the counts are those of the reply.
  const record = signMessage(Buffer.concat([front, reply]), by, atMs).bytes.subarray(front.length + reply.length)
  const signed = Buffer.concat([reply, record])
  signed.writeUInt16BE(signed.readUInt16BE(10) + 1, 10)
  return withOriginalId(signed, reply.readUInt16BE(0))
}

/** The original id stands six octets before the end where there is no other data. */
function withOriginalId(signed: Buffer, id: number): Buffer {
  signed.writeUInt16BE(id, signed.length - 6)
  return signed
}

const faultOf = (work: () => void) => {
  try {
    work()
  } catch (error) {
    return error
  }
  return undefined
}

describe("a reply", () => {
  test("that is signed over the request is good, also under another id on the way", () => {
    const reply = replyOf(query)
    expect(() => verifyReply(reply, key, request.mac, now)).not.toThrow()
    const renumbered = Buffer.from(reply)
    renumbered.writeUInt16BE(99, 0)
    expect(() => verifyReply(renumbered, key, request.mac, now)).not.toThrow()
  })

  test("of which any octet is another is not good", () => {
    const reply = replyOf(query)
    let refused = 0
    // The message id is no part of what is signed (the original one is), and neither is the case of letters, which this bit does not change.
    for (let at = 2; at < reply.length; at++) {
      const changed = Buffer.from(reply)
      changed[at] = (changed[at] ?? 0) ^ 0x40
      const fault = faultOf(() => verifyReply(changed, key, request.mac, now))
      if (fault instanceof TsigFault || fault instanceof WireError) refused++
    }
    expect(refused).toBe(reply.length - 2)
  })

  test("to another request, by another key, or not signed at all is not good", () => {
    const reasonOf = (reply: Uint8Array, mac = request.mac) => {
      const fault = faultOf(() => verifyReply(reply, key, mac, now))
      return fault instanceof TsigFault ? fault.reason : String(fault)
    }
    expect(reasonOf(replyOf(query), new Uint8Array(32))).toBe("forged")
    expect(reasonOf(replyOf(query, { ...key, name: "other.example" }))).toBe("forged")
    expect(reasonOf(replyOf(query, { ...key, algorithm: "hmac-sha512" }))).toBe("forged")
    expect(reasonOf(replyOf(query, { ...key, secret: Buffer.from("another") }))).toBe("forged")
    expect(reasonOf(query)).toBe("unsigned")
  })

  test("from another time is told as a matter of clocks", () => {
    expect(() => verifyReply(replyOf(query, key, now + 299_000), key, request.mac, now)).not.toThrow()
    const fault = faultOf(() => verifyReply(replyOf(query, key, now + 301_000), key, request.mac, now))
    expect(fault).toMatchObject({ reason: "clock", message: expect.stringContaining("301 seconds ahead of ours") })
  })

  test("with a signature before other records, or cut anywhere, is malformed", () => {
    const reply = replyOf(query)
    for (let length = 12; length < reply.length; length++) {
      expect(() => verifyReply(reply.subarray(0, length), key, request.mac, now)).toThrow(WireError)
    }
    const twice = Buffer.concat([reply, reply.subarray(query.length)])
    twice.writeUInt16BE(2, 10)
    expect(() => verifyReply(twice, key, request.mac, now)).toThrow(WireError)
  })
})

test("a message that would be too long with its signature is not signed", () => {
  expect(() => signMessage(new Uint8Array(65_500), key, now)).toThrow(WireError)
})
