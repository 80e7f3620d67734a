import { useNavigate } from "@tanstack/react-router"
import { useUrlState } from "../../data/url-state"
import { Button } from "../../parts/button"
import { SelectField, TextField } from "../../parts/field"
import { house } from "../../words/house"
import { UrlSearchBox } from "./url-search"

const words = house.audit

const filterNames = ["person", "action", "outcome", "from", "to"] as const

/** What is asked for, in the address. */
export function AuditFilter() {
  const [outcome, setOutcome] = useUrlState("outcome")
  const [from, setFrom] = useUrlState("from")
  const [to, setTo] = useUrlState("to")
  const navigate = useNavigate()
  const clear = () =>
    void navigate({ to: ".", search: ((before: Record<string, unknown>) => without(before)) as never, replace: true, resetScroll: false })
  return (
    <div className="flex flex-wrap items-end gap-3 max-sm:*:w-full max-sm:*:max-w-none">
      <UrlSearchBox name="person" label={words.person} className="max-w-48" />
      <UrlSearchBox name="action" label={words.action} className="max-w-56" />
      <SelectField label={words.outcome} value={outcome} onChange={(event) => setOutcome(event.target.value)} className="[&_label]:sr-only">
        <option value="">{words.anyOutcome}</option>
        {(["allowed", "denied", "failed"] as const).map((one) => (
          <option key={one} value={one}>
            {words.outcomes[one]}
          </option>
        ))}
      </SelectField>
      <TextField label={words.from} type="datetime-local" value={from} onChange={(event) => setFrom(event.target.value)} />
      <TextField label={words.to} type="datetime-local" value={to} onChange={(event) => setTo(event.target.value)} />
      <Button kind="quiet" onClick={clear}>
        {words.clear}
      </Button>
    </div>
  )
}

const without = (search: Record<string, unknown>) => ({ ...search, ...Object.fromEntries(filterNames.map((name) => [name, undefined])) })

/** A moment as the browser's field has it, in the time of this device, as ISO 8601; empty where it is none. */
export function isoOf(local: string): string {
  const ms = local === "" ? Number.NaN : new Date(local).getTime()
  return Number.isNaN(ms) ? "" : new Date(ms).toISOString()
}
