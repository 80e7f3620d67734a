import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { Signer } from "../accounts/signer"
import { jwtSecret, PermissionHouse, type Person } from "./permission-house.fixture"
import { table, type TableRow, trials } from "./permission-table.fixture"

let house: PermissionHouse
let ada: Person
let bob: Person

beforeAll(async () => {
  house = await PermissionHouse.open()
  ada = house.ada
  bob = house.bob
}, 60_000)

afterAll(() => house?.close())

const rows = Object.entries(table).map(([route, row]) => ({ route, row }))
/** `ALL` stands for the methods that the other rows do not name, of which PUT is one. */
const method = (route: string) => (route.split(" ")[0] ?? "").replace("ALL", "PUT")

/** The path with ids in the place of its parameters. */
const pathOf = (route: string, id: string) =>
  (route.split(" ")[1] ?? "")
    .replace(":namespace/*", `${id}/more`)
    .replace("/namespaces/:name", `/namespaces/${id}`)
    .replace("*", `${id}/more`)
    .replace(":id", id)
    .replace(":port", "8000")
    .replace(":role", "user")
    .replace(/:\w+/, "nothing")

const ask = (route: string, token: string | undefined, id: string, body: object = {}) =>
  house.send(method(route), pathOf(route, id), token, body)

/** Neither refused nor our fault. 503 is the answer where there is no container engine. */
function expectThrough(label: string[], status: number, row: TableRow): void {
  const isRefused = row.own === undefined ? [401, 403, 500].includes(status) : status !== row.own
  expect([...label, isRefused ? `refused with ${status}` : "let in"]).toEqual([...label, "let in"])
}

/** Whether an answer gives away something of the third person. */
const isVics = (text: string) => /(^|[^a-z])vic/i.test(text)

const unknownId = "11111111"

test("the table names every route of the API, and no other", () => {
  const routes = house.app.routes
    // Those of the connect API, with their keys, have a table of their own.
    .filter(({ path }) => !path.startsWith("/v1/"))
    .map(({ method: verb, path }) => `${verb} ${path.replace(/(.)\/$/, "$1")}`)
  expect([...new Set(routes)].sort()).toEqual(Object.keys(table).sort())
})

test("whoever reaches for what is another's is tried at each route that has an id", () => {
  const routes = Object.keys(table)
  expect(Object.keys(trials).filter((route) => !routes.includes(route))).toEqual([])
  const untried = rows.filter(({ route, row: { need, foreign } }) => {
    const isOne = typeof need === "object" ? need.scope.endsWith(":id") : need === "session" && route.includes(":id")
    return isOne && foreign === undefined && !route.startsWith("ALL ")
  })
  expect(untried).toEqual([])
})

test("without a token that holds, nothing but what is open answers", async () => {
  const sign = (secret: string, claims: Record<string, unknown>, endsInMs = 60_000) =>
    new Signer(secret).sign(claims, Date.now() + endsInMs)
  const claims = { user_id: ada.id, type: "", sid: "nothing" }
  const bad: [string, string | undefined][] = [
    ["no token", undefined],
    ["not a token", "garbage"],
    ["another secret", await sign("another secret that is long enough", claims)],
    ["an ended session", await sign(jwtSecret, claims)],
    ["a challenge of a login", await sign(jwtSecret, { user_id: ada.id, type: "2fa_challenge" })],
    ["an unknown kind", await sign(jwtSecret, { user_id: ada.id, type: "repository" })],
    ["nobody's", await sign(jwtSecret, { type: "", sid: "x" })],
    ["an unknown API token", await sign(jwtSecret, { user_id: ada.id, type: "api_token", token_id: "nothing" })],
  ]
  for (const { route, row } of rows) {
    for (const [kind, token] of bad) {
      const { status } = await ask(route, token, unknownId)
      const isAnswered =
        row.need === "open" ? ![403, 500].includes(status) : row.need === "challenge" ? status >= 400 && status < 500 : status === 401
      expect([route, kind, isAnswered ? "as the table says" : status]).toEqual([route, kind, "as the table says"])
    }
  }
}, 60_000)

test("a session may do everything of its person's own, and administration where its person is an administrator", async () => {
  for (const { route, row } of rows.filter(({ row }) => row.need !== "open" && row.need !== "challenge")) {
    // Those that end the session itself, or make a person more of one than this test wants.
    if (route === "DELETE /api/settings/sessions") continue
    const isAdmins = row.need === "admin" || (typeof row.need === "object" && row.need.admin === true)
    expectThrough([route, "administrator"], (await ask(route, ada.session, unknownId, row.body)).status, row)
    const { status } = await ask(route, bob.session, unknownId, row.body)
    if (isAdmins) expect([route, "user", status]).toEqual([route, "user", 403])
    else expectThrough([route, "user"], status, row)
  }
}, 60_000)

test("API tokens manage no accounts, whatever their scopes", async () => {
  for (const { kind, token, setScopes } of ada.tokens) {
    await setScopes(
      Object.fromEntries(["compute", "storage", "networking"].map((root) => [`${root}.${ada.id}`, ["create", "read", "update", "delete"]])),
    )
    for (const { route, row } of rows.filter(({ row }) => row.need === "session" || row.need === "admin")) {
      expect([route, kind, (await ask(route, token, unknownId, row.body)).status]).toEqual([route, kind, 401])
    }
  }
}, 60_000)

describe("scopes", () => {
  const all = ["create", "read", "update", "delete", "start", "stop"]

  /** Grants of every level, and whether each lets a token do what the row needs, by the rules of platform-api.md section 1.1. */
  function levels(
    scope: string,
    action: string,
    uid: string,
    id: string,
    other: string,
  ): [name: string, scopes: Record<string, string[]>, isEnough: boolean][] {
    const [root = "", resource, byId] = scope.split(".")
    const whole = `${root}.${uid}`
    const collection = resource === undefined ? whole : `${whole}.${resource}`
    const others = all.filter((other) => other !== action)
    const elsewhere = root === "compute" ? "networking" : "compute"
    const siblings: Record<string, string> = {
      containers: "keys",
      keys: "containers",
      files: "namespaces",
      namespaces: "files",
      domains: "domain-mappings",
      "domain-mappings": "domains",
    }
    const sibling = resource === undefined ? "containers" : (siblings[resource] ?? "")
    const isWhole = resource === undefined
    return [
      ["the root", { [whole]: [action] }, true],
      ["the root, all but this action", { [whole]: others }, false],
      ["the root without a person", { [root]: all }, false],
      ["the collection", { [collection]: [action] }, true],
      ["the collection, all but this action", { [collection]: others }, false],
      ["this id", { [`${whole}.${resource ?? "containers"}.${id}`]: [action] }, byId !== undefined],
      ["this id, all but this action", { [`${whole}.${resource ?? "containers"}.${id}`]: others }, false],
      ["another id", { [`${whole}.${resource ?? "containers"}.2222`]: all }, false],
      ["an id that this one begins with", { [`${whole}.${resource ?? "containers"}.${id.slice(0, 4)}`]: all }, false],
      ["an id with this one in it", { [`${whole}.${resource ?? "containers"}.${id}.x`]: all }, false],
      ["the sibling of the collection", { [`${whole}.${sibling}`]: all }, false],
      ["another root", { [`${elsewhere}.${uid}`]: all }, false],
      ["another person's", { [`${root}.${other}${isWhole ? "" : `.${resource}`}`]: all }, false],
    ]
  }

  test.each(rows.filter(({ row }) => typeof row.need === "object").map(({ route }) => route))(
    "%s: each level of a grant lets in whom it should",
    async (route) => {
      const row = table[route] as TableRow
      if (typeof row.need !== "object") return
      const { scope, action, admin } = row.need
      for (const person of [bob, ada]) {
        for (const { kind, token, setScopes } of person.tokens) {
          for (const [name, scopes, isEnough] of levels(scope, action, person.id, unknownId, person === ada ? bob.id : ada.id)) {
            const label = [route, person.username, kind, name]
            await setScopes(scopes)
            const { status, text } = await ask(route, token, unknownId, row.body)
            // What is an administrator's own to do, no token does in their place.
            if (isEnough && admin !== true) expectThrough(label, status, row)
            else expect([...label, status]).toEqual([...label, 403])
            if (!isEnough && scope.startsWith("networking")) {
              const needed = scope.replace("networking", `networking.${person.id}`).replace(":id", unknownId)
              expect(text.trim()).toBe(`forbidden: missing ${needed} scope`)
            }
          }
        }
      }
    },
    30_000,
  )
})

test("what is another's cannot be seen or touched by any route, with any token", async () => {
  const before = await house.belongings()
  for (const { route, row } of rows) {
    const { foreign, need } = row
    if (foreign === undefined) continue
    const id = house.things[foreign.thing]
    for (const one of [bob, ada]) {
      const { status, text } = await ask(route, one.session, id, row.body ?? { scopes: { [`compute.${one.id}`]: ["read"] } })
      expect([route, one.username, "session", status, isVics(text)]).toEqual([route, one.username, "session", foreign.status, false])
      for (const { kind, token, setScopes } of one.tokens) {
        if (typeof need !== "object") continue
        const [root = "", resource = ""] = need.scope.split(".")
        for (const scope of [`${root}.${one.id}`, `${root}.${one.id}.${resource}`, `${root}.${one.id}.${resource}.${id}`]) {
          await setScopes({ [scope]: [need.action] })
          const answered = await ask(route, token, id, row.body)
          // A grant on an id says nothing of who has it.
          const isById = scope.split(".").length === 4 && !need.scope.endsWith(":id")
          const expected = isById ? 403 : foreign.status
          expect([route, one.username, kind, scope, answered.status, isVics(answered.text)]).toEqual([
            route,
            one.username,
            kind,
            scope,
            expected,
            false,
          ])
        }
      }
    }
  }
  expect(await house.belongings()).toBe(before)
}, 60_000)

test("what opens a WebSocket asks for what its row says, also when it is asked to open one", async () => {
  const handshake = {
    upgrade: "websocket",
    connection: "Upgrade",
    "sec-websocket-version": "13",
    "sec-websocket-key": "A".repeat(22) + "==",
  }
  const paths = house.app.routes.filter(({ isSocket }) => isSocket === true).map(({ path }) => path)
  expect(paths).toContain("/compute/containers/:id/logs")
  for (const path of paths) {
    const route = `GET ${path}`
    const { need, foreign } = table[route] as TableRow
    if (typeof need !== "object") throw new Error(`${route} has no scope`)
    const shake = async (token: string | undefined, id: string) =>
      (await house.send("GET", pathOf(route, id), token, undefined, handshake)).status
    expect([route, await shake(undefined, unknownId)]).toEqual([route, 401])
    for (const { kind, token, setScopes } of bob.tokens) {
      await setScopes({ [`networking.${bob.id}`]: ["read"], [need.scope.replace("compute", `compute.${bob.id}`)]: ["delete"] })
      expect([route, kind, await shake(token, unknownId)]).toEqual([route, kind, 403])
      await setScopes({ [`compute.${bob.id}`]: [need.action] })
      if (foreign !== undefined)
        expect([route, kind, await shake(token, house.things[foreign.thing])]).toEqual([route, kind, foreign.status])
    }
    if (foreign === undefined) continue
    for (const { session } of [bob, ada])
      expect([route, await shake(session, house.things[foreign.thing])]).toEqual([route, foreign.status])
  }
})

test("no list shows what is another's", async () => {
  // Scopes that name another's id are one's own words.
  for (const { setScopes } of bob.tokens) await setScopes({})
  for (const { route, row } of rows) {
    // The audit shows bob what he himself reached for.
    if (method(route) !== "GET" || route.includes(":") || row.need === "open" || route.includes("/api/audit")) continue
    const { text } = await ask(route, bob.session, "")
    const shown = Object.entries(house.things).filter(([, id]) => id.length > 3 && text.includes(id))
    expect([route, shown]).toEqual([route, []])
  }
})

test("a person who is disabled gets 401 everywhere, with each of their tokens", async () => {
  const session = await house.logIn("ada")
  await house.send("POST", `/admin/users/${bob.id}/disable`, session)
  for (const { setScopes } of bob.tokens) await setScopes({ [`compute.${bob.id}`]: ["read"], [`networking.${bob.id}`]: ["read"] })
  for (const { route, row } of rows.filter(({ row }) => row.need !== "open" && row.need !== "challenge")) {
    for (const token of [bob.session, ...bob.tokens.map((own) => own.token)]) {
      expect([route, (await ask(route, token, unknownId, row.body)).status]).toEqual([route, 401])
    }
  }
}, 60_000)
