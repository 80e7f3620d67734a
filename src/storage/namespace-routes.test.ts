import { afterEach, beforeEach, expect, test } from "bun:test"
import { ApiHouse } from "./api.fixture"
import { chunks } from "./storage.fixture"

let api: ApiHouse
let ann: string
let bob: string

beforeEach(async () => {
  api = await ApiHouse.open()
  ann = await api.session("ann")
  bob = await api.session("bob")
})
afterEach(() => api.close())

/** Status and body. */
const ask = async (method: string, path: string, token?: string, body?: object) => {
  const res = await api.send(method, path, { token, body })
  return [res.status, await res.json()] as [number, unknown]
}
const make = (body: object, token = ann) => ask("POST", "/storage/namespaces", token, body)
const one = { count: 0, hidden: true, visibility: 0, owner_id: "ann", bytes: 0, quota_bytes: null, versioning: "off" }

test("a namespace is created, listed to its owner alone, and its name is everybody's once", async () => {
  expect(await make({ name: " photos " })).toEqual([200, { name: "photos", ...one }])
  await make({ name: "bobs" }, bob)
  expect(await ask("GET", "/storage/namespaces", ann)).toEqual([200, [{ name: "photos", ...one }]])
  expect(await ask("GET", "/storage/namespaces/photos", ann)).toEqual([200, { name: "photos", ...one }])
  expect(await make({ name: "photos" }, bob)).toEqual([409, { error: "namespace already exists" }])
})

test.each<[object, number]>([
  [{}, 0],
  [{ visibility: 0 }, 0],
  [{ visibility: 1 }, 1],
  [{ visibility: 2 }, 1],
  [{ visibility: "public" }, 1],
  [{ visibility: "private" }, 0],
  [{ hidden: true }, 0],
  [{ hidden: false }, 1],
  [{ visibility: 1, hidden: true }, 1],
])("%p is visibility %p", async (input, visibility) => {
  expect(await make({ name: "n", ...input })).toMatchObject([200, { visibility, hidden: visibility === 0 }])
})

test.each<[object | undefined, string]>([
  [{}, "namespace required"],
  [{ name: 7 }, "namespace required"],
  [{ name: "a/b" }, "invalid namespace: a name is 1 to 63 letters, digits, dots, dashes and underscores"],
  [{ name: ".." }, "invalid namespace: a name is 1 to 63 letters, digits, dots, dashes and underscores"],
  [{ name: "admin" }, "invalid namespace: admin is a word of the API itself"],
  [{ name: "n", visibility: 3 }, 'visibility must be 0 or "private", 1, 2 or "public"'],
  [{ name: "n", visibility: "1" }, 'visibility must be 0 or "private", 1, 2 or "public"'],
  [{ name: "n", hidden: "yes" }, "hidden must be true or false"],
  [undefined, "invalid payload"],
])("creating %p is refused: %s", async (body, error) => {
  expect(await ask("POST", "/storage/namespaces", ann, body)).toEqual([400, { error }])
})

test("the owner changes visibility, quota and versioning", async () => {
  await make({ name: "photos" })
  const change = (body: object, token = ann) => ask("PUT", "/storage/namespaces/photos", token, body)
  expect(await change({ visibility: 2, quota_bytes: 100 })).toMatchObject([200, { visibility: 1, hidden: false, quota_bytes: 100 }])
  expect(await change({ quota_bytes: null, versioning: "enabled" })).toMatchObject([200, { quota_bytes: null, versioning: "enabled" }])
  expect(await change({ versioning: "off" })).toMatchObject([400, {}])
  expect(await change({ quota_bytes: -1 })).toEqual([400, { error: "quota_bytes must be a whole number of bytes, or null" }])
  expect(await change({})).toMatchObject([400, { error: expect.stringContaining("nothing to change") }])
  expect(await ask("PATCH", "/storage/namespaces", ann, { name: "photos", hidden: true })).toMatchObject([200, { visibility: 0 }])
  expect(await ask("PATCH", "/storage/namespaces?name=photos", ann, { hidden: false })).toMatchObject([200, { visibility: 1 }])
  expect(await ask("PATCH", "/storage/namespaces", ann, { hidden: false })).toEqual([400, { error: "namespace required" }])
})

test("a private namespace of another is as absent, a public one is not theirs to change, and nobody gets anywhere", async () => {
  await make({ name: "photos" })
  const everything = [
    ["GET", "", undefined],
    ["GET", "/deletion", undefined],
    ["PUT", "", { visibility: 1 }],
    ["DELETE", "", undefined],
  ] as const
  for (const [method, below, body] of everything) {
    const [private_, absent] = ["photos", "nothing"].map((name) => ask(method, `/storage/namespaces/${name}${below}`, bob, body))
    expect([method, await private_, await absent]).toEqual([
      method,
      [404, { error: "namespace does not exist" }],
      [404, { error: "namespace does not exist" }],
    ])
    expect(await ask(method, `/storage/namespaces/photos${below}`, undefined, body)).toEqual([401, { error: "unauthorized" }])
  }
  await ask("PUT", "/storage/namespaces/photos", ann, { visibility: 1 })
  for (const [method, below, body] of everything)
    expect(await ask(method, `/storage/namespaces/photos${below}`, bob, body)).toMatchObject([403, {}])
  expect(await ask("GET", "/storage/namespaces")).toEqual([401, { error: "unauthorized" }])
  expect(await make({ name: "n" }, "garbage")).toEqual([401, { error: "unauthorized" }])
})

test("a namespace goes as it was seen, or whole when nobody looked", async () => {
  await make({ name: "photos" })
  const photos = await api.house.namespaces.owned("photos", "ann")
  await api.house.objects.put(photos, "a", chunks("1234"))
  const [, preview] = await ask("GET", "/storage/namespaces/photos/deletion", ann)
  expect(preview).toEqual({ name: "photos", objects: 1, bytes: 4, first_names: ["a"], digest: expect.any(String) })
  await api.house.objects.put(photos, "b", chunks("5"))
  const { digest } = preview as { digest: string }
  expect(await ask("DELETE", `/storage/namespaces/photos?confirm=${digest}`, ann)).toMatchObject([409, {}])
  // The same number of objects and bytes, under the same names.
  await api.house.objects.put(photos, "a", chunks("1235"))
  await api.house.objects.delete(photos, "b")
  expect(await ask("DELETE", `/storage/namespaces/photos?confirm=${digest}`, ann)).toMatchObject([409, {}])
  await api.house.objects.put(photos, "b", chunks("5"))
  const [, again] = (await ask("GET", "/storage/namespaces/photos/deletion", ann)) as [number, { digest: string }]
  expect(await ask("DELETE", `/storage/namespaces/photos?confirm=${again.digest}`, ann)).toEqual([
    200,
    { status: "ok", name: "photos", objects: 2, bytes: 5 },
  ])
  await make({ name: "photos" })
  expect(await ask("DELETE", "/storage/namespaces/photos", ann)).toMatchObject([200, { status: "ok" }])
  await make({ name: "photos" })
  expect(await ask("DELETE", "/storage/namespaces?name=photos", ann)).toMatchObject([200, { status: "ok" }])
  await make({ name: "photos" })
  expect(await ask("DELETE", "/storage/namespaces", ann, { name: "photos" })).toMatchObject([200, { status: "ok" }])
  expect(await ask("DELETE", "/storage/namespaces/photos", ann)).toEqual([404, { error: "namespace does not exist" }])
})

test("a token with a scope of one namespace makes and sees that one, and no other", async () => {
  const token = await api.apiToken("ann", { "storage.namespaces.my": ["create", "read", "update", "delete"] })
  expect(await make({ name: "my" }, token)).toMatchObject([200, {}])
  expect(await make({ name: "my.data" }, token)).toEqual([403, { error: "forbidden: insufficient token scope" }])
  await make({ name: "my.data" })
  expect(await ask("GET", "/storage/namespaces/my", token)).toMatchObject([200, {}])
  expect((await ask("GET", "/storage/namespaces/my.data", token))[0]).toBe(403)
  expect((await ask("GET", "/storage/namespaces", token))[0]).toBe(403)
  expect((await ask("DELETE", "/storage/namespaces/my", token))[0]).toBe(200)
})

test("methods that a path does not have are told those that it has", async () => {
  for (const [path, allow] of [
    ["/storage/namespaces", "GET, POST, PATCH, DELETE"],
    ["/storage/namespaces/photos", "GET, PUT, DELETE"],
    ["/storage/upload", "POST"],
    ["/storage/delete", "DELETE"],
  ] as const) {
    const res = await api.send("PROPFIND", path, { token: ann })
    expect([path, res.status, res.headers.get("allow")]).toEqual([path, 405, allow])
  }
  expect((await api.send("GET", "/storage/upload")).status).toBe(405)
})
