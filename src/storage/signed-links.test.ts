import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test"
import { ApiHouse } from "./api.fixture"

let api: ApiHouse
let ann: string
let bob: string

beforeAll(async () => {
  api = await ApiHouse.open()
})
beforeEach(async () => {
  ;[ann, bob] = [await api.session("ann"), await api.session("bob")]
  await api.send("DELETE", "/storage/namespaces/photos", { token: ann })
  await api.house.namespace("photos")
  await api.send("PUT", "/storage/photos/dir/a%20b.txt", { token: ann, body: "text" })
})
afterAll(() => api.close())

const make = async (input: object, token: string | undefined = ann) => {
  const res = await api.send("POST", "/storage/links", { token, body: { namespace: "photos", name: "dir/a b.txt", ...input } })
  return [res.status, await res.json()] as [number, { url: string; expires_at: number; error?: string }]
}
const open = async (url: string, method = "GET") => {
  const res = await api.send(method, url)
  return [res.status, await res.text()]
}
const invalid = [401, '{"error":"unauthorized: this link is not valid"}']

test("a link opens its file for an hour, without a token, and nothing else", async () => {
  const [status, { url, expires_at }] = await make({})
  expect([status, expires_at]).toEqual([200, api.house.time / 1000 + 3600])
  expect(url).toMatch(/^\/storage\/photos\/dir\/a%20b\.txt\?expires=\d+&signature=[\w-]{43}$/)
  expect(await open(url)).toEqual([200, "text"])
  const head = await api.send("HEAD", url)
  expect([head.status, head.headers.get("content-length"), head.headers.get("content-disposition")]).toEqual([
    200,
    "4",
    'inline; filename="a b.txt"',
  ])
  await api.send("PUT", "/storage/photos/other", { token: ann, body: "other" })
  expect(await open(url.replace("dir/a%20b.txt", "other"))).toEqual(invalid)
  expect(await open(url.replace(/expires=\d+/, "expires=99999999999"))).toEqual(invalid)
  expect(await open(`${url}&disposition=attachment`)).toEqual(invalid)
  expect(await open(url.replace("photos", "nothing"))).toEqual(invalid)
  expect(await open(url.replace(/signature=.*/, "signature="))).toEqual(invalid)
  expect((await open(url, "DELETE"))[0]).toBe(401)
  expect((await api.send("PUT", url, { body: "x" })).status).toBe(401)
})

test("a link says how its file is served", async () => {
  const [, { url }] = await make({ disposition: "attachment", expires_in: 60 })
  expect((await api.send("GET", url)).headers.get("content-disposition")).toStartWith("attachment;")
  expect((await open(url.replace("disposition=attachment&", "")))[0]).toBe(401)
})

test("a link ends by itself", async () => {
  const [, { url }] = await make({ expires_in: 60 })
  const began = api.house.time
  api.house.time += 60_000
  expect(await open(url)).toEqual([401, '{"error":"unauthorized: this link has expired"}'])
  api.house.time = began
})

test("a link ends with its namespace, also where another gets its name, and while its owner is disabled", async () => {
  const [, { url }] = await make({})
  await api.house.db.updateTable("people").set({ disabledAt: 1 }).where("id", "=", "ann").execute()
  expect(await open(url)).toEqual(invalid)
  await api.house.db.updateTable("people").set({ disabledAt: null }).where("id", "=", "ann").execute()
  expect((await open(url))[0]).toBe(200)
  await api.send("DELETE", "/storage/photos/dir/a%20b.txt", { token: ann })
  expect(await open(url)).toEqual([404, '{"error":"file not found: dir/a b.txt"}'])
  await api.send("DELETE", "/storage/namespaces/photos", { token: ann })
  expect(await open(url)).toEqual(invalid)
  await api.house.namespace("photos")
  await api.send("PUT", "/storage/photos/dir/a%20b.txt", { token: ann, body: "another" })
  expect(await open(url)).toEqual(invalid)
})

test.each<[object, number, string]>([
  [{ expires_in: 0 }, 400, "expires_in must be a whole number of seconds from 1 to 604800"],
  [{ expires_in: 604801 }, 400, "expires_in must be a whole number of seconds from 1 to 604800"],
  [{ expires_in: "60" }, 400, "expires_in must be a whole number of seconds from 1 to 604800"],
  [{ disposition: "x" }, 400, "disposition must be inline or attachment"],
  [{ name: "" }, 400, "filename required"],
  [{ name: "none" }, 404, "file not found: none"],
  [{ namespace: "nothing" }, 404, "namespace does not exist"],
])("a link for %p is %p: %s", async (input, status, error) => {
  expect(await make(input)).toEqual([status, { error } as never])
})

test("who has not the right to read all of it makes no links", async () => {
  expect((await make({}, bob))[0]).toBe(404)
  expect((await make({}, "garbage"))[0]).toBe(401)
  expect((await make({}, await api.apiToken("ann", { "storage.files.photos": ["create"] })))[0]).toBe(403)
  expect((await make({}, await api.apiToken("ann", { "storage.files.photos": ["read"] })))[0]).toBe(200)
})
