import type { ReactNode } from "react"
import { ApiFault } from "../../data/api"
import { ButtonLink } from "../../parts/button"
import { Page, TabLinks } from "../../parts/page"
import { Badge, FaultNotice, Skeleton, SkeletonRows } from "../../parts/status"
import { words } from "../../words/applications"
import { applicationsPath, useApplicationId, useOne } from "./data"
import type { Application } from "./model"

/** What surrounds each part of an application: its name, its parts, and what can be done in this one. */
export function ApplicationPage({
  actions,
  children,
}: {
  actions?: (application: Application) => ReactNode
  children: (application: Application) => ReactNode
}) {
  const id = useApplicationId()
  const application = useOne<Application>(`${applicationsPath}/${id}`)
  const { data, error } = application
  if (error instanceof ApiFault && error.status === 404)
    return (
      <Page title={words.missing} lead={words.missingLead}>
        <ButtonLink to="/applications" className="self-start">
          {words.allApplications}
        </ButtonLink>
      </Page>
    )
  const at = `/applications/${id}`
  return (
    <Page
      title={data?.name ?? words.title}
      crumbs={[{ to: "/applications", label: words.title }]}
      lead={
        data === undefined ? (
          <Skeleton className="h-5 w-16" />
        ) : (
          <Badge tone={data.environment === "live" ? "accent" : "neutral"}>{words.environments[data.environment]}</Badge>
        )
      }
      actions={data && actions?.(data)}
    >
      <TabLinks
        label={words.parts.label}
        tabs={[
          { to: at, label: words.parts.overview },
          { to: `${at}/connections`, label: words.parts.connections, activeOptions: { includeSearch: false } },
          { to: `${at}/keys`, label: words.parts.keys },
          { to: `${at}/credentials`, label: words.parts.credentials },
          { to: `${at}/webhooks`, label: words.parts.webhooks, activeOptions: { exact: false } },
          { to: `${at}/widget`, label: words.parts.widget, activeOptions: { includeSearch: false } },
        ]}
      />
      {data !== undefined ? (
        children(data)
      ) : error === null ? (
        <SkeletonRows />
      ) : (
        <FaultNotice error={error} onRetry={() => void application.refetch()} />
      )}
    </Page>
  )
}
