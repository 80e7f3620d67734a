import { afterEach, beforeEach, describe, expect, test } from "bun:test"
import { createHash } from "node:crypto"
import { ApiHouse, callsOf } from "./api.fixture"

let api: ApiHouse
let ann: string
beforeEach(async () => {
  ;({ api, ann } = await ApiHouse.withPhotos())
})
afterEach(() => api.close())

const { send, ask } = callsOf(() => ({ api, token: ann }))
const md5 = (text: string) => createHash("md5").update(text).digest("hex")

describe("listing", () => {
  beforeEach(async () => {
    for (const name of ["b", "a", "dir/1", "dir/2", "dir/sub/3", "e f"]) await send("PUT", `/storage/photos/${name}`, { body: name })
  })
  const names = async (query: string) => {
    const res = await send("GET", `/storage/files?namespace=photos${query}`)
    const link = res.headers.get("link")
    return [((await res.json()) as { name: string }[]).map(({ name }) => name), link] as const
  }

  test("all files with what is known of each", async () => {
    const [, list] = await ask("GET", "/storage/files?namespace=photos")
    const at = api.house.time / 1000
    expect((list as unknown as object[]).at(-1)).toEqual({
      name: "e f",
      path: "/storage/photos/e%20f",
      namespace: "photos",
      size: 3,
      created_at: at,
      modified_at: at,
      etag: `"${md5("e f")}"`,
      content_type: "text/plain; charset=utf-8",
    })
    expect(await names("")).toEqual([["a", "b", "dir/1", "dir/2", "dir/sub/3", "e f"], null])
  })

  test("prefixes, folders and pages", async () => {
    expect(await names("&prefix=dir/")).toEqual([["dir/1", "dir/2", "dir/sub/3"], null])
    expect(await names("&delimiter=/")).toEqual([["a", "b", "dir/", "e f"], null])
    expect(await names("&prefix=dir/&delimiter=/")).toEqual([["dir/1", "dir/2", "dir/sub/"], null])
    expect(await names("&after=b")).toEqual([["dir/1", "dir/2", "dir/sub/3", "e f"], null])
    const seen: string[] = []
    let query: string | undefined = "&delimiter=/&limit=1"
    while (query !== undefined) {
      const [page, link] = await names(query)
      seen.push(...page)
      query = link === null ? undefined : link.slice(link.indexOf("photos") + 6, link.indexOf(">"))
    }
    expect(seen).toEqual(["a", "b", "dir/", "e f"])
    expect(await ask("GET", "/storage/files?namespace=photos&limit=0")).toEqual([
      400,
      { error: "limit must be a whole number from 1 to 1000" },
    ])
    expect((await ask("GET", "/storage/files?namespace=a/b"))[0]).toBe(400)
  })

  test("more than a page of them is one array", async () => {
    const photos = await api.house.namespaces.owned("photos", "ann")
    const { db } = api.house
    const row = { namespaceId: photos.id, versionId: "null", isLatest: 1, size: 0, hash: null, etag: "", contentType: "a/b", createdAt: 1 }
    const rest = { headers: null, tags: null, checksum: null }
    for (let at = 0; at < 2500; at += 50)
      await db
        .insertInto("objectVersions")
        .values(Array.from({ length: 50 }, (_, i) => ({ ...row, ...rest, key: `many/${String(at + i).padStart(5, "0")}` })))
        .execute()
    const [list] = await names("&prefix=many/")
    expect([list.length, new Set(list).size, list.at(-1)]).toEqual([2500, 2500, "many/02499"])
  })
})

test("versions of one file, the newest first, for its owner alone", async () => {
  const versions = async () => (await ask("GET", "/storage/files/versions?namespace=photos&name=a"))[1] as unknown as object[]
  expect(await ask("GET", "/storage/files/versions?namespace=photos&name=a")).toEqual([404, { error: "file not found: a" }])
  await send("PUT", "/storage/photos/ab", { body: "another" })
  await send("PUT", "/storage/photos/a", { body: "1234" })
  const sha256 = (text: string) => createHash("sha256").update(text).digest("hex")
  const first = { version_id: "null", is_latest: true, is_delete_marker: false, size: 4, created_at: api.house.time / 1000 }
  const facts = { etag: `"${md5("1234")}"`, content_type: "text/plain; charset=utf-8", sha256: sha256("1234") }
  expect(await versions()).toEqual([{ ...first, ...facts }])
  await send("PUT", "/storage/namespaces/photos", { body: { versioning: "enabled" } })
  await send("PUT", "/storage/photos/a", { body: "56" })
  await send("DELETE", "/storage/photos/a")
  expect(await versions()).toMatchObject([
    { is_latest: true, is_delete_marker: true, size: 0 },
    { is_latest: false, size: 2, sha256: sha256("56") },
    { is_latest: false, version_id: "null", size: 4 },
  ])
  expect((await ask("GET", "/storage/files/versions?namespace=photos&name=a&limit=2"))[1]).toHaveLength(2)
  expect((await ask("GET", "/storage/files/versions?namespace=photos"))[1]).toEqual({ error: "filename required" })
  expect((await ask("GET", "/storage/files/versions?namespace=photos&name=a&limit=0"))[0]).toBe(400)
  await send("PUT", "/storage/namespaces/photos", { body: { visibility: "public" } })
  for (const [token, status] of [
    [undefined, 401],
    [await api.session("bob"), 403],
  ] as const)
    expect((await ask("GET", "/storage/files/versions?namespace=photos&name=a", { token }))[0]).toBe(status)
})

test("the status says to everybody that the server is there, and what it holds to those signed in", async () => {
  const alive = { chunkserver_count: 1, total_servers: 1 }
  expect(await ask("GET", "/storage/status", { token: undefined })).toEqual([200, alive])
  expect(await ask("GET", "/storage/status", { token: await api.apiToken("ann", { storage: ["read"] }) })).toEqual([200, alive])
  await send("PUT", "/storage/photos/a", { body: "1234" })
  expect(await ask("GET", "/storage/status")).toEqual([
    200,
    {
      ...alive,
      capacity_bytes: expect.any(Number),
      free_bytes: Number.MAX_SAFE_INTEGER,
      used_bytes: 4,
      objects: 1,
      namespaces: 1,
      floor_bytes: 0,
      s3_endpoint: "https://s3.example.org",
      last_scrub: null,
      faults: 0,
    },
  ])
})
