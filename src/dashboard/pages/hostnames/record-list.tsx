import { ExternalLink } from "lucide-react"
import { records as words } from "../../words/hostnames"
import type { NameRecord, NameRecords } from "./model"
import { RecordCard } from "./record-card"

/** Records with the way to the page where they are entered. */
export function RecordList({ data, only }: { data: NameRecords; only?: NameRecord["purpose"][] }) {
  const shown = data.records.filter(({ purpose }) => only === undefined || only.includes(purpose))
  if (data.private) return <p className="text-dim">{words.privateNote}</p>
  return (
    <div className="flex flex-col gap-3">
      <ProviderLine data={data} />
      {shown.map((record) => (
        <RecordCard key={`${record.type} ${record.host} ${record.value}`} record={record} />
      ))}
    </div>
  )
}

function ProviderLine({ data: { provider } }: { data: NameRecords }) {
  const name = provider?.name
  if (!name) return null
  return (
    <p className="text-dim">
      {words.enterAt(name)}
      {provider.control_panel_url !== null && <PanelLink url={provider.control_panel_url} name={name} />}
    </p>
  )
}

/** A link to a provider's own page, in a tab of its own. */
export const PanelLink = ({ url, name }: { url: string; name: string }) => (
  <>
    {" · "}
    <a href={url} target="_blank" rel="noopener noreferrer" className="inline-flex items-center gap-1 text-accent hover:underline">
      {words.openPanel(name)}
      <ExternalLink aria-hidden className="size-3.5" />
    </a>
  </>
)
