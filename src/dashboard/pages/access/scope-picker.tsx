import { Plus, Trash2 } from "lucide-react"
import { useId } from "react"
import { useSession } from "../../data/session"
import { Button, IconButton } from "../../parts/button"
import { SelectField } from "../../parts/field"
import { tokens } from "../../words/tokens"
import { actionsOf, type Grant, isRoot, type Kind, kindsOf, rules, toScopes } from "./scope-grants"
import { ScopeLines, type ThingsOf } from "./scope-list"
import { useThings } from "./things"

const say = tokens.picker

/** What a token may do, line by line, and the scopes that this makes, live. `isChecked` points at lines that grant nothing. */
export function ScopePicker({ grants, onChange, isChecked }: { grants: Grant[]; onChange: (grants: Grant[]) => void; isChecked: boolean }) {
  const { user_id: personId } = useSession()
  const things = useThings()
  const scopes = toScopes(grants, personId)
  const next = Math.max(-1, ...grants.map(({ key }) => key)) + 1
  const replace = (kinds: [Kind, string[]][]) => onChange(kinds.map(([kind, actions], key) => ({ key: next + key, kind, id: "", actions })))
  return (
    <fieldset className="flex min-w-0 flex-col gap-3">
      <legend className="font-semibold">{say.title}</legend>
      <p className="text-dim">{say.lead}</p>
      {grants.length > 0 && (
        <div className="divide-y divide-line rounded-lg border border-line bg-card">
          {grants.map((grant, at) => (
            <GrantLine
              key={grant.key}
              grant={grant}
              place={at + 1}
              things={things}
              isChecked={isChecked}
              onChange={(changed) => onChange(grants.map((one) => (one.key === grant.key ? changed : one)))}
              onRemove={() => onChange(grants.filter((one) => one.key !== grant.key))}
            />
          ))}
        </div>
      )}
      <div className="flex flex-wrap items-center gap-2">
        <Button
          icon={<Plus aria-hidden className="size-4" />}
          onClick={() => onChange([...grants, { key: next, kind: "domain-mappings", id: "", actions: ["read"] }])}
        >
          {say.add}
        </Button>
        {grants.length === 0 && (
          <>
            <span className="text-dim">{say.presets}</span>
            <Button kind="quiet" className="text-accent!" onClick={() => replace(areas.map((kind) => [kind, ["read"]]))}>
              {say.readAll}
            </Button>
            <Button
              kind="quiet"
              className="text-accent!"
              onClick={() =>
                replace([...areas.map((kind): [Kind, string[]] => [kind, rules[kind].actions]), ["containers", ["start", "stop"]]])
              }
            >
              {say.doAll}
            </Button>
          </>
        )}
      </div>
      <div role="group" aria-label={say.resultLabel} className="flex flex-col gap-1.5">
        <p className="text-sm font-medium">{say.result}</p>
        {Object.keys(scopes).length > 0 ? (
          <ScopeLines scopes={scopes} />
        ) : (
          <p className="rounded-lg bg-sunken p-3 text-dim">{say.resultEmpty}</p>
        )}
      </div>
    </fieldset>
  )
}

const areas = Object.keys(kindsOf) as (keyof typeof kindsOf)[]

type LineProps = {
  grant: Grant
  place: number
  things: ThingsOf
  isChecked: boolean
  onChange: (grant: Grant) => void
  onRemove: () => void
}

function GrantLine({ grant, place, things, isChecked, onChange, onRemove }: LineProps) {
  const id = useId()
  const { kind } = grant
  const known = things(kind)
  const isGone = grant.id !== "" && !known.some((thing) => thing.id === grant.id)
  const hasSingle = rules[kind].single.length > 0
  const problem = isChecked && grant.actions.length === 0 ? say.noAction : undefined
  /** What was ticked stays, where it means something for what is chosen now. */
  const choose = (next: Pick<Grant, "kind" | "id">) => {
    const offered = actionsOf({ ...next, actions: [] })
    onChange({ ...grant, ...next, actions: grant.actions.filter((action) => offered.includes(action)) })
  }
  const tick = (action: string, isOn: boolean) =>
    onChange({ ...grant, actions: isOn ? [...grant.actions, action] : grant.actions.filter((one) => one !== action) })
  return (
    <div role="group" aria-label={say.grant(place)} className="grid grid-cols-[1fr_auto] gap-x-3 gap-y-2.5 p-4 sm:grid-cols-[1fr_1fr_auto]">
      <SelectField label={say.what} value={kind} onChange={(event) => choose({ kind: event.target.value as Kind, id: "" })}>
        {areas.map((area) => (
          <optgroup key={area} label={say.areas[area]}>
            {kindsOf[area].map((one) => (
              <option key={one} value={one}>
                {say.kinds[one]}
              </option>
            ))}
          </optgroup>
        ))}
        {kind === "registry" && <option value="registry">{say.kinds.registry}</option>}
      </SelectField>
      <SelectField
        label={say.which}
        className="max-sm:col-span-2"
        disabled={!hasSingle}
        value={grant.id}
        onChange={(event) => choose({ kind, id: event.target.value })}
      >
        <option value="">{isRoot(kind) ? say.whole : say.all}</option>
        {hasSingle &&
          known.map((thing) => (
            <option key={thing.id} value={thing.id}>
              {thing.name}
            </option>
          ))}
        {isGone && <option value={grant.id}>{say.gone(grant.id)}</option>}
      </SelectField>
      <IconButton label={say.remove(place)} className="self-end max-sm:col-start-2 max-sm:row-start-1" onClick={onRemove}>
        <Trash2 aria-hidden className="size-4" />
      </IconButton>
      <div className="col-span-2 sm:col-span-3">
        <div role="group" aria-label={say.actions} aria-describedby={`${id}-means`} className="flex flex-wrap gap-x-4 gap-y-1">
          {actionsOf(grant).map((action) => (
            <label key={action} className="flex min-h-7 items-center gap-1.5">
              <input
                type="checkbox"
                checked={grant.actions.includes(action)}
                onChange={(event) => tick(action, event.target.checked)}
                className="size-4 accent-(--color-accent)"
              />
              {action}
            </label>
          ))}
        </div>
        <p id={`${id}-means`} className="mt-1 text-sm text-dim">
          {grant.id === "" ? say.means[kind] : say.single[kind]}
        </p>
        {problem !== undefined && (
          <p role="alert" className="mt-1 text-sm text-bad">
            {problem}
          </p>
        )}
      </div>
    </div>
  )
}
