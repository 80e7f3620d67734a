// How a hostname comes to a DNS challenge (RFC 8555 section 8.4), in this order:
//   1. delegation   `_acme-challenge.<name>` leads by CNAMEs to the name that our own server answers for the holder of the hostname
//   2. credential   the record is written at the DNS provider, with a token that the holder gave us
//   3. none         a wildcard cannot be certified then, and the refusal says which record is missing; any other name has other challenges
// What is put up counts as up when every authoritative server that can be asked shows it: a CA asks one of them, from several places.
// Not done here: dns-account-01 and dns-persist-01, which no CA that we speak to demands.

import { pause } from "./pause"

/** A challenge record that can be put up for one hostname. */
export type DnsChallenge = {
  /** Better than a challenge over a port: the holder asked for it by a delegation, or the name does not lead here. */
  isPreferred: boolean
  /**
   * Puts a TXT value up at `_acme-challenge.<host>`, beside others, until the returned function is called; resolves when it is seen. Rejects with
   * ChallengeUnready where it does not come about in time, and takes it down then.
   */
  put(name: string, value: string, signal: AbortSignal): Promise<() => Promise<void>>
}

/** What the CA would look at is not in place, so it was not told to look: no validation failed. The message is for the hostname's holder. */
export class ChallengeUnready extends Error {
  constructor(message: string) {
    super(message)
    this.name = "ChallengeUnready"
  }
}

/** What each authoritative server said of a name, CNAMEs followed where the type is TXT. */
type Lookup = { answers: { server: string; outcome: string; values: string[] }[]; problem?: string }

export type DnsChallengesOptions = {
  lookup: (name: string, type: "CNAME" | "TXT") => Promise<Lookup>
  /** Where the challenges of a hostname may be delegated to, and how our server is made to answer there; undefined where that cannot be. */
  delegation: (hostname: string) => Promise<{ target: string; put: (value: string) => () => void } | undefined>
  /** Whether there is a credential that covers the name. */
  hasCredential: (hostname: string) => Promise<boolean>
  /** Writes a TXT record with it, and answers how to take it away; undefined where that failed. */
  writeTxt: (hostname: string, name: string, value: string) => Promise<(() => Promise<void>) | undefined>
  /** Whether the name leads to this machine, as far as is known. */
  pointsHere: (hostname: string) => Promise<boolean>
  /** Told of a record that could not be taken away. */
  onFault?: (error: unknown) => void
  visibleWithinMs?: number
  pollMs?: number
}

const MAX_ALIASES = 4

/** The name at which a hostname's challenge is looked for; a wildcard has that of its parent. */
export const challengeName = (hostname: string): string => `_acme-challenge.${hostname.startsWith("*.") ? hostname.slice(2) : hostname}`

/** Which hostnames can be certified by DNS-01, and how. */
export class DnsChallenges {
  constructor(private options: DnsChallengesOptions) {}

  /** The challenge of a canonical hostname, or undefined where it has none; throws ChallengeUnready for a wildcard that has none. */
  async for(hostname: string): Promise<DnsChallenge | undefined> {
    const { delegation, hasCredential, pointsHere, writeTxt } = this.options
    const delegated = await delegation(hostname)
    const led = delegated && (await this.leadsTo(challengeName(hostname), delegated.target))
    if (delegated && led?.isThere) return this.challenge(true, async (_, value) => asynchronous(delegated.put(value)))
    if (await hasCredential(hostname)) {
      const isPreferred = !(await pointsHere(hostname))
      return this.challenge(isPreferred, async (name, value) => {
        const undo = await writeTxt(hostname, name, value)
        if (undo === undefined) throw new ChallengeUnready(`TXT ${name} could not be written at the DNS provider of the owned domain`)
        return undo
      })
    }
    if (!hostname.startsWith("*.")) return undefined
    const missing = delegated
      ? `make the record ${challengeName(hostname)} CNAME ${delegated.target} (${led?.said}), or connect an owned domain that covers it`
      : "connect an owned domain that covers it"
    throw new ChallengeUnready(`a wildcard is certified by a DNS challenge: ${missing}`)
  }

  private challenge(isPreferred: boolean, write: (name: string, value: string) => Promise<() => Promise<void>>): DnsChallenge {
    return {
      isPreferred,
      put: async (name, value, signal) => {
        const remove = await write(name, value)
        const takeDown = async () => {
          try {
            await remove()
          } catch (error) {
            this.options.onFault?.(error)
          }
        }
        try {
          await this.untilSeen(name, value, signal)
          return takeDown
        } catch (error) {
          await takeDown()
          throw error
        }
      },
    }
  }

  /** Whether the CNAMEs of a name lead to the target, be it at one server only: what the others say is waited for later. */
  private async leadsTo(start: string, target: string): Promise<{ isThere: boolean; said: string }> {
    let name = start
    let said = ""
    for (let hop = 0; hop <= MAX_ALIASES; hop++) {
      const { answers, problem } = await this.options.lookup(name, "CNAME")
      const values = new Set(answers.flatMap((answer) => answer.values).map(plain))
      if (values.has(target)) return { isThere: true, said }
      const [next] = values
      if (next === undefined) return { isThere: false, said: said || (problem ?? "there is none yet") }
      said = `now it leads to ${next}`
      name = next
    }
    return { isThere: false, said }
  }

  /** Servers that cannot be asked from here are left out; where there is no other, the CA has to see for itself. */
  private async untilSeen(name: string, value: string, signal: AbortSignal): Promise<void> {
    const { lookup, visibleWithinMs = 30_000, pollMs = 250 } = this.options
    const end = performance.now() + visibleWithinMs
    for (let waitMs = pollMs; ; waitMs = Math.min(waitMs * 2, 5000)) {
      const { answers } = await lookup(name, "TXT")
      const asked = answers.filter(({ outcome }) => ["answer", "nodata", "nxdomain"].includes(outcome))
      const without = asked.filter(({ values }) => !values.includes(value))
      if (without.length === 0) return
      if (performance.now() + waitMs > end) {
        const servers = [...new Set(without.map(({ server }) => server))].slice(0, 3).join(", ")
        throw new ChallengeUnready(`TXT ${name} does not show the challenge at ${servers} within ${visibleWithinMs / 1000} s`)
      }
      await pause(waitMs, signal)
    }
  }
}

const plain = (name: string) => name.toLowerCase().replace(/\.$/, "")

const asynchronous = (undo: () => void) => async () => undo()
