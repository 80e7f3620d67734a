import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { ApiHouse } from "./api.fixture"

let api: ApiHouse
let ann: string
let bob: string
let ada: string

beforeAll(async () => {
  api = await ApiHouse.open()
  ;[ann, bob, ada] = [await api.session("ann"), await api.session("bob"), await api.session("ada")]
  await api.house.namespace("photos")
  await api.house.namespace("bobs", "bob")
  for (const name of ["a", "b/c"]) await api.send("PUT", `/storage/photos/${name}`, { token: ann, body: name })
  await api.send("PUT", "/storage/bobs/d", { token: bob, body: "dddd" })
})
afterAll(() => api.close())

const ask = async (method: string, path: string, token?: string, body?: object) => {
  const res = await api.send(method, path, { token, body })
  return [res.status, await res.json()] as [number, Record<string, unknown>]
}

describe("keys of the S3 door", () => {
  test("are made, shown once, listed and deleted by their person's sessions", async () => {
    const [status, { secret, ...key }] = await ask("POST", "/storage/keys", ann, { name: "laptop" })
    expect([status, typeof secret]).toEqual([200, "string"])
    expect(key).toMatchObject({ name: "laptop", scopes: null, last_used_at: 0 })
    expect(await ask("GET", "/storage/keys", ann)).toEqual([200, [key] as never])
    expect(await ask("GET", "/storage/keys", bob)).toEqual([200, [] as never])
    expect(await ask("DELETE", `/storage/keys/${key.id}`, bob)).toEqual([404, { error: "no such storage key" }])
    expect(await ask("DELETE", `/storage/keys/${key.id}`, ann)).toEqual([200, { status: "ok" }])
    expect(await ask("POST", "/storage/keys", ann, { name: "" })).toEqual([400, { error: "name must have 1 to 64 characters" }])
    const scopes = { "storage.ann.files.photos": ["read"] }
    expect(await ask("POST", "/storage/keys", ann, { name: "s", scopes })).toMatchObject([200, { scopes }])
  })

  test("are nobody else's business", async () => {
    const token = await api.apiToken("ann", { storage: ["create", "read", "update", "delete"] })
    for (const [method, path] of [
      ["GET", "/storage/keys"],
      ["POST", "/storage/keys"],
      ["DELETE", "/storage/keys/x"],
    ] as const)
      for (const bad of [undefined, token]) expect(await ask(method, path, bad, {})).toEqual([401, { error: "unauthorized" }])
  })
})

test("a person sees what they use and may use", async () => {
  expect(await ask("GET", "/storage/usage", ann)).toEqual([
    200,
    { user_id: "ann", used_bytes: 4, quota_bytes: null, namespaces: 1, objects: 2 },
  ])
  expect((await ask("GET", "/storage/usage"))[0]).toBe(401)
  expect((await ask("GET", "/storage/usage", await api.apiToken("ann", { "storage.files": ["read"] })))[0]).toBe(403)
})

describe("administration", () => {
  test("is for administrators' sessions", async () => {
    const token = await api.apiToken("ada", { storage: ["create", "read", "update", "delete"] })
    for (const [method, path] of [
      ["GET", "/admin/namespaces"],
      ["GET", "/admin/files"],
      ["GET", "/storage/admin/namespaces"],
      ["GET", "/storage/admin/files"],
      ["GET", "/storage/admin/quotas"],
      ["GET", "/storage/admin/quotas/ann"],
      ["PUT", "/storage/admin/quotas/ann"],
      ["GET", "/storage/admin/faults"],
      ["POST", "/storage/admin/scrub"],
    ] as const) {
      const statuses = await Promise.all([undefined, token, ann].map(async (by) => (await ask(method, path, by, { quota_bytes: null }))[0]))
      expect([method, path, statuses]).toEqual([method, path, [401, 401, 403]])
    }
  })

  test("sees all namespaces and names, in pages, and no bytes of others", async () => {
    const names = async (path: string) => ((await ask("GET", path, ada))[1] as unknown as { name: string }[]).map(({ name }) => name)
    expect(await ask("GET", "/admin/namespaces", ada)).toMatchObject([
      200,
      [
        { name: "bobs", owner_id: "bob" },
        { name: "photos", count: 2 },
      ],
    ])
    expect(await names("/storage/admin/namespaces?limit=1")).toEqual(["bobs"])
    expect(await names("/storage/admin/namespaces?after=bobs")).toEqual(["photos"])
    expect(await ask("GET", "/admin/files", ada)).toMatchObject([
      200,
      [
        { name: "d", namespace: "bobs", size: 4, owner_id: "bob" },
        { name: "a", namespace: "photos", owner_id: "ann" },
        { name: "b/c", owner_id: "ann" },
      ],
    ])
    expect(await names("/storage/admin/files?limit=2")).toEqual(["d", "a"])
    expect(await names("/storage/admin/files?after=photos/a")).toEqual(["b/c"])
    expect(await names("/storage/admin/files?after=bobs/d&limit=1")).toEqual(["a"])
    expect((await ask("GET", "/admin/files?limit=x", ada))[0]).toBe(400)
    expect((await ask("GET", "/storage/photos/a", ada))[0]).toBe(404)
  })

  test("sets what a person may store", async () => {
    const set = (person: string, quota: unknown) => ask("PUT", `/storage/admin/quotas/${person}`, ada, { quota_bytes: quota })
    expect(await set("ann", 5)).toMatchObject([200, { user_id: "ann", quota_bytes: 5, used_bytes: 4 }])
    expect((await ask("PUT", "/storage/photos/big", ann, { x: "more than that" }))[0]).toBe(507)
    expect(await ask("GET", "/storage/usage", ann)).toMatchObject([200, { quota_bytes: 5 }])
    expect((await ask("GET", "/storage/admin/quotas", ada))[1]).toEqual([
      { user_id: "ada", username: "ada", used_bytes: 0, quota_bytes: null, own_quota_bytes: null, namespaces: 0, objects: 0 },
      { user_id: "ann", username: "ann", used_bytes: 4, quota_bytes: 5, own_quota_bytes: 5, namespaces: 1, objects: 2 },
      { user_id: "bob", username: "bob", used_bytes: 4, quota_bytes: null, own_quota_bytes: null, namespaces: 1, objects: 1 },
    ] as never)
    expect(await set("ann", null)).toMatchObject([200, { quota_bytes: null }])
    expect(await ask("GET", "/storage/admin/quotas/ann", ada)).toMatchObject([200, { quota_bytes: null, used_bytes: 4 }])
    expect(await set("nobody", 5)).toEqual([404, { error: "user not found" }])
    for (const bad of [undefined, "5", 1.5, -1])
      expect(await set("ann", bad)).toEqual([400, { error: "quota_bytes must be a whole number of bytes, or null" }])
  })

  test("sees what is damaged, and has everything read again", async () => {
    const photos = await api.house.namespaces.owned("photos", "ann")
    const { hash = "" } = await api.house.objects.get(photos, "a")
    await api.house.references.addFault({ hash, kind: "damaged", detail: "rot", foundAt: 5000 })
    expect(await ask("GET", "/storage/admin/faults", ada)).toEqual([
      200,
      [{ hash, kind: "damaged", detail: "rot", found_at: 5, objects: [{ namespace: "photos", name: "a", version_id: "null" }] }] as never,
    ])
    expect(await ask("POST", "/storage/admin/scrub", ada)).toEqual([200, { status: "ok" }])
    expect(api.scrubs).toBe(1)
  })
})
