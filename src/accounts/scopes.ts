import { AppError } from "../errors"

/** Scope path → actions, as a token or a service account carries them: `{"networking.u1.domains": ["read", "create"]}`. */
export type Scopes = Record<string, string[]>

/** What a request needs: the path is `<root>.<uid>[.<resource>[.<id>]]`, in segments, so that an id may hold dots. */
export type Need = { path: string[]; action: string }

const basic = ["create", "read", "update", "delete"]

/** The families of the API that scopes speak of. */
export type ScopeRoot = "compute" | "storage" | "networking"

/** What may be granted: actions by resource, as in the table of platform-api.md section 2.3. Networking has no `update`. */
const resources: Record<ScopeRoot, Record<string, string[]>> = {
  compute: { containers: [...basic, "start", "stop"], keys: ["create", "read", "delete"] },
  storage: { namespaces: basic, files: ["create", "read", "delete"], registry: ["push", "pull", "delete"] },
  networking: { domains: ["create", "read", "delete"], "domain-mappings": ["create", "read", "delete"] },
}

const maxScopes = 100
const maxPathLength = 400

/** At most four segments; everything past the third dot is the id. */
export function scopeSegments(path: string): string[] {
  const parts = path.split(".")
  return parts.length <= 4 ? parts : [...parts.slice(0, 3), parts.slice(3).join(".")]
}

/** Checks the scopes a person wants to grant, for themselves only; throws AppError with the phrases of platform-api.md section 2.3. */
export function parseScopes(raw: unknown, personId: string): Scopes {
  if (typeof raw !== "object" || raw === null || Array.isArray(raw)) throw new AppError("invalid", "at least one scope required")
  const entries = Object.entries(raw)
  if (entries.length === 0) throw new AppError("invalid", "at least one scope required")
  if (entries.length > maxScopes) throw new AppError("invalid", `too many scopes (max ${maxScopes})`)
  return Object.fromEntries(entries.map(([path, actions]) => [path, parseScope(path, actions, personId)]))
}

function parseScope(path: string, actions: unknown, personId: string): string[] {
  const [root = "", uid, resource, id] = scopeSegments(path)
  if (path.length > maxPathLength || uid === undefined || uid === "")
    throw new AppError("invalid", `invalid scope path: ${path.slice(0, maxPathLength)}`)
  const known = Object.hasOwn(resources, root) ? resources[root as ScopeRoot] : undefined
  if (known === undefined) throw new AppError("invalid", `invalid scope root: ${root}`)
  if (uid !== personId) throw new AppError("invalid", "cannot create token for another user's resources")
  const allowed = resource === undefined ? basic : Object.hasOwn(known, resource) ? known[resource] : undefined
  if (allowed === undefined) throw new AppError("invalid", `invalid resource: ${resource} for root ${root}`)
  if (id === "") throw new AppError("invalid", `resource ID cannot be empty in scope ${path}`)
  if (!Array.isArray(actions) || actions.length === 0) throw new AppError("invalid", `at least one action required for scope ${path}`)
  for (const action of actions) {
    if (!allowed.includes(action)) throw new AppError("invalid", `invalid action ${JSON.stringify(action)} for scope ${path}`)
  }
  return [...new Set(actions as string[])]
}

/**
 * Whether some grant covers the need: the exact path or a parent of it, down to `<root>.<uid>`; a bare root grants nothing. Compared by
 * segment, so that a grant on the id `my` says nothing about `my.data`.
 */
export function covers(granted: Scopes, need: Need): boolean {
  for (const [path, actions] of Object.entries(granted)) {
    const segments = scopeSegments(path)
    if (segments.length < 2 || segments.length > need.path.length) continue
    if (segments.every((segment, i) => segment === need.path[i]) && actions.includes(need.action)) return true
  }
  return false
}
