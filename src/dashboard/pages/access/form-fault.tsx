import { useEffect, useRef } from "react"
import { ApiFault } from "../../data/api"
import { FaultNotice, Notice } from "../../parts/status"
import { duration } from "../../parts/time"
import { access } from "../../words/access"

/** What was refused, at the form that asked for it, with the focus on it; `error` is null while nothing was. */
export function FormFault({ error }: { error: unknown }) {
  const place = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (error !== null) place.current?.focus()
  }, [error])
  if (error === null) return null
  const wait = error instanceof ApiFault ? error.retryAfterSeconds : undefined
  return (
    <div ref={place} tabIndex={-1}>
      {wait !== undefined && error instanceof ApiFault ? (
        <Notice tone="warn" isAlert title={error.message}>
          {access.wait(duration(wait * 1000))}
        </Notice>
      ) : (
        <FaultNotice error={error} />
      )}
    </div>
  )
}
