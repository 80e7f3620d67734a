import { type RefObject, useEffect, useRef, useState } from "react"
import { ApiFault } from "../data/api"
import { shell } from "../words/shell"
import { FaultNotice, faultText, Notice } from "./status"
import { duration, useNow } from "./time"

/** What belongs to a field: the sentences of the API that speak of it. */
export type FieldSentences = Record<string, RegExp>

/** What the API said of each field of a form, and what it said of none of them. */
export type Problems = { at: (field: string) => string | undefined; rest: unknown }

/**
 * What the API refused, by the fields of a form: the field that its answer names in `details.field`, else the first whose sentences it is. `fieldOf` may
 * name another. The focus goes to that field; what is of none goes to a `FormFault`, which takes the focus by itself.
 */
export function useProblems(
  form: RefObject<HTMLElement | null>,
  error: unknown,
  fields: FieldSentences,
  fieldOf?: (fault: ApiFault) => string | undefined,
): Problems {
  const named = placeOf(error, fields, fieldOf)
  useEffect(() => {
    if (named !== undefined) form.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus()
  }, [form, error, named])
  return {
    at: (field) => (field === named ? faultText(error) : undefined),
    rest: named === undefined && error !== null ? error : undefined,
  }
}

function placeOf(error: unknown, fields: FieldSentences, fieldOf?: (fault: ApiFault) => string | undefined): string | undefined {
  if (!(error instanceof ApiFault)) return undefined
  const said = error.details?.field
  if (typeof said === "string" && said in fields) return said
  return fieldOf?.(error) ?? Object.keys(fields).find((field) => fields[field]?.test(error.message))
}

/** What was refused, at the form that asked for it, with the focus on it; nothing while `error` is none. `said` takes the place of the API's words. */
export function FormFault({ error, said }: { error: unknown; said?: string | undefined }) {
  const place = useRef<HTMLDivElement>(null)
  const isFault = error !== null && error !== undefined
  useEffect(() => {
    if (isFault) place.current?.focus()
  }, [error, isFault])
  if (!isFault) return null
  return (
    <div ref={place} tabIndex={-1}>
      {said !== undefined ? (
        <Notice tone="bad" isAlert>
          {said}
        </Notice>
      ) : error instanceof ApiFault && error.retryAfterSeconds !== undefined ? (
        <Wait key={String(error.retryAfterSeconds)} fault={error} seconds={error.retryAfterSeconds} />
      ) : (
        <FaultNotice error={error} />
      )}
    </div>
  )
}

function Wait({ fault, seconds }: { fault: ApiFault; seconds: number }) {
  const [since] = useState(Date.now)
  const left = Math.max(0, since + seconds * 1000 - useNow(1000))
  return (
    <Notice tone="warn" isAlert title={fault.message}>
      {/* Told once; a screen reader need not hear each second. */}
      <span aria-live="off">{left > 0 && shell.wait(duration(Math.ceil(left / 1000) * 1000))}</span>
    </Notice>
  )
}
