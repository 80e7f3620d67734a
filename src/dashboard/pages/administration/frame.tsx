import { ShieldOff } from "lucide-react"
import { type ReactNode, useEffect } from "react"
import { useSession } from "../../data/session"
import { type Crumb, Page, TabLinks } from "../../parts/page"
import { Empty } from "../../parts/status"
import { administration } from "../../words/administration"
import { shell } from "../../words/shell"

export type Part = keyof typeof administration.parts

const tabs = (Object.keys(administration.parts) as Part[]).map((part) => ({
  label: administration.parts[part],
  to: part === "people" ? "/administration" : `/administration/${part}`,
}))

/** A part of the administration: its tabs, and that it is for administrators alone, who see what the children make. */
export function AdminPage({ part, actions, children }: { part: Part; actions?: ReactNode; children: () => ReactNode }) {
  const { is_admin: isAdmin } = useSession()
  useEffect(() => {
    document.title = `${administration.parts[part]} · ${shell.nav.administration} · ${shell.product}`
  }, [part])
  if (!isAdmin) return <NotYours />
  return (
    <Page title={shell.nav.administration} lead={administration.lead} actions={actions}>
      <TabLinks label={administration.label} tabs={tabs} />
      {children()}
    </Page>
  )
}

/** A page below a part, with a title of its own. */
export function AdminSubpage({
  title,
  lead,
  crumbs,
  children,
}: {
  title: string
  lead?: ReactNode
  crumbs: Crumb[]
  children: () => ReactNode
}) {
  const { is_admin: isAdmin } = useSession()
  if (!isAdmin) return <NotYours />
  return (
    <Page title={title} lead={lead} crumbs={crumbs}>
      {children()}
    </Page>
  )
}

const NotYours = () => (
  <Page title={shell.nav.administration}>
    <Empty title={administration.notYours} icon={<ShieldOff aria-hidden className="size-6" />}>
      {administration.notYoursWhy}
    </Empty>
  </Page>
)
