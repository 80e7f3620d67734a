import { createRootRoute, createRoute, createRouter, type ErrorComponentProps, Outlet, redirect } from "@tanstack/react-router"
import { queryClient } from "./data/queries"
import { sessionQuery } from "./data/session"
import { accessRoutes } from "./pages/access/routes"
import { administrationRoutes } from "./pages/administration/routes"
import { applicationRoutes } from "./pages/applications/routes"
import { containerRoutes } from "./pages/containers/routes"
import { domainRoutes } from "./pages/domains/routes"
import { fileRoutes } from "./pages/files/routes"
import { homeRoutes } from "./pages/home/routes"
import { hostnameRoutes } from "./pages/hostnames/routes"
import { openRoutes } from "./pages/open/routes"
import { referenceRoutes } from "./pages/reference/routes"
import { welcomeRoutes } from "./pages/welcome/routes"
import { Button, ButtonLink } from "./parts/button"
import { Page } from "./parts/page"
import { FaultNotice } from "./parts/status"
import { Toasts } from "./parts/toasts"
import { Shell } from "./shell/shell"
import { shell } from "./words/shell"

const root = createRootRoute({
  component: () => (
    <>
      <Outlet />
      <Toasts />
    </>
  ),
  notFoundComponent: () => (
    <Page title={shell.notFoundTitle} lead={shell.notFound}>
      <ButtonLink to="/" className="self-start">
        {shell.home}
      </ButtonLink>
    </Page>
  ),
  errorComponent: Crash,
})

/** Pages of somebody who is signed in; everybody else signs in first, and comes back. */
const inside = createRoute({
  getParentRoute: () => root,
  id: "inside",
  component: Shell,
  beforeLoad: async ({ location }) => {
    if ((await queryClient.ensureQueryData(sessionQuery)) === null)
      throw redirect({ to: "/login", search: (location.href === "/" ? {} : { next: location.href }) as never })
  },
})

const insides = [
  homeRoutes,
  hostnameRoutes,
  domainRoutes,
  containerRoutes,
  fileRoutes,
  applicationRoutes,
  accessRoutes,
  administrationRoutes,
  referenceRoutes,
  welcomeRoutes,
]

export const router = createRouter({
  routeTree: root.addChildren([...openRoutes(root), inside.addChildren(insides.flatMap((routes) => routes(inside)))]),
  defaultPreload: "intent",
  defaultErrorComponent: Crash,
  scrollRestoration: true,
  // Every piece of state is a text, and stands as it is: by its own rules the router would write "1" with quotation marks.
  parseSearch: (text) => Object.fromEntries(new URLSearchParams(text)),
  stringifySearch,
})

function stringifySearch(search: Record<string, unknown>): string {
  const given = Object.entries(search).filter(([, value]) => value !== undefined)
  const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString()
  return text === "" ? "" : `?${text}`
}

/** What a page's fault is shown as; the navigation stays. */
function Crash({ error }: ErrorComponentProps) {
  return (
    <Page title={shell.crashTitle} lead={shell.crash}>
      <FaultNotice error={error} />
      <Button className="self-start" onClick={() => location.reload()}>
        {shell.reload}
      </Button>
    </Page>
  )
}
