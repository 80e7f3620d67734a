import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { connectNeeds } from "../../src/http/connect-needs"
import { permissionTable } from "../../src/http/needs"
import { type AttackedHouse, apiToken, houseObstacle, startAttackedHouse, withToken } from "./attacked-house"
import type { Person } from "../e2e/person"

// The matrices of `src/http/permission-matrix.test.ts` and `connect-matrix.test.ts` hold every route of the router to these tables, and try whose things
// are whose. Here the binary itself is asked, with each kind of key that is good somewhere and must be good nowhere else.

const everything = {
  "networking.me.domains": ["create", "read", "delete"],
  "networking.me.domain-mappings": ["create", "read", "delete"],
  "compute.me": ["create", "read", "delete"],
  "compute.me.containers": ["create", "read", "update", "delete", "start", "stop"],
  "compute.me.keys": ["create", "read", "delete"],
  "storage.me.namespaces": ["create", "read", "update", "delete"],
  "storage.me.files": ["create", "read", "delete"],
}
const spoken = (route: string) => route.replace(/^ALL /, "PUT ")

/** A request for a route, with ids that nobody has in the place of its parameters. */
const filled = (route: string): [method: string, path: string] => {
  const [method = "", path = ""] = spoken(route).split(" ")
  return [
    method,
    path
      .replace(":role", "user")
      .replace(":port", "8000")
      .replace("*", "nothing")
      .replaceAll(/(?<=\/):\w+/g, "11111111"),
  ]
}

describe.skipIf(houseObstacle !== undefined)(
  `keys at doors that are not theirs${houseObstacle ? ` (skipped: ${houseObstacle})` : ""}`,
  () => {
    let attacked: AttackedHouse
    const keys: Record<string, string | undefined> = {}
    let described: string[] = []

    beforeAll(async () => {
      attacked = await startAttackedHouse()
      const { ada, mallory } = attacked
      const make = async <T>(who: Person, path: string, body: object) => who.send<T>("POST", path, body)
      const application = await make<{ id: string }>(ada, "/v1/applications", { name: "Site" })
      const scopes = ["connections:read", "connections:write", "apps:admin", "webhooks:write", "usage:read"]
      keys.nobody = undefined
      keys.garbage = "garbage"
      keys["an application's key with every scope"] = (
        await make<{ secret: string }>(ada, `/v1/applications/${application.id}/keys`, { name: "k", scopes })
      ).secret
      keys["a widget's token"] = (await make<{ auth_token: string }>(ada, "/v1/tokens", { application_id: application.id })).auth_token
      keys["the id of a storage key"] = (
        await make<{ access_key_id?: string; id?: string }>(ada, "/storage/keys", { name: "s3" })
      ).access_key_id
      keys["an administrator's API token with every scope"] = await apiToken(ada, everything)
      const account = await make<{ id: string }>(ada, "/api/service-accounts", {
        name: "bot",
        scopes: Object.fromEntries(Object.entries(everything).map(([root, actions]) => [root.replace("me", ada.id), actions])),
      })
      keys["an administrator's service account with every scope"] = (
        await make<{ token: string }>(ada, `/api/service-accounts/${account.id}/tokens`, { name: "t" })
      ).token
      keys["a token of narrow scope"] = await apiToken(mallory, { "networking.me.domains.nothing": ["read"] })
      keys["a user's session"] = mallory.token
      described = Object.entries((await ada.send<{ paths: Record<string, object> }>("GET", "/openapi.json")).paths).flatMap(
        ([path, verbs]) => Object.keys(verbs).map((verb) => `${verb.toUpperCase()} ${path}`),
      )
    })
    afterAll(() => attacked?.stop())

    const ask = async (route: string, key: string | undefined) => {
      const [method, path] = filled(route)
      const { house } = attacked
      return house.api(method, path, { ...(key === undefined ? {} : { token: key }), ...(method === "GET" ? {} : { body: {} }) })
    }
    const table = Object.entries(permissionTable).filter(([route]) => !/^GET \/(compute\/ws|.*\/(terminal|logs)$)/.test(route))
    const statusOf = async (name: string, routes: string[]) => {
      const outcomes: [string, number][] = []
      for (const route of routes) {
        const { status, text } = await ask(route, keys[name])
        outcomes.push([`${name}: ${route}`, status])
        expect([route, text.includes(attacked.ada.token)]).toEqual([route, false])
      }
      return outcomes
    }
    const allAre = (outcomes: [string, number][], statuses: number[]) =>
      expect(outcomes.filter(([, status]) => !statuses.includes(status))).toEqual([])

    test("the binary describes no route that has no rule", () => {
      expect(described.length).toBeGreaterThan(150)
      const shape = (route: string) => route.replaceAll(/\{[^}]*\}|:(?!verb)\w+(?=\/|$)/g, ":x").replace(/\*$/, ":x")
      const ruled = new Set([...Object.keys(permissionTable), ...Object.keys(connectNeeds)].map(shape))
      expect(described.filter((route) => !ruled.has(shape(route)))).toEqual([])
    })

    const guarded = table.filter(([, { need }]) => need !== "open" && need !== "challenge").map(([route]) => route)
    const forSessions = table.filter(([, { need }]) => need === "session" || need === "admin").map(([route]) => route)
    const forAdmins = table.filter(([, { need }]) => need === "admin" || (typeof need === "object" && need.admin)).map(([route]) => route)
    const scoped = table.filter(([, { need }]) => typeof need === "object").map(([route]) => route)

    test.each(["nobody", "garbage", "an application's key with every scope", "a widget's token", "the id of a storage key"])(
      "%s is nobody at every route that is not open",
      async (name) => allAre(await statusOf(name, guarded), [401]),
      60_000,
    )

    test.each(["an administrator's API token with every scope", "an administrator's service account with every scope"])(
      "%s is refused wherever a session is needed",
      async (name) => {
        allAre(await statusOf(name, forSessions), [401])
        allAre(
          await statusOf(
            name,
            forAdmins.filter((route) => !forSessions.includes(route)),
          ),
          [403],
        )
      },
      60_000,
    )

    test(
      "a token of one narrow scope may do nothing else",
      async () => allAre(await statusOf("a token of narrow scope", scoped), [403]),
      60_000,
    )

    test(
      "a user's session is refused where an administrator's is needed",
      async () => allAre(await statusOf("a user's session", forAdmins), [403]),
      60_000,
    )

    test("at the connect API every key of the platform is nobody", async () => {
      const routes = Object.keys(connectNeeds)
      for (const name of ["nobody", "an administrator's API token with every scope", "a token of narrow scope", "the id of a storage key"])
        allAre(await statusOf(name, routes), [401])
      allAre(
        await statusOf(
          "a widget's token",
          routes.filter((route) => connectNeeds[route]?.widget !== true),
        ),
        [403],
      )
    }, 60_000)

    test("what another person has stays as it is, whatever mallory asks of it by its id", async () => {
      const { ada, mallory } = attacked
      const { id } = await ada.send<{ id: string }>("POST", "/v1/applications", { name: "Ada's own" })
      const hook = await ada.send<{ id: string }>("POST", "/v1/connections", { application_id: id, hostname: "own.ada.example" })
      const key = await apiToken(mallory, everything)
      for (const who of [mallory, withToken(mallory, key)]) {
        for (const [method, path, body] of [
          ["GET", `/v1/applications/${id}`],
          ["PATCH", `/v1/applications/${id}`, { name: "Mallory's" }],
          ["DELETE", `/v1/applications/${id}`],
          ["GET", `/v1/connections/${hook.id}`],
          ["DELETE", `/v1/connections/${hook.id}`],
          ["POST", `/v1/connections/${hook.id}/verify`],
          ["POST", "/v1/connections", { application_id: id, hostname: "x.ada.example" }],
        ] as const) {
          const { status } = await who.ask(method, path, body)
          expect([method, path, who === mallory ? status === 404 : status === 401]).toEqual([method, path, true])
        }
      }
      expect(await ada.send<object>("GET", `/v1/applications/${id}`)).toMatchObject({ name: "Ada's own" })
    })
  },
)
