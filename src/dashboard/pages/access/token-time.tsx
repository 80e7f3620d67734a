import { Badge } from "../../parts/status"
import { Time } from "../../parts/time"
import { tokens } from "../../words/tokens"
import type { Token } from "./queries"

const soonMs = 14 * 86_400_000

const msLeft = ({ expires_at: at }: Token) => (at === 0 ? Infinity : at * 1000 - Date.now())

/** Whether a token is over, or will be within two weeks. */
export const isEnding = (token: Token): boolean => msLeft(token) < soonMs

/** When a token ends, marked where that is soon. */
export function Expiry({ token }: { token: Token }) {
  const left = msLeft(token)
  if (left === Infinity) return <span>{tokens.never}</span>
  const when = (
    <span>
      {left <= 0 ? tokens.expiredAt : tokens.expires} <Time at={token.expires_at} />
    </span>
  )
  return left < soonMs ? <Badge tone={left <= 0 ? "bad" : "warn"}>{when}</Badge> : when
}

export const LastUse = ({ token }: { token: Token }) =>
  token.last_used_at === 0 ? (
    <span>{tokens.unused}</span>
  ) : (
    <span>
      {tokens.used} <Time at={token.last_used_at} />
    </span>
  )
