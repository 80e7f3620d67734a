import { afterEach, beforeEach, describe, expect, test } from "bun:test"
import { createHash } from "node:crypto"
import { ApiHouse, callsOf, type Options } from "./api.fixture"

let api: ApiHouse
let ann: string
let bob: string
beforeEach(async () => {
  ;({ api, ann, bob } = await ApiHouse.withPhotos())
})
afterEach(() => api.close())

const { send, ask } = callsOf(() => ({ api, token: ann }))

const md5 = (text: string) => createHash("md5").update(text).digest("hex")
const form = (name: string, text: string, type = "") => {
  const data = new FormData()
  data.append("comment", "not a file")
  data.append("file", new File([text], name, { type }))
  data.append("file", new File(["the second"], "second"))
  return data
}
const upload = (query: string, body: FormData, token = ann) => ask("POST", `/storage/upload?${query}`, { body, token })
const publish = () => send("PUT", "/storage/namespaces/photos", { body: { visibility: 1 } })

const other = (name: string) => {
  const data = new FormData()
  data.append(name, "text")
  return data
}

describe("uploads", () => {
  test("the first file of a form is stored under its name, in the namespace that is named", async () => {
    expect(await upload("namespace=photos", form("ümläut a.txt", "hello"))).toEqual([
      200,
      {
        status: "ok",
        name: "ümläut a.txt",
        namespace: "photos",
        size: 5,
        etag: `"${md5("hello")}"`,
        content_type: "text/plain; charset=utf-8",
      },
    ])
    const res = await send("GET", "/storage/photos/%C3%BCml%C3%A4ut%20a.txt")
    expect([res.status, await res.text()]).toEqual([200, "hello"])
  })

  test("without a namespace it is the one called default, which must be there", async () => {
    expect(await upload("", form("a", "x"))).toEqual([404, { error: "namespace does not exist" }])
    await api.house.namespace("default")
    expect(await upload("", form("a", "x"))).toMatchObject([200, { namespace: "default" }])
    expect((await send("GET", "/storage/download?name=a")).status).toBe(200)
    expect(await ask("GET", "/storage/files")).toMatchObject([200, [{ name: "a" }]])
    expect(await ask("DELETE", "/storage/delete?name=a")).toEqual([200, { status: "ok", name: "a", namespace: "default" }])
  })

  test("a file that is there stays, unless it may be overwritten", async () => {
    await upload("namespace=photos", form("a", "old"))
    expect(await upload("namespace=photos", form("a", "new"))).toEqual([409, { error: "file already exists: a" }])
    expect(await upload("namespace=photos&overwrite=true", form("a", "new"))).toMatchObject([200, {}])
    expect(await (await send("GET", "/storage/photos/a")).text()).toBe("new")
  })

  test("of two that come at once one is there, and the other is told so", async () => {
    const both = await Promise.all(["one", "two"].map((text) => upload("namespace=photos", form("a", text))))
    expect(both.map(([status]) => status).sort()).toEqual([200, 409])
  })

  test.each<[string, () => Options, string]>([
    ["no form", () => ({ body: "x", headers: { "content-type": "text/plain" } }), "invalid multipart upload"],
    ["no boundary", () => ({ body: "x", headers: { "content-type": "multipart/form-data" } }), "invalid multipart upload"],
    ["nothing", () => ({}), "invalid multipart upload"],
    [
      "half a form",
      () => ({
        body: '--X\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nhalf',
        headers: { "content-type": "multipart/form-data; boundary=X" },
      }),
      "invalid multipart upload",
    ],
    ["garbage", () => ({ body: "garbage", headers: { "content-type": "multipart/form-data; boundary=X" } }), "invalid multipart upload"],
    ["no file", () => ({ body: other("x") }), "missing file"],
    ["a field called file", () => ({ body: other("file") }), "filename required"],
    ["a path", () => ({ body: form("a/b", "x") }), "invalid filename: it is a name, without slashes"],
    ["a path with backslashes", () => ({ body: form("..\\b", "x") }), "invalid filename: it is a name, without slashes"],
    ["a folder", () => ({ body: form("..", "x") }), "invalid filename: it is a name, without slashes"],
    ["a long name", () => ({ body: form("x".repeat(1025), "x") }), "invalid filename: longer than 1024 bytes"],
  ])("%s is refused", async (_what, options, error) => {
    expect(await ask("POST", "/storage/upload?namespace=photos", options())).toEqual([400, { error }])
    expect(api.house.onDisk()).toEqual([])
  })

  test("by its path a file is sent raw or as a form, and PUT replaces", async () => {
    expect(await ask("POST", "/storage/photos/dir/a.txt", { body: "raw" })).toMatchObject([200, { name: "dir/a.txt", size: 3 }])
    expect(await ask("POST", "/storage/photos/dir/a.txt", { body: "again" })).toEqual([409, { error: "file already exists: dir/a.txt" }])
    expect(await ask("POST", "/storage/photos/dir/a.txt?overwrite=true", { body: form("other", "form") })).toMatchObject([200, { size: 4 }])
    expect(await ask("PUT", "/storage/photos/dir/a.txt", { body: "put!!" })).toMatchObject([200, { size: 5 }])
    expect(await ask("PUT", "/storage/photos/dir/a.txt?overwrite=false", { body: "x" })).toMatchObject([409, {}])
    expect(await ask("PUT", "/storage/photos/empty")).toMatchObject([200, { size: 0 }])
    expect(await ask("PUT", "/storage/photos/", { body: "x" })).toEqual([400, { error: "filename required" }])
    expect(await ask("PUT", "/storage/photos/%ff", { body: "x" })).toMatchObject([400, {}])
  })

  test("conditions of a write count", async () => {
    const put = async (headers: Record<string, string>) => (await ask("PUT", "/storage/photos/a", { body: "x", headers }))[0]
    expect(await put({ "if-match": "*" })).toBe(412)
    expect(await put({ "if-none-match": "*" })).toBe(200)
    expect(await put({ "if-none-match": "*" })).toBe(412)
    expect(await put({ "if-match": '"other"' })).toBe(412)
    expect(await put({ "if-match": `"${md5("x")}"` })).toBe(200)
    // Who names what he writes over knows that it is there.
    expect((await ask("POST", "/storage/photos/a", { body: "y", headers: { "if-match": `"${md5("x")}"` } }))[0]).toBe(200)
    expect((await ask("DELETE", "/storage/photos/a", { headers: { "if-match": `"${md5("x")}"` } }))[0]).toBe(412)
  })

  test.each<[name: string, type: string | undefined, body: string, expected: string]>([
    ["a.png", undefined, "x", "image/png"],
    ["a.PNG", "application/octet-stream", "x", "image/png"],
    ["a.html", undefined, "<p>ü", "text/html; charset=utf-8"],
    ["a.html", undefined, "\xff\0", "text/html"],
    ["LICENSE", undefined, "some text\n", "text/plain; charset=utf-8"],
    ["core", undefined, "\0\x01", "application/octet-stream"],
    ["empty", undefined, "", "application/octet-stream"],
    ["a.png", "image/webp", "x", "image/webp"],
    ["a.csv", "text/plain", "ü", "text/plain; charset=utf-8"],
    ["a.csv", "text/plain; charset=koi8-r", "x", "text/plain; charset=koi8-r"],
    ["a.txt", "no type at all", "x", "text/plain; charset=utf-8"],
    ["a.json", "application/x-www-form-urlencoded", "{}", "application/json"],
  ])("%p sent as %p with %p is %p", async (name, type, body, expected) => {
    const headers: Record<string, string> = { "content-type": type ?? "application/octet-stream" }
    expect(await ask("PUT", `/storage/photos/${name}`, { body, headers })).toMatchObject([200, { content_type: expected }])
  })

  test("what cannot fit is 507 before it is sent, and when it has come", async () => {
    await send("PUT", "/storage/namespaces/photos", { body: { quota_bytes: 3 } })
    let pulled = 0
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        pulled++
        controller.enqueue(new Uint8Array(1))
      },
    })
    const [status, { error }] = await ask("PUT", "/storage/photos/a", { body: endless, headers: { "content-length": "4" } })
    expect([status, error]).toEqual([507, "quota reached: the namespace photos may have 3 bytes, with all versions and unfinished uploads"])
    expect(pulled).toBeLessThanOrEqual(1)
    expect((await ask("PUT", "/storage/photos/a", { body: "1234" }))[0]).toBe(507)
    expect((await ask("POST", "/storage/photos/a", { body: form("a", "1234"), headers: { "x-file-size": "4" } }))[0]).toBe(507)
    expect(api.house.onDisk()).toEqual([])
  })
})

describe("reading", () => {
  beforeEach(async () => {
    await send("PUT", "/storage/photos/dir/%22a%22%20%E2%82%AC.txt", { body: "0123456789" })
  })
  const path = "/storage/photos/dir/%22a%22%20%E2%82%AC.txt"

  test("a file is shown with what is known of it, and a page in it can do nothing in our name", async () => {
    const res = await send("GET", path)
    expect(Object.fromEntries(res.headers)).toEqual({
      "accept-ranges": "bytes",
      "cache-control": "private, no-cache",
      "content-disposition": `inline; filename="\\"a\\" ?.txt"; filename*=UTF-8''%22a%22%20%E2%82%AC.txt`,
      "content-security-policy":
        "sandbox; default-src 'none'; img-src 'self' data: blob:; media-src 'self' data: blob:; font-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'",
      "content-type": "text/plain; charset=utf-8",
      etag: `"${md5("0123456789")}"`,
      "last-modified": new Date(api.house.time).toUTCString(),
      "referrer-policy": "no-referrer",
      vary: "Origin",
      "x-content-type-options": "nosniff",
    })
  })

  test.each(["text/html", "image/svg+xml", "application/xhtml+xml", "text/xml", "application/javascript", "made/up", "video/made-up+xml"])(
    "%s stands in the sandbox, also as an attachment",
    async (type) => {
      await send("PUT", "/storage/photos/page", { body: "<script>alert(1)</script>", headers: { "content-type": type } })
      for (const at of ["/storage/photos/page", "/storage/download/photos/page", "/storage/download?namespace=photos&name=page"]) {
        const { headers } = await send("GET", at)
        expect(headers.get("content-security-policy")).toStartWith("sandbox; default-src 'none'")
        expect(headers.get("content-security-policy")).not.toContain("allow-")
        expect(headers.get("x-content-type-options")).toBe("nosniff")
      }
    },
  )

  test.each(["video/mp4", "audio/ogg; codecs=opus"])("%s may be played by a browser, and runs nothing", async (type) => {
    await send("PUT", "/storage/photos/film", { body: "film", headers: { "content-type": type } })
    const policy = (await send("GET", "/storage/photos/film")).headers.get("content-security-policy")
    expect(policy).toStartWith("sandbox allow-same-origin; default-src 'none'")
  })

  test("a PDF, which browsers show in no sandbox, may load nothing", async () => {
    await send("PUT", "/storage/photos/a.pdf", { body: "%PDF" })
    const policy = (await send("GET", "/storage/photos/a.pdf")).headers.get("content-security-policy")
    expect(policy).toStartWith("default-src 'none'")
    expect(policy).not.toContain("script-src")
  })

  test("the three ways to a file, and their heads", async () => {
    const query = `/storage/download?namespace=photos&name=${encodeURIComponent('dir/"a" €.txt')}`
    for (const [at, disposition] of [
      [path, "inline"],
      [path.replace("/storage/", "/storage/download/"), "attachment"],
      [query, "attachment"],
    ] as const) {
      const res = await send("GET", at)
      expect([at, res.status, await res.text()]).toEqual([at, 200, "0123456789"])
      expect(res.headers.get("content-disposition")).toStartWith(`${disposition};`)
      const head = await send("HEAD", at)
      expect([head.status, head.headers.get("content-length"), await head.text()]).toEqual([200, "10", ""])
    }
  })

  test("conditions and ranges", async () => {
    const get = async (headers: Record<string, string>) => {
      const res = await send("GET", path, { headers })
      return [res.status, await res.text(), res.headers.get("content-range")] as const
    }
    expect(await get({ range: "bytes=2-4" })).toEqual([206, "234", "bytes 2-4/10"])
    expect(await get({ range: "bytes=-2" })).toEqual([206, "89", "bytes 8-9/10"])
    expect(await get({ range: "bytes=10-" })).toEqual([416, '{"error":"there are no such bytes: the file has 10"}', "bytes */10"])
    expect(await get({ range: "bytes=0-1,4-5" })).toEqual([200, "0123456789", null])
    expect(await get({ "if-none-match": `"${md5("0123456789")}"` })).toEqual([304, "", null])
    expect((await get({ "if-match": '"x"' }))[0]).toBe(412)
    expect(await get({ range: "bytes=0-1", "if-range": '"x"' })).toEqual([200, "0123456789", null])
  })

  test("what is not there is 404, as is what is another's; nobody is asked who they are", async () => {
    expect(await ask("GET", "/storage/photos/none")).toEqual([404, { error: "file not found: none" }])
    expect(await ask("DELETE", "/storage/photos/none")).toEqual([404, { error: "file not found: none" }])
    expect(await ask("GET", path, { token: bob })).toEqual([404, { error: "namespace does not exist" }])
    expect(await ask("GET", "/storage/nothing/a", { token: bob })).toEqual([404, { error: "namespace does not exist" }])
    for (const at of [path, "/storage/nothing/a"]) {
      expect(await ask("GET", at, { token: undefined })).toEqual([401, { error: "unauthorized" }])
      expect(await ask("GET", at, { token: "garbage" })).toEqual([401, { error: "unauthorized" }])
    }
  })

  test("what is public is anybody's to read and its owner's to write", async () => {
    await publish()
    for (const token of [undefined, "garbage", bob, await api.apiToken("bob", { "compute.containers": ["read"] })]) {
      const res = await send("GET", path, { token })
      expect([res.status, res.headers.get("cache-control")]).toEqual([200, "no-cache"])
      expect((await send("GET", "/storage/files?namespace=photos", { token })).status).toBe(200)
    }
    for (const [method, at] of [
      ["PUT", path],
      ["POST", path],
      ["DELETE", path],
      ["POST", "/storage/upload?namespace=photos"],
      ["DELETE", "/storage/delete?namespace=photos&name=a"],
    ] as const) {
      expect([method, at, (await send(method, at, { token: bob })).status]).toEqual([method, at, 403])
      expect([method, at, (await send(method, at, { token: undefined })).status]).toEqual([method, at, 401])
    }
  })

  test("a token in the address counts for what only reads, and never as more than it is", async () => {
    expect((await send("GET", `${path}?token=${ann}`, { token: undefined })).status).toBe(200)
    expect((await send("GET", `${path}?token=${bob}`, { token: undefined })).status).toBe(404)
    expect((await send("GET", `${path}?token=${ann}`, { token: bob })).status).toBe(404)
    expect((await send("GET", `/storage/files?namespace=photos&token=${ann}`, { token: undefined })).status).toBe(200)
    expect((await send("PUT", `${path}?token=${ann}`, { token: undefined, body: "x" })).status).toBe(401)
    expect((await send("DELETE", `${path}?token=${ann}`, { token: undefined })).status).toBe(401)
    expect(api.house.logged.join("")).not.toContain(ann)
  })
})
