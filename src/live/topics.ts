import type { Topic } from "./hub"

/** Which topics a request of the API changes, by its path; of several the first that matches. */
const families: [prefix: string, topics: Topic[]][] = [
  ["/api/domain-mappings", ["hostnames", "domains"]],
  ["/api/domains", ["domains", "hostnames"]],
  ["/api/tokens", ["access"]],
  ["/api/service-accounts", ["access"]],
  ["/api/settings", ["access", "sessions"]],
  ["/api/login", ["sessions"]],
  ["/api/logout", ["sessions"]],
  ["/api/webauthn", ["sessions"]],
  ["/compute/ssh-keys", ["access", "containers"]],
  ["/compute", ["containers", "hostnames"]],
  ["/v1/webhook", ["applications"]],
  ["/v1/connections", ["applications", "hostnames", "domains"]],
  ["/v1", ["applications", "hostnames"]],
  ["/storage/admin", ["files", "people"]],
  ["/storage", ["files"]],
  ["/admin/users", ["people", "sessions"]],
  ["/admin/sessions", ["sessions"]],
  ["/admin/settings", ["settings"]],
  ["/admin/backups", ["settings"]],
]

/** `action` is a method and a route's pattern, as the audit trail has them. */
export function topicsOf(action: string): Topic[] {
  const path = action.slice(action.indexOf(" ") + 1)
  // The S3 door names its operations, which are of files.
  if (!path.startsWith("/")) return ["files"]
  return families.find(([prefix]) => path === prefix || path.startsWith(`${prefix}/`) || path.startsWith(`${prefix}-`))?.[1] ?? []
}
