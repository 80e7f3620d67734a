import { expect, test } from "bun:test"
import { type EndedRequest, recordRequest } from "./record"
import type { RelayContext } from "./relay-context"
import type { Route, Upstream } from "./route-table"

const ours: Upstream = { unix: "/x/api.sock" }
const theirs: Upstream = { host: "192.0.2.20", port: 80 }

/** The path under which a request to this upstream stands in the access log. */
function logged(upstream: Upstream, target: string): string | undefined {
  const lines: { path: string }[] = []
  const accessLog = { add: (line: { path: string }) => void lines.push(line) }
  const context = { isLogged: () => true, now: () => 0, accessLog } as unknown as RelayContext
  const route: Route = { host: "app.test", target: { kind: "upstream", upstream } }
  const head = { host: "app.test", method: "GET", target, version: 1 }
  recordRequest(context, { tls: "", serverName: "" } as never, { head, route, status: 200, startedAt: 0 } as unknown as EndedRequest)
  return lines[0]?.path
}

test.each([
  [ours, "/reset/c2VjcmV0", "/reset/*"],
  [ours, "/setup/c2VjcmV0?x=1", "/setup/*"],
  [ours, "//reset/c2VjcmV0", "//reset/c2VjcmV0"],
  [ours, "/cli-2fa?challenge=a.b.c", "/cli-2fa"],
  [ours, "/api/session", "/api/session"],
  [theirs, "/reset/page", "/reset/page"],
  [theirs, "/setup/page?token=x", "/setup/page"],
])("a request to %p for %p stands in the access log as %p", (upstream, target, path) => {
  expect(logged(upstream, target)).toBe(path)
})
