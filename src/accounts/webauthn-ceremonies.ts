import { randomBytes } from "node:crypto"
import { AppError } from "../errors"
import { ExpiringMap } from "./two-factor-expiring-map"

const lifetimeMs = 5 * 60_000

/** WebAuthn ceremonies between begin and finish: five minutes, single use, one at a time an owner. */
export class WebauthnCeremonies {
  private open: ExpiringMap<{ state: string; challenge: string }>

  constructor(now: () => number) {
    this.open = new ExpiringMap(lifetimeMs, now)
  }

  /** The state that the client must bring back; an earlier ceremony of the owner ends. An owner's name holds no dot. */
  begin(owner: string, challenge: string): string {
    const state = `${owner}.${randomBytes(16).toString("base64url")}`
    this.open.set(owner, { state, challenge })
    return state
  }

  /** Ends the ceremony and gives its owner and its challenge; throws `invalid` when there is none of that state. */
  finish(state: unknown): { owner: string; challenge: string } {
    const owner = typeof state === "string" ? (state.split(".")[0] ?? "") : ""
    const found = this.open.get(owner)
    if (found === undefined || found.state !== state) throw new AppError("invalid", "ceremony session not found or expired")
    this.open.take(owner)
    return { owner, challenge: found.challenge }
  }
}
