import { expect, test } from "bun:test"
import { AppError } from "../errors"
import { httpRoot } from "../http/root"
import { silentLog } from "../log"
import { type Checkup, checkRoutes } from "./routes"

const base = { kind: "public", status: "ok", verdict: "It is." } as const
const checkup: Checkup = {
  server: async () => [{ name: "reach", status: "unknown", verdict: "Nobody knows.", remedy: "Look again." }],
  served: async (name) => {
    if (name === "box") throw new AppError("invalid", '"box" is not a hostname')
    return [{ name: "served", status: "ok", verdict: name }]
  },
  baseDomain: async (name = "cloud.test") => {
    if (name === "box") throw new AppError("invalid", '"box" is not a domain name')
    return { ...base, name, addresses: [], in_force: true, is_default: false, public_addresses: [], lan_addresses: [] }
  },
  hostname: async (personId, name) => ({
    name,
    kind: "public",
    url: `https://${name}/`,
    records: [],
    checks: [{ name: personId, status: "ok", verdict: "" }],
  }),
}
const root = httpRoot({
  routes: [
    checkRoutes(checkup, async (request) => {
      const who = request.headers.get("authorization")
      if (who === null) throw new AppError("unauthorized", "unauthorized")
      if (who !== "Bearer ada") throw new AppError("forbidden", "forbidden")
      return { personId: "ada" }
    }),
  ],
  isAllowedOrigin: () => false,
  log: silentLog,
})
const ask = async (path: string, who?: string) => {
  const headers = who === undefined ? {} : { authorization: `Bearer ${who}` }
  const res = await root.handle(new Request(`http://freehold.test${path}`, { headers: headers as Record<string, string> }))
  return [res.status, await res.json()]
}

test.each(["/admin/checks", "/admin/checks/base-domain", "/admin/checks/hostname?name=app.test"])(
  "%s is for administrators",
  async (path) => {
    expect(await ask(path)).toEqual([401, { error: "unauthorized" }])
    expect(await ask(path, "bob")).toEqual([403, { error: "forbidden" }])
    expect((await ask(path, "ada"))[0]).toBe(200)
  },
)

test("checks are a list, a base domain is the one in force where none is named, and a hostname is that of the person who asks", async () => {
  expect(await ask("/admin/checks", "ada")).toEqual([
    200,
    { checks: [{ name: "reach", status: "unknown", verdict: "Nobody knows.", remedy: "Look again." }] },
  ])
  expect(await ask("/admin/checks/base-domain?name=", "ada")).toMatchObject([200, { name: "cloud.test", in_force: true }])
  expect(await ask("/admin/checks/base-domain?name=%20other.test", "ada")).toMatchObject([200, { name: "other.test" }])
  expect(await ask("/admin/checks/hostname?name=app.test", "ada")).toMatchObject([200, { name: "app.test", checks: [{ name: "ada" }] }])
})

test("a hostname's own checks are asked for by a parameter", async () => {
  expect(await ask("/admin/checks?hostname=%20app.test", "ada")).toEqual([
    200,
    { checks: [{ name: "served", status: "ok", verdict: "app.test" }] },
  ])
  expect(await ask("/admin/checks?hostname=box", "ada")).toEqual([400, { error: '"box" is not a hostname' }])
})

test("what is no name is told", async () => {
  expect(await ask("/admin/checks/base-domain?name=box", "ada")).toEqual([400, { error: '"box" is not a domain name' }])
  expect(await ask("/admin/checks/hostname", "ada")).toEqual([400, { error: "name required, such as ?name=app.example.com" }])
})
