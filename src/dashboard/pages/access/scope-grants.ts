/** Scope path → actions, as the API takes and gives them. */
export type Scopes = Record<string, string[]>

/** What may be granted: an area, or a kind of thing in it. */
export type Kind =
  "networking" | "domain-mappings" | "domains" | "compute" | "containers" | "keys" | "storage" | "namespaces" | "files" | "registry"

type Rule = {
  root: "networking" | "compute" | "storage"
  /** Actions that do something for all of the kind. */
  actions: string[]
  /** Those that do something for one of them; none where single ones are not named. */
  single: string[]
}

const basic = ["create", "read", "update", "delete"]

/** The table of docs/API.md ("Scopes"), without what would grant nothing: networking has no `update`, and one thing that is there is not created. */
export const rules: Record<Kind, Rule> = {
  networking: { root: "networking", actions: ["create", "read", "delete"], single: [] },
  "domain-mappings": { root: "networking", actions: ["create", "read", "delete"], single: ["create", "read", "delete"] },
  domains: { root: "networking", actions: ["create", "read", "delete"], single: ["create", "delete"] },
  compute: { root: "compute", actions: basic, single: [] },
  containers: { root: "compute", actions: [...basic, "start", "stop"], single: ["read", "update", "delete", "start", "stop"] },
  keys: { root: "compute", actions: ["create", "read", "delete"], single: ["delete"] },
  storage: { root: "storage", actions: basic, single: [] },
  namespaces: { root: "storage", actions: basic, single: ["read", "update", "delete"] },
  files: { root: "storage", actions: ["create", "read", "delete"], single: ["create", "read", "delete"] },
  // Granted by other clients; nothing of ours asks for it, so it is not offered.
  registry: { root: "storage", actions: ["push", "pull", "delete"], single: ["push", "pull", "delete"] },
}

export const kindsOf = {
  networking: ["networking", "domain-mappings", "domains"],
  compute: ["compute", "containers", "keys"],
  storage: ["storage", "namespaces", "files"],
} as const satisfies Record<string, Kind[]>

/** One line of the picker. `id` is empty for all of the kind. */
export type Grant = { key: number; kind: Kind; id: string; actions: string[] }

export const isRoot = (kind: Kind): boolean => kind === rules[kind].root

/** What can be ticked: what does something there, and what is granted already. */
export const actionsOf = ({ kind, id, actions }: Pick<Grant, "kind" | "id" | "actions">): string[] => {
  const offered = id === "" ? rules[kind].actions : rules[kind].single
  return [...offered, ...actions.filter((action) => !offered.includes(action))]
}

export function pathOf({ kind, id }: Pick<Grant, "kind" | "id">, personId: string): string {
  const { root } = rules[kind]
  return [root, personId, ...(isRoot(kind) ? [] : [kind]), ...(id === "" ? [] : [id])].join(".")
}

/** Lines with one path become one scope; lines without an action become none. */
export function toScopes(grants: Grant[], personId: string): Scopes {
  const scopes: Scopes = {}
  for (const grant of grants) {
    if (grant.actions.length === 0) continue
    const path = pathOf(grant, personId)
    const wanted = [...(scopes[path] ?? []), ...grant.actions]
    scopes[path] = actionsOf({ ...grant, actions: wanted }).filter(
      (action, at, all) => wanted.includes(action) && all.indexOf(action) === at,
    )
  }
  return scopes
}

/** What a scope's path speaks of; an id may hold dots. Undefined for what no version of the API has granted. */
export function parsePath(path: string): Pick<Grant, "kind" | "id"> | undefined {
  const [root = "", , resource, ...id] = path.split(".")
  const kind = (resource ?? root) as Kind
  return Object.hasOwn(rules, kind) && rules[kind].root === root ? { kind, id: id.join(".") } : undefined
}

export const toGrants = (scopes: Scopes): Grant[] =>
  Object.entries(scopes).flatMap(([path, actions], key) => {
    const about = parsePath(path)
    return about === undefined ? [] : [{ key, ...about, actions }]
  })

/** As the command line takes it: `compute.u1.containers=read,start`. */
export const scopeLines = (scopes: Scopes): string[] => Object.entries(scopes).map(([path, actions]) => `${path}=${actions.join(",")}`)
