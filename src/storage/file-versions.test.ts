import { afterEach, beforeEach, expect, test } from "bun:test"
import { ApiHouse, callsOf } from "./api.fixture"

let api: ApiHouse
let ann: string
let bob: string
beforeEach(async () => {
  ;({ api, ann, bob } = await ApiHouse.withPhotos())
  await send("PUT", "/storage/namespaces/photos", { body: { versioning: "enabled" } })
})
afterEach(() => api.close())

const { send, ask } = callsOf(() => ({ api, token: ann }))

type Version = { version_id: string; is_latest: boolean; is_delete_marker: boolean; size: number }
const path = "/storage/photos/dir/a.txt"
const versions = async (query = "") => {
  const res = await send("GET", `/storage/files/versions?namespace=photos&name=dir/a.txt${query}`)
  return { list: (await res.json()) as Version[], link: res.headers.get("link") }
}
const ids = async () => (await versions()).list.map(({ version_id: id }) => id)
const write = async (...texts: string[]) => {
  for (const body of texts) await send("PUT", path, { body })
  return ids()
}
const text = async (query = "") => (await send("GET", path + query)).text()
const restore = (version_id: unknown, rest: object = {}, token = ann) =>
  ask("POST", "/storage/files/restore", { token, body: { namespace: "photos", name: "dir/a.txt", version_id, ...rest } })

test("each version is read as it was, to be shown and to be saved, with ranges", async () => {
  const [, second = "", first = ""] = await write("first", "second", "third")
  expect([await text(`?version_id=${first}`), await text(`?version_id=${second}`), await text()]).toEqual(["first", "second", "third"])
  const saved = await send("GET", `/storage/download/photos/dir/a.txt?version_id=${first}`)
  expect([saved.headers.get("content-disposition"), await saved.text()]).toEqual(['attachment; filename="a.txt"', "first"])
  expect(await (await send("GET", `/storage/download?namespace=photos&name=dir/a.txt&version_id=${first}`)).text()).toBe("first")
  const part = await send("GET", `${path}?version_id=${second}`, { headers: { range: "bytes=0-2" } })
  expect([part.status, await part.text()]).toEqual([206, "sec"])
})

test("what a file was is its owner's alone, whoever may read what it is", async () => {
  const [, first = ""] = await write("first", "second")
  await send("PUT", "/storage/namespaces/photos", { body: { visibility: "public" } })
  const { url } = (await ask("POST", "/storage/links", { body: { namespace: "photos", name: "dir/a.txt" } }))[1] as { url: string }
  const read = async (address: string, token?: string) => (await api.send("GET", address, token === undefined ? {} : { token })).status
  expect([await read(path), await read(url)]).toEqual([200, 200])
  expect([await read(`${path}?version_id=${first}`), await read(`${url}&version_id=${first}`)]).toEqual([401, 401])
  expect(await read(`${path}?version_id=${first}`, bob)).toBe(403)
  await send("PUT", "/storage/namespaces/photos", { body: { visibility: "private" } })
  expect(await read(`${path}?version_id=${first}`, bob)).toBe(404)
  expect(await read(`${path}?version_id=${first}`, await api.apiToken("ann", { "storage.files": ["create", "delete"] }))).toBe(403)
})

test("a version that is not there, is of another file or marks a deletion is told by its name", async () => {
  const [first = ""] = await write("first")
  await send("PUT", "/storage/photos/b", { body: "other" })
  await send("DELETE", path)
  const [mark = ""] = await ids()
  expect(await ask("GET", `${path}?version_id=none`)).toEqual([404, { error: "version not found: dir/a.txt has no version none" }])
  expect((await ask("GET", `/storage/photos/b?version_id=${first}`))[0]).toBe(404)
  expect(await ask("GET", `${path}?version_id=${mark}`)).toEqual([
    404,
    { error: `file not found: dir/a.txt was deleted with the version ${mark}` },
  ])
  expect(await ask("GET", `${path}?version_id=`)).toMatchObject([400, { error: expect.stringContaining("version_id is empty") }])
  expect((await ask("DELETE", `${path}?version_id=`))[0]).toBe(400)
  expect(await ask("DELETE", `${path}?version_id=none`)).toEqual([404, { error: "version not found: dir/a.txt has no version none" }])
})

test("an older version becomes the newest again, those between stay, and it brings its type along", async () => {
  await send("PUT", path, { body: "first", headers: { "content-type": "text/x-first" } })
  const [second = "", first = ""] = await write("second")
  expect(await restore(first)).toMatchObject([200, { status: "ok", size: 5, content_type: "text/x-first" }])
  expect(await text()).toBe("first")
  expect((await ids()).slice(1)).toEqual([second, first])
  // What is the newest already stays.
  const [newest = ""] = await ids()
  expect(await restore(newest)).toMatchObject([200, { version_id: newest }])
  expect((await ids()).length).toBe(3)
})

test("what was deleted is brought back, and a mark of a deletion is not", async () => {
  const [first = ""] = await write("first")
  await send("DELETE", path)
  const [mark = ""] = await ids()
  expect((await restore(mark))[0]).toBe(404)
  expect((await restore(first))[0]).toBe(200)
  expect(await text()).toBe("first")
})

test("a restoration is refused by its ladder: nobody, another, a scope, a field, a condition, a quota", async () => {
  const [, first = ""] = await write("first", "second")
  expect((await api.send("POST", "/storage/files/restore", { body: {} })).status).toBe(401)
  expect((await restore(first, {}, bob))[0]).toBe(404)
  expect((await restore(first, {}, await api.apiToken("ann", { "storage.files": ["read", "delete"] })))[0]).toBe(403)
  expect(await restore(7)).toEqual([400, { error: "version_id must be that of a version of the file" }])
  expect(await restore(first, { name: "" })).toMatchObject([400, { error: expect.stringContaining("name") }])
  expect(await restore(first, { namespace: 7 })).toEqual([400, { error: "namespace must be a name" }])
  expect((await restore("none"))[0]).toBe(404)
  const body = { namespace: "photos", name: "dir/a.txt", version_id: first }
  expect((await send("POST", "/storage/files/restore", { body, headers: { "if-match": '"other"' } })).status).toBe(412)
  await send("PUT", "/storage/namespaces/photos", { body: { quota_bytes: 12 } })
  expect((await restore(first))[0]).toBe(507)
  expect(await text()).toBe("second")
})

test("a version is deleted for good, and the one before the newest takes its place", async () => {
  const [third = "", second = "", first = ""] = await write("first", "second", "third")
  expect(await ask("DELETE", `${path}?version_id=${first}`)).toMatchObject([200, { status: "ok" }])
  expect(await ask("DELETE", `/storage/delete?namespace=photos&name=dir/a.txt&version_id=${third}`)).toMatchObject([200, {}])
  expect([await text(), await ids()]).toEqual(["second", [second]])
  expect((await ask("DELETE", `${path}?version_id=${second}`, { token: bob }))[0]).toBe(404)
  expect(
    (await ask("DELETE", `${path}?version_id=${second}`, { token: await api.apiToken("ann", { "storage.files": ["read"] }) }))[0],
  ).toBe(403)
  expect((await ask("DELETE", `${path}?version_id=${second}`))[0]).toBe(200)
  expect((await send("GET", path)).status).toBe(404)
})

test("versions come page by page", async () => {
  const all = await write(...Array.from({ length: 5 }, (_, index) => `text ${index}`))
  const first = await versions("&limit=2")
  expect(first.list.map(({ version_id: id }) => id)).toEqual(all.slice(0, 2))
  const next = /^<(.+)>; rel="next"$/.exec(first.link ?? "")?.[1] ?? ""
  const second = await send("GET", next)
  expect(((await second.json()) as Version[]).map(({ version_id: id }) => id)).toEqual(all.slice(2, 4))
  const last = await send("GET", /^<(.+)>; rel="next"$/.exec(second.headers.get("link") ?? "")?.[1] ?? "")
  expect([((await last.json()) as Version[]).map(({ version_id: id }) => id), last.headers.get("link")]).toEqual([all.slice(4), null])
  expect((await ask("GET", "/storage/files/versions?namespace=photos&name=dir/a.txt&after=none"))[0]).toBe(404)
})
