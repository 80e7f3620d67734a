import { isIPv4 } from "node:net"
import { octetsOfIPv6 } from "./rdata"

/** What is counted apart, so that a flood of one kind does not take the others' share. */
export type AnswerKind = "answer" | "nodata" | "nxdomain" | "refused" | "fault"

export type ResponseRateOptions = {
  /** Answers of one kind to one network; far above what a resolver asks of names that it may keep. */
  perSecond?: number
  burst?: number
  /** Each such answer over the rate is sent cut, so that a real client comes back over TCP; the others are left out. */
  slip?: number
  maxNetworks?: number
  /** Milliseconds, of a clock that only goes forward. */
  now?: () => number
}

type Bucket = { tokens: number; at: number; over: number }

/**
 * Limits answers to a network (IPv4 /24, IPv6 /56) by kind, for UDP, where anybody can ask in another's name: a token bucket each, in a table of bounded
 * size that forgets the network not heard of for longest.
 */
export class ResponseRate {
  private buckets = new Map<string, Bucket>()
  private options: Required<ResponseRateOptions>

  constructor(options: ResponseRateOptions = {}) {
    this.options = { perSecond: 100, burst: 200, slip: 2, maxNetworks: 20_000, now: () => performance.now(), ...options }
  }

  /** What becomes of an answer; takes a microsecond. */
  decide(address: string, kind: AnswerKind): "send" | "cut" | "drop" {
    const { perSecond, burst, slip, now } = this.options
    const key = `${kind} ${networkOf(address)}`
    const at = now()
    const bucket = this.buckets.get(key) ?? { tokens: burst, at, over: 0 }
    this.keep(key, bucket)
    bucket.tokens = Math.min(burst, bucket.tokens + ((at - bucket.at) * perSecond) / 1000)
    bucket.at = at
    if (bucket.tokens >= 1) {
      bucket.tokens--
      return "send"
    }
    return ++bucket.over % slip === 0 ? "cut" : "drop"
  }

  /** How many networks, by kind, are held. */
  get size(): number {
    return this.buckets.size
  }

  private keep(key: string, bucket: Bucket): void {
    this.buckets.delete(key)
    this.buckets.set(key, bucket)
    if (this.buckets.size <= this.options.maxNetworks) return
    for (const oldest of this.buckets.keys()) {
      this.buckets.delete(oldest)
      return
    }
  }
}

/** The kind of a whole answer, read from its header. */
export function kindOf(reply: Uint8Array): AnswerKind {
  const rcode = reply[3]! & 15
  if (rcode === 5) return "refused"
  if (rcode === 3) return "nxdomain"
  if (rcode !== 0) return "fault"
  return reply[6] === 0 && reply[7] === 0 ? "nodata" : "answer"
}

/** The network that an address counts with, as a key. */
export function networkOf(address: string): string {
  const plain = address.startsWith("::ffff:") && isIPv4(address.slice(7)) ? address.slice(7) : address
  if (isIPv4(plain)) return plain.slice(0, plain.lastIndexOf("."))
  return Buffer.from(octetsOfIPv6(plain.split("%")[0]!).subarray(0, 7)).toString("hex")
}
