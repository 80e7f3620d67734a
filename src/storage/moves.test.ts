import { afterEach, beforeEach, expect, test } from "bun:test"
import { ApiHouse, callsOf } from "./api.fixture"
import type { Namespace } from "./model"
import { Moves } from "./moves"

let api: ApiHouse
let ann: string
let bob: string
beforeEach(async () => {
  ;({ api, ann, bob } = await ApiHouse.withPhotos())
  await api.house.namespace("archive")
})
afterEach(() => api.close())

const { send, ask } = callsOf(() => ({ api, token: ann }))

const write = async (...places: string[]) => {
  for (const place of places) expect((await send("PUT", `/storage/${place}`, { body: `text of ${place}` })).status).toBe(200)
}
const move = (name: string, to: string, rest: object = {}, options: object = {}) =>
  ask("POST", "/storage/files/move", { body: { namespace: "photos", name, to_name: to, ...rest }, ...options })
const names = async (namespace: string) =>
  ((await ask("GET", `/storage/files?namespace=${namespace}`))[1] as unknown as { name: string }[]).map(({ name }) => name)
const text = async (place: string) => (await send("GET", `/storage/${place}`)).text()
const change = (namespace: string, body: object) => send("PUT", `/storage/namespaces/${namespace}`, { body })
const counts = async (name: string) => {
  const [, { count, bytes }] = await ask("GET", `/storage/namespaces/${name}`)
  return [count, bytes]
}

test("a file gets another name, with all that is known of it and no byte moved", async () => {
  await send("PUT", "/storage/photos/a.txt", { body: "hello", headers: { "content-type": "text/x-special", "content-encoding": "gzip" } })
  const before = await api.house.objects.get((await api.house.store.find("photos")) as Namespace, "a.txt")
  const onDisk = api.house.onDisk()
  api.house.time += 60_000
  expect(await move("a.txt", "dir/ü b.txt")).toEqual([
    200,
    { status: "ok", namespace: "photos", name: "dir/ü b.txt", moved: 1, bytes: 5, remaining: 0 },
  ])
  expect(await names("photos")).toEqual(["dir/ü b.txt"])
  const after = await api.house.objects.get((await api.house.store.find("photos")) as Namespace, "dir/ü b.txt")
  const { id: _, key: __, ...known } = after
  expect(known).toEqual(expect.objectContaining({ ...known, etag: before.etag, headers: before.headers, contentType: "text/x-special" }))
  // A new name makes it no younger.
  expect(after.createdAt).toBe(before.createdAt)
  expect([api.house.onDisk(), await counts("photos")]).toEqual([onDisk, [1, 5]])
})

test("into another namespace, and what came in several parts too", async () => {
  const photos = (await api.house.store.find("photos")) as Namespace
  const facts = {}
  const one = await api.house.objects.put(photos, "part", new Response("bytes").body as never)
  const segments = [1, 2].map((partNumber) => ({ hash: one.hash as string, size: 5, partNumber, checksum: null }))
  await api.house.objects.write(photos, "whole", async () => ({ size: 10, etag: "e-2", hash: undefined, segments, facts }))
  await send("DELETE", "/storage/photos/part")
  expect(await move("whole", "here", { to_namespace: "archive" })).toMatchObject([200, { namespace: "archive", bytes: 10 }])
  expect([await text("archive/here"), await counts("photos"), await counts("archive")]).toEqual(["bytesbytes", [0, 0], [1, 10]])
  await api.house.blobs.collect()
  expect(await text("archive/here")).toBe("bytesbytes")
})

test("what stands under the new name stays unless it may be overwritten", async () => {
  await write("photos/a", "photos/b")
  expect(await move("a", "b")).toEqual([409, { error: "file already exists: b" }])
  expect(await text("photos/b")).toBe("text of photos/b")
  expect((await move("a", "b", { overwrite: true }))[0]).toBe(200)
  expect([await text("photos/b"), await names("photos"), await counts("photos")]).toEqual(["text of photos/a", ["b"], [1, 16]])
})

test("a condition is of the file that is moved", async () => {
  await write("photos/a")
  expect((await move("a", "b", {}, { headers: { "if-match": '"other"' } }))[0]).toBe(412)
  const etag = (await send("HEAD", "/storage/photos/a")).headers.get("etag") as string
  expect((await move("a", "b", {}, { headers: { "if-match": etag, "if-none-match": "*" } }))[0]).toBe(200)
  expect(await move("b/", "c/", {}, { headers: { "if-match": etag } })).toMatchObject([400, { error: expect.stringContaining("If-Match") }])
})

test("where versions are kept the old name keeps its own, and the new one begins with one", async () => {
  await change("photos", { versioning: "enabled" })
  await write("photos/a", "photos/a", "photos/b")
  expect((await move("a", "b", { overwrite: true }))[0]).toBe(200)
  const kinds = async (name: string) =>
    ((await ask("GET", `/storage/files/versions?namespace=photos&name=${name}`))[1] as unknown as { is_delete_marker: boolean }[]).map(
      ({ is_delete_marker: isMark }) => (isMark ? "mark" : "file"),
    )
  expect([await kinds("a"), await kinds("b"), await names("photos")]).toEqual([["mark", "file", "file"], ["file", "file"], ["b"]])
  expect(await counts("photos")).toEqual([1, 16 * 4])
})

test("a quota of where it goes undoes it, whole", async () => {
  await write("photos/dir/a", "photos/dir/b")
  await change("archive", { quota_bytes: 30 })
  expect((await move("dir/", "dir/", { to_namespace: "archive" }))[0]).toBe(507)
  expect([await names("photos"), await names("archive")]).toEqual([["dir/a", "dir/b"], []])
  // Within the quota that it counts towards already there is room for it.
  await change("photos", { quota_bytes: 40 })
  expect((await move("dir/", "new/"))[0]).toBe(200)
})

test("a folder goes with all below it, into what is there, or not at all", async () => {
  await write("photos/ä/1", "photos/ä/sub/2", "photos/ä/sub/😀", "photos/ä.txt", "photos/b/other")
  expect(await move("ä/", "b/")).toMatchObject([200, { moved: 3, remaining: 0 }])
  expect(await names("photos")).toEqual(["b/1", "b/other", "b/sub/2", "b/sub/😀", "ä.txt"])
  await write("archive/sub/2")
  expect(await move("b/", "", { to_namespace: "archive" })).toEqual([409, { error: "file already exists: sub/2" }])
  expect(await names("archive")).toEqual(["sub/2"])
  expect((await move("b/", "", { to_namespace: "archive", overwrite: true }))[0]).toBe(200)
  expect([await names("archive"), await names("photos")]).toEqual([["1", "other", "sub/2", "sub/😀"], ["ä.txt"]])
})

test("a large folder goes step by step, and the same move goes on; what is in the way at its end is found before its beginning", async () => {
  const { db, blobs, time } = api.house
  const nothing = { flush: async () => {} }
  const allowance = { isBounded: () => false } as never
  const moves = new Moves({ db, blobs, allowance, durable: nothing, now: () => time }, 2)
  const photos = (await api.house.store.find("photos")) as Namespace
  const step = () => moves.folder({ namespace: photos, name: "a/" }, { namespace: photos, name: "b/" }, { overwrite: false })
  await write(...["1", "2", "3", "4", "5"].map((name) => `photos/a/${name}`), "photos/b/5")
  expect(step()).rejects.toThrow("file already exists: b/5")
  await send("DELETE", "/storage/photos/b/5")
  const done = [await step(), await step(), await step()]
  expect(done.map(({ moved, remaining }) => [moved, remaining])).toEqual([
    [2, 3],
    [2, 1],
    [1, 0],
  ])
  expect(step()).rejects.toThrow("nothing begins with a/")
  expect(await names("photos")).toEqual(["b/1", "b/2", "b/3", "b/4", "b/5"])
})

test("one folder up is fine, but not where it would land in itself", async () => {
  await write("photos/a/b/c", "photos/a/b/b/d")
  expect(await move("a/b/", "a/")).toEqual([
    409,
    { error: "a/b/b/d would land within the folder that is moved: move a/b/b/ to another name first" },
  ])
  await move("a/b/b/", "x/")
  expect((await move("a/b/", "a/"))[0]).toBe(200)
  expect(await names("photos")).toEqual(["a/c", "x/d"])
})

test("a signed link is to the name, and does not go along", async () => {
  await write("photos/a")
  const { url } = (await ask("POST", "/storage/links", { body: { namespace: "photos", name: "a" } }))[1] as { url: string }
  await move("a", "b")
  expect((await api.send("GET", url)).status).toBe(404)
})

test.each<[what: string, body: object, error: string]>([
  ["no name", { name: "" }, "filename required"],
  ["no new name", { to_name: undefined }, "to_name is required"],
  ["an empty new name", { to_name: "" }, "filename required"],
  ["a name that is a number", { name: 7 }, "name must be a text"],
  ["a namespace that is a list", { to_namespace: [] }, "to_namespace must be a text"],
  ["overwrite as a text", { overwrite: "true" }, "overwrite must be true or false"],
  ["the same name", { to_name: "a" }, "to_name: a is where it is already"],
  ["a file to a folder's name", { to_name: "dir/" }, "to_name must not end with a slash"],
  ["a folder to a file's name", { name: "dir/", to_name: "b" }, "to_name must end with a slash"],
  ["a folder to itself", { name: "dir/", to_name: "dir/" }, "to_name: dir/ is where it is already"],
  ["a folder into itself", { name: "dir/", to_name: "dir/sub/" }, "a folder cannot be moved into itself"],
  ["a name that is too long", { to_name: "x".repeat(1025) }, "longer than 1024 bytes"],
  ["names in a folder that would be", { name: "dir/", to_name: `${"x".repeat(1022)}/` }, "to_name: a name in the folder would be longer"],
])("%s is refused", async (_what, body, error) => {
  await write("photos/a", "photos/dir/file")
  expect(await move("a", "b", body)).toEqual([400, { error: expect.stringContaining(error) }])
  expect(await names("photos")).toEqual(["a", "dir/file"])
})

test("what is not there, or another's, is told alike", async () => {
  await write("photos/a")
  expect(await move("none", "b")).toEqual([404, { error: "file not found: none" }])
  expect(await move("none/", "b/")).toEqual([404, { error: "file not found: nothing begins with none/" }])
  expect(await move("a", "b", {}, { token: bob })).toMatchObject([404, { error: "namespace does not exist" }])
  await api.house.namespace("bobs", "bob")
  expect(await move("a", "b", { to_namespace: "bobs" })).toMatchObject([404, { error: "namespace does not exist" }])
  expect((await api.send("POST", "/storage/files/move", { body: {} })).status).toBe(401)
  expect(await names("photos")).toEqual(["a"])
})

test.each<[what: string, scopes: Record<string, string[]>, status: number]>([
  ["all of files", { "storage.files": ["create", "read", "delete"] }, 200],
  ["both namespaces as far as is needed", { "storage.files.photos": ["read", "delete"], "storage.files.archive": ["create"] }, 200],
  ["no reading", { "storage.files": ["create", "delete"] }, 403],
  ["no deleting", { "storage.files": ["create", "read"] }, 403],
  ["no creating", { "storage.files": ["read", "delete"] }, 403],
  ["one of both namespaces", { "storage.files.photos": ["create", "read", "delete"] }, 403],
])("a token for %s", async (_what, scopes, status) => {
  await write("photos/a")
  const token = await api.apiToken("ann", scopes)
  expect((await move("a", "a", { to_namespace: "archive" }, { token }))[0]).toBe(status)
})

test("a writer that comes at the same time is not lost", async () => {
  await write("photos/a")
  const [moved, written] = await Promise.all([move("a", "b"), send("PUT", "/storage/photos/b?overwrite=false", { body: "mine" })])
  expect([moved[0], written.status].sort()).toEqual([200, 409])
})
