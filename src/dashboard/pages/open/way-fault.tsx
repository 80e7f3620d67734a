import { useState } from "react"
import { ApiFault } from "../../data/api"
import { keyFault } from "../../data/webauthn"
import { FaultNotice, Notice } from "../../parts/status"
import { duration, useNow } from "../../parts/time"
import { signIn } from "../../words/sign-in"

/** Why somebody was not let in; where attempts are used up, how long to wait. `unproved` is said where the API only says that the proof was none. */
export function WayFault({ error, unproved }: { error: unknown; unproved?: string }) {
  const key = keyFault(error)
  if (key !== undefined)
    return (
      <Notice tone="bad" isAlert>
        {signIn.keyFaults[key]}
      </Notice>
    )
  if (error instanceof ApiFault && error.retryAfterSeconds !== undefined) return <Wait fault={error} seconds={error.retryAfterSeconds} />
  if (error instanceof ApiFault && error.status === 401 && unproved !== undefined) {
    return (
      <Notice tone="bad" isAlert>
        {unproved}
      </Notice>
    )
  }
  return <FaultNotice error={error} />
}

function Wait({ fault, seconds }: { fault: ApiFault; seconds: number }) {
  const [since] = useState(Date.now)
  const left = Math.max(0, since + seconds * 1000 - useNow(1000))
  return (
    <Notice tone="warn" isAlert title={fault.message}>
      {/* Told once; a screen reader need not hear each second. */}
      <span aria-live="off">{left > 0 && signIn.wait(duration(Math.ceil(left / 1000) * 1000))}</span>
    </Notice>
  )
}
