import type { ReactNode } from "react"
import { Page, TabLinks } from "../../parts/page"
import { access } from "../../words/access"

const tabs = [
  { to: "/access", label: access.tabs.profile },
  { to: "/access/tokens", label: access.tabs.tokens },
  { to: "/access/sessions", label: access.tabs.sessions },
  { to: "/access/security", label: access.tabs.security },
  { to: "/access/ssh-keys", label: access.tabs.sshKeys },
]

/** A part of access, with the way to the others. */
export const AccessFrame = ({
  title,
  lead,
  actions,
  children,
}: {
  title: string
  lead: string
  actions?: ReactNode
  children: ReactNode
}) => (
  <Page title={title} lead={lead} actions={actions}>
    <TabLinks label={access.parts} tabs={tabs} />
    {children}
  </Page>
)
