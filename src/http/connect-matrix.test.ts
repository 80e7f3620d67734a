import { afterAll, beforeAll, expect, test } from "bun:test"
import { PermissionHouse } from "./permission-house.fixture"

const scopes = ["connections:read", "connections:write", "apps:admin", "webhooks:write", "usage:read"]
const every = scopes

/** Who may use a route: a key with one of the scopes, a widget's token where it says so, and a session; `admins` are for an administrator's session alone. */
type Row = { anyOf: string[]; widget?: true; admins?: true; body?: object }

const read: Row = { anyOf: ["connections:read"] }
const write: Row = { anyOf: ["connections:write"] }
const apps: Row = { anyOf: ["apps:admin"] }
const hooks: Row = { anyOf: ["webhooks:write", "apps:admin"] }

/** Every route of the connect API. APP, CON and HOOK stand for ids of a third person's things. */
const table: Record<string, Row> = {
  "POST /v1/applications": apps,
  "GET /v1/applications": { anyOf: ["apps:admin", "connections:read"] },
  "GET /v1/applications/APP": { anyOf: ["apps:admin", "connections:read"] },
  "PATCH /v1/applications/APP": apps,
  "DELETE /v1/applications/APP": apps,
  "POST /v1/applications/APP/keys": apps,
  "GET /v1/applications/APP/keys": apps,
  "DELETE /v1/applications/APP/keys/nothing": apps,
  "POST /v1/applications/APP/credentials": apps,
  "GET /v1/applications/APP/credentials": apps,
  "DELETE /v1/applications/APP/credentials/nothing": apps,
  "POST /v1/tokens": write,
  "POST /v1/domains:check": { ...read, widget: true },
  "POST /v1/connections": { ...write, widget: true },
  "GET /v1/connections": read,
  "GET /v1/connections/CON": { ...read, widget: true },
  "PATCH /v1/connections/CON": write,
  "DELETE /v1/connections/CON": write,
  "POST /v1/connections/CON/verify": write,
  "POST /v1/connections/CON/records:check": { ...write, widget: true },
  "POST /v1/connections/CON/records:apply": write,
  "POST /v1/connections/CON/email:apply": { ...write, widget: true },
  "POST /v1/connections/CON/link": write,
  "DELETE /v1/connections/CON/link": write,
  "GET /v1/connections/CON/timeline": read,
  "GET /v1/connections/CON/preflight": { ...read, widget: true },
  "GET /v1/connections/CON/records": { ...read, widget: true },
  "GET /v1/connections/CON/certificate": { ...read, widget: true },
  "POST /v1/email/records": { ...read, widget: true },
  "GET /v1/domain-connect/template": apps,
  "GET /v1/providers": read,
  "GET /v1/usage": { anyOf: ["usage:read", "connections:read"] },
  "GET /v1/plans": { anyOf: every },
  "PUT /v1/plans/nothing": { ...apps, admins: true },
  "GET /v1/subscription": { anyOf: every },
  "POST /v1/subscriptions": { ...apps, admins: true },
  "POST /v1/billing/checkout": apps,
  "GET /v1/webhook-endpoints": hooks,
  "POST /v1/webhook-endpoints": hooks,
  "GET /v1/webhook-endpoints/HOOK": hooks,
  "PATCH /v1/webhook-endpoints/HOOK": { ...hooks, body: { disabled: false } },
  "DELETE /v1/webhook-endpoints/HOOK": hooks,
  "POST /v1/webhook-endpoints/HOOK/test": hooks,
  "POST /v1/webhook-endpoints/HOOK/rotate-secret": hooks,
  "GET /v1/webhook-deliveries": hooks,
  "GET /v1/webhook-deliveries/nothing": hooks,
  "POST /v1/webhook-deliveries/nothing/replay": hooks,
}

let house: PermissionHouse
/** Bob's keys by scope, and a widget's token of his application. */
const keys = new Map<string, string>()
let widget = ""
/** Ids of Ada's things. */
const ids: Record<string, string> = {}

const make = async (path: string, token: string, body: object) => {
  const { status, text } = await house.send("POST", path, token, body)
  if (status !== 201) throw new Error(`POST ${path} answered ${status}: ${text}`)
  return JSON.parse(text) as Record<string, string>
}

beforeAll(async () => {
  house = await PermissionHouse.open()
  const { ada, bob } = house
  const app = await make("/v1/applications", bob.session, { name: "Bob's" })
  for (const scope of scopes) {
    const key = await make(`/v1/applications/${app.id}/keys`, bob.session, { name: scope, scopes: [scope] })
    keys.set(scope, key.secret ?? "")
  }
  widget = (await make("/v1/tokens", bob.session, { application_id: app.id })).auth_token ?? ""
  ids.APP = (await make("/v1/applications", ada.session, { name: "Ada's" })).id ?? ""
  ids.CON = (await make("/v1/connections", ada.session, { application_id: ids.APP, hostname: "app.ada.example" })).id ?? ""
  ids.HOOK = (await make("/v1/webhook-endpoints", ada.session, { url: "https://hooks.ada.example/" })).id ?? ""
}, 60_000)

afterAll(() => house?.close())

const ask = (route: string, token: string | undefined, body: object = {}) => {
  const [method = "", path = ""] = route.split(" ")
  const real = path.replace(/APP|CON|HOOK/, (name) => ids[name] ?? "")
  return house.send(method, real, token, method === "DELETE" ? undefined : body)
}

const letIn = (status: number) => ![401, 403, 500].includes(status)

test("the table names every route of the connect API, and no other", () => {
  const named = house.app.routes.filter(({ method, path }) => method !== "ALL" && path.startsWith("/v1/"))
  const verbs: Record<string, string[]> = { domains: ["check"], records: ["check", "apply"], email: ["apply"] }
  const places: Record<string, string> = { applications: "APP", connections: "CON", "webhook-endpoints": "HOOK" }
  const routes = named.flatMap(({ method, path }) => {
    const plain = path
      .replace(/^(\/v1\/([a-z-]+)\/):id/, (_, start: string, family: string) => start + (places[family] ?? "nothing"))
      .replace(/\/:\w+/, "/nothing")
    const [, stem] = /(\w+):verb$/.exec(plain) ?? []
    if (stem === undefined) return [`${method} ${plain}`]
    return (verbs[stem] ?? []).map((verb) => `${method} ${plain.replace(":verb", `:${verb}`)}`)
  })
  expect([...new Set(routes)].sort()).toEqual(Object.keys(table).sort())
})

// Before the refusals below, of which only so many are kept for nobody in particular.
test("that a link was made is on record; its secret is not, nor who looked by it", async () => {
  const key = keys.get("connections:write")
  const { data } = JSON.parse((await ask("GET /v1/applications", house.bob.session)).text) as { data: { id: string }[] }
  const { id } = await make("/v1/connections", house.bob.session, { application_id: data[0]?.id, hostname: "link.bob.example" })
  const { url = "" } = await make(`/v1/connections/${id}/link`, key ?? "", {})
  const path = new URL(url).pathname
  expect((await house.send("GET", path)).status).toBe(200)
  expect((await house.send("POST", `${path}/check`, undefined, {})).status).toBe(303)
  const { text } = await house.send("GET", "/api/audit?limit=500", house.ada.session)
  expect(text).toContain("POST /v1/connections/:id/link")
  expect(text).not.toContain(path.slice(3))
  expect(text).not.toContain("POST /c/")
})

test.each(Object.entries(table))("%s", async (route, { anyOf, widget: widgetMay, admins, body }) => {
  const outcome: Record<string, unknown> = {}
  const expected: Record<string, unknown> = {}
  const note = (who: string, status: number, isRight: boolean, right: string) => {
    outcome[who] = isRight ? right : status
    expected[who] = right
  }
  const isOthers = /APP|CON|HOOK/.test(route)
  for (const [who, token] of [
    ["nobody", undefined],
    ["garbage", "sk_live_garbage"],
    ["an API token", house.bob.tokens[0]?.token],
  ] as const) {
    const { status } = await ask(route, token, body)
    note(who, status, status === 401, "unauthorized")
  }
  for (const scope of scopes) {
    const { status, text } = await ask(route, keys.get(scope), body)
    if (!anyOf.includes(scope) || admins === true) note(scope, status, status === 403, "forbidden")
    else if (isOthers) note(scope, status, status === 404 && !text.includes("ada"), "not found")
    else note(scope, status, letIn(status), "let in")
  }
  const byWidget = (await ask(route, widget, body)).status
  if (widgetMay !== true) note("a widget", byWidget, byWidget === 403, "forbidden")
  else note("a widget", byWidget, isOthers ? byWidget === 404 : letIn(byWidget), "let in or not found")
  const bySession = (await ask(route, house.bob.session, body)).status
  if (admins === true) note("a user's session", bySession, bySession === 403, "forbidden")
  else note("a user's session", bySession, isOthers ? bySession === 404 : letIn(bySession), "let in or not found")
  if (admins === true) {
    const byAdmin = (await ask(route, house.ada.session, body)).status
    note("an administrator's session", byAdmin, letIn(byAdmin), "let in")
  }
  expect(outcome).toEqual(expected)
})

test("no key and no widget's token is a session", async () => {
  for (const token of [keys.get("apps:admin"), widget]) {
    for (const route of ["GET /api/session", "GET /api/tokens", "GET /compute/containers", "GET /api/domain-mappings", "GET /api/audit"]) {
      expect([route, (await ask(route, token)).status]).toEqual([route, 401])
    }
  }
})

test("what a key did is on record, with the key's id; looks are not", async () => {
  await ask("POST /v1/connections", keys.get("connections:write"), { hostname: "app.bob.example" })
  await ask("POST /v1/domains:check", keys.get("connections:read"), { domain: "bob.example" })
  const { text } = await house.send("GET", "/api/audit?action=POST%20/v1/", house.bob.session)
  const { entries } = JSON.parse(text) as {
    entries: { action: string; token: { kind: string; id: string } | null; target: string | null; outcome: string }[]
  }
  const made = entries.find(({ action, outcome }) => action === "POST /v1/connections" && outcome === "allowed")
  expect(made?.token).toEqual({ kind: "api_key", id: expect.stringMatching(/^[0-9a-f-]{36}$/) } as never)
  expect(entries.filter(({ target, outcome }) => target === ":check" && outcome !== "denied")).toEqual([])
})
