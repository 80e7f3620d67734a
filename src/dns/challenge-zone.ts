import { createHmac } from "node:crypto"
import { AppError } from "../errors"
import { AuthoritativeZone } from "./zone"

/** A CA asks once, but from several places and after others: what it heard for a wildcard a moment ago must not be what it hears for the parent. */
const TTL_SECONDS = 0

/** An order takes minutes at most, and each name has a few at once: itself, its wildcard, and a renewal. */
const MAX_NAMES = 10_000
const MAX_VALUES = 20

const ID_OCTETS = 20
const BASE32 = "abcdefghijklmnopqrstuvwxyz234567"

/**
 * Which name below the challenge zone is a claim's: 32 letters and digits (160 bits), the same at every call. Whoever does not know the key cannot guess
 * it from the claim, nor one from another.
 */
export function challengeId(key: string, claim: string): string {
  const digest = createHmac("sha256", key).update(`acme-challenge\n${claim}`).digest().subarray(0, ID_OCTETS)
  const bits = Array.from(digest, (octet) => octet.toString(2).padStart(8, "0")).join("")
  return (bits.match(/.{5}/g) ?? []).map((five) => BASE32[Number.parseInt(five, 2)]).join("")
}

/**
 * The zone of the DNS challenges that others delegate to us by a CNAME, `<id>.<origin>` each: TXT records for as long as an order takes, and besides
 * them nothing, so that nobody reads there who has asked for what. A zone of its own, so that it can be delegated here without its parent.
 */
export class ChallengeZone {
  readonly zone: AuthoritativeZone
  private values = new Map<string, string[]>()

  constructor(options: { origin: string; nameServers: string[]; contact: string }) {
    this.zone = new AuthoritativeZone({ ...options, negativeTtlSeconds: TTL_SECONDS, maxNames: MAX_NAMES })
  }

  /** The name that a claim's challenges are delegated to. */
  target = (id: string): string => `${id}.${this.zone.origin}`

  /** Shows a value beside the others of its name until the returned function is called. Throws `conflict` past the bounds. */
  put(id: string, value: string): () => void {
    const values = this.values.get(id) ?? []
    if (values.length >= MAX_VALUES) throw new AppError("conflict", `${MAX_VALUES} challenges of one name are open already`)
    this.show(id, [...values, value])
    let isUp = true
    return () => {
      if (!isUp) return
      isUp = false
      const left = [...(this.values.get(id) ?? [])]
      left.splice(left.indexOf(value), 1)
      this.show(id, left)
    }
  }

  /** Two orders may show one value: it is one record, and stays until both are over. */
  private show(id: string, values: string[]): void {
    if (values.length === 0) {
      this.values.delete(id)
      this.zone.remove(this.target(id))
    } else {
      this.zone.set(this.target(id), "TXT", values, TTL_SECONDS)
      this.values.set(id, values)
    }
  }
}
