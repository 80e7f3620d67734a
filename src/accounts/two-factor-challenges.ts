import { randomBytes } from "node:crypto"
import { AppError } from "../errors"
import type { Signer } from "./signer"
import { ExpiringMap } from "./two-factor-expiring-map"

const lifetimeMs = 5 * 60_000

/** A login that has shown the password and owes a second factor. `passwordHash` is the one that was shown: another one ends the challenge. */
export type Challenge = { id: string; personId: string; username: string; passwordHash: string }

/** What stands between password and session: signed tokens of five minutes, each good for one session (platform-api.md section 2.1). */
export class TwoFactorChallenges {
  private open: ExpiringMap<Challenge>

  constructor(
    private signer: Signer,
    private now: () => number = Date.now,
  ) {
    this.open = new ExpiringMap(lifetimeMs, now)
  }

  issue(person: { id: string; username: string; passwordHash: string }): Promise<string> {
    const id = randomBytes(16).toString("hex")
    const { id: personId, username, passwordHash } = person
    this.open.set(id, { id, personId, username, passwordHash })
    return this.signer.sign({ user_id: personId, type: "2fa_challenge", jti: id }, this.now() + lifetimeMs)
  }

  /** The challenge of a token; throws `unauthorized` with the phrases of platform-api.md section 2.5. */
  async read(token: string | undefined): Promise<Challenge> {
    if (token === undefined) throw new AppError("unauthorized", "challenge token required")
    const claims = await this.signer.verify(token)
    if (claims === undefined) throw over()
    if (claims.type !== "2fa_challenge" || typeof claims.jti !== "string") throw new AppError("unauthorized", "invalid challenge token")
    return this.get(claims.jti) ?? raise(over())
  }

  get(id: string): Challenge | undefined {
    return this.open.get(id)
  }

  /** Uses the challenge up; throws `unauthorized` when that was done already. */
  use(challenge: Challenge): void {
    if (this.open.take(challenge.id) === undefined) throw over()
  }
}

const over = () => new AppError("unauthorized", "invalid or expired challenge token")

function raise(error: Error): never {
  throw error
}
