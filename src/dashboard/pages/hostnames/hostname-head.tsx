import { ExternalLink, RotateCw } from "lucide-react"
import type { ReactNode } from "react"
import { Button, ButtonLink } from "../../parts/button"
import { Page, TabLinks } from "../../parts/page"
import { Badge } from "../../parts/status"
import { Time } from "../../parts/time"
import { hostnames as words } from "../../words/hostnames"
import { pageOf, type Subject } from "./model"
import type { Standing } from "./standing"

export const parts = ["overview", "requests", "dns", "certificate", "timeline", "settings"] as const

/** Which part of a hostname's page an address names. */
export const partOf = (raw: string | undefined): (typeof parts)[number] => parts.find((part) => part === raw) ?? "overview"

/** The page of one hostname: how it stands, and the parts of the page. */
export function HostnamePage({
  subject,
  hostname,
  standing,
  isOpenable,
  onCheck,
  isChecking,
  children,
}: {
  subject: Subject
  hostname: string
  standing: Standing
  isOpenable: boolean
  onCheck?: () => void
  isChecking: boolean
  children: ReactNode
}) {
  const { tone, label, reason, since } = standing
  return (
    <Page
      title={hostname}
      crumbs={[{ label: words.title, to: "/hostnames" }]}
      lead={
        <div className="mt-1 flex flex-wrap items-center gap-x-3 gap-y-1">
          <Badge tone={tone}>{label}</Badge>
          {since !== undefined && (
            <span className="text-sm">
              {words.since} <Time at={since} />
            </span>
          )}
          {reason !== undefined && <span className="min-w-0 text-sm [overflow-wrap:anywhere]">{reason}</span>}
        </div>
      }
      actions={
        <>
          {onCheck !== undefined && (
            <Button onClick={onCheck} isBusy={isChecking} icon={<RotateCw aria-hidden className="size-4" />}>
              {words.checkNow}
            </Button>
          )}
          {isOpenable && !hostname.startsWith("*.") && <OpenLink hostname={hostname} />}
        </>
      }
    >
      <TabLinks
        label={words.tabsLabel}
        tabs={parts.map((part) => ({
          label: words.tabs[part],
          to: part === "overview" ? pageOf(subject) : `${pageOf(subject)}/${part}`,
          activeOptions: { includeSearch: false },
        }))}
      />
      {children}
    </Page>
  )
}

/** Leads to the hostname itself. */
export const OpenLink = ({ hostname }: { hostname: string }) => (
  <a
    href={`https://${hostname}/`}
    target="_blank"
    rel="noopener noreferrer"
    className="inline-flex min-h-9 items-center gap-1.5 rounded-md border border-edge bg-card px-3 font-medium hover:bg-hover"
  >
    {words.open}
    <ExternalLink aria-hidden className="size-4" />
  </a>
)

/** Said where an id is nobody's, or another's. */
export const NoHostname = () => (
  <Page title={words.notFoundTitle} lead={words.notFound}>
    <ButtonLink to="/hostnames" className="self-start">
      {words.back}
    </ButtonLink>
  </Page>
)
