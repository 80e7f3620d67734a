import { useQuery } from "@tanstack/react-query"
import { ask } from "../../data/api"
import { useUrlState } from "../../data/url-state"
import { Button } from "../../parts/button"
import { SearchBox, SelectField } from "../../parts/field"
import { Loaded } from "../../parts/loaded"
import { Badge } from "../../parts/status"
import { house } from "../../words/house"
import { AdminPage } from "./frame"
import { canBeChanged, type Setting } from "./setting"
import { SettingDialog } from "./setting-dialog"

const words = house.settings

/** Every setting: what is in force, what says it, and changing those that may change while running. */
export const Settings = () => <AdminPage part="settings">{() => <List />}</AdminPage>

function List() {
  const query = useQuery({
    queryKey: ["settings"],
    queryFn: async ({ signal }) => (await ask<{ settings: Setting[] }>("GET", "/admin/settings", undefined, { signal })).settings,
  })
  const [text, setText] = useUrlState("q")
  const [which, setWhich] = useUrlState("which", "all")
  const [open, setOpen] = useUrlState("open")
  const wanted = text.trim().toLowerCase().replaceAll(" ", "_")
  return (
    <>
      <p className="max-w-prose text-dim">{words.lead}</p>
      <div className="flex flex-wrap items-end gap-3">
        <SearchBox label={words.search} value={text} onChange={setText} className="max-w-72" />
        <SelectField label={words.which} value={which} onChange={(event) => setWhich(event.target.value)} className="[&_label]:sr-only">
          <option value="all">{words.all}</option>
          <option value="changed">{words.changed}</option>
          <option value="here">{words.here}</option>
        </SelectField>
      </div>
      <Loaded query={query}>
        {(settings) => {
          const found = settings.filter(
            (setting) =>
              `${setting.name} ${setting.meaning.toLowerCase().replaceAll(" ", "_")}`.includes(wanted) &&
              (which !== "changed" || setting.source !== "default" || setting.waits_for_restart) &&
              (which !== "here" || canBeChanged(setting)),
          )
          const opened = settings.find(({ name }) => name === open)
          return (
            <>
              {found.length === 0 ? (
                <p className="py-6 text-center text-dim">{words.none}</p>
              ) : (
                <ul aria-label={words.list} className="divide-y divide-line rounded-lg border border-line bg-card">
                  {found.map((setting) => (
                    <Row key={setting.name} setting={setting} onChange={() => setOpen(setting.name)} />
                  ))}
                </ul>
              )}
              {opened !== undefined && <SettingDialog setting={opened} onClose={() => setOpen("")} />}
            </>
          )
        }}
      </Loaded>
    </>
  )
}

function Row({ setting, onChange }: { setting: Setting; onChange: () => void }) {
  const { name, meaning, source, source_name: sourceName, set_here: kept } = setting
  const isOpen = canBeChanged(setting)
  return (
    <li className="grid gap-x-6 gap-y-1 px-4 py-2.5 sm:grid-cols-[minmax(0,1fr)_minmax(0,1fr)_auto] sm:items-center">
      <div className="min-w-0">
        <code className="font-medium [overflow-wrap:anywhere]">{name}</code>
        <p className="text-sm text-dim">{meaning}</p>
      </div>
      <div className="min-w-0 [overflow-wrap:anywhere]">
        <Value setting={setting} />
        <p className="text-sm text-dim">
          {words.sources[source]}
          {sourceName !== null && <>: {sourceName}</>} · {setting.reloads ? words.reloads : words.restart}
        </p>
        {setting.waits_for_restart && <Badge tone="warn">{words.waits}</Badge>}
        {kept !== null && source !== "here" && (
          <p className="text-sm text-warn">{words.overridden(kept, sourceName ?? words.sources[source])}</p>
        )}
      </div>
      <Button
        small
        aria-label={isOpen ? words.changeNamed(name) : words.aboutNamed(name)}
        onClick={onChange}
        className="justify-self-start sm:min-w-18"
      >
        {isOpen ? words.change : words.about}
      </Button>
    </li>
  )
}

function Value({ setting: { value, is_secret: isSecret, source, default: standard } }: { setting: Setting }) {
  if (isSecret && source !== "default") return <span className="text-dim">{words.secret}</span>
  if (value !== null) return value === "" ? <span className="text-dim">""</span> : <code className="font-medium">{value}</code>
  return <span>{standard ?? <span className="text-dim">{words.unset}</span>}</span>
}
