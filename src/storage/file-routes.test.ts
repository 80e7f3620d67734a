import { afterEach, beforeEach, describe, expect, test } from "bun:test"
import { createHash } from "node:crypto"
import { connect } from "node:net"
import { ApiHouse, type Options } from "./api.fixture"

let api: ApiHouse
let ann: string
let bob: string

beforeEach(async () => {
  api = await ApiHouse.open()
  ann = await api.session("ann")
  bob = await api.session("bob")
  await api.house.namespace("photos")
})
afterEach(() => api.close())

const send = (method: string, path: string, options: Options = {}) => api.send(method, path, { token: ann, ...options })
/** Status and JSON. */
const ask = async (method: string, path: string, options: Options = {}) => {
  const res = await send(method, path, options)
  return [res.status, await res.json()] as [number, Record<string, unknown>]
}
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

const other = (name: string) => {
  const data = new FormData()
  data.append(name, "text")
  return data
}

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
      last_scrub: null,
      faults: 0,
    },
  ])
})

describe("through a real server", () => {
  const curl = async (...args: string[]) => {
    const process = Bun.spawn(["curl", "-sS", "--noproxy", "*", "--max-time", "20", "-H", `Authorization: Bearer ${ann}`, ...args], {
      stdout: "pipe",
      stderr: "pipe",
    })
    const [out, fault] = await Promise.all([new Response(process.stdout).text(), new Response(process.stderr).text()])
    return { code: await process.exited, out, fault }
  }

  test("a file's head says what is said of it and no more, and a range is cut once", async () => {
    await send("PUT", "/storage/photos/a.bin", { body: "0123456789" })
    const origin = api.serve()
    const get = async (headers: Record<string, string>, method = "GET") => {
      const res = await fetch(`${origin}/storage/photos/a.bin`, { method, headers: { authorization: `Bearer ${ann}`, ...headers } })
      const { headers: head } = res
      return [res.status, await res.text(), head.get("content-length"), head.get("content-range"), head.get("content-disposition")] as const
    }
    const named = 'inline; filename="a.bin"'
    expect(await get({})).toEqual([200, "0123456789", "10", null, named])
    expect(await get({ range: "bytes=2-4" })).toEqual([206, "234", "3", "bytes 2-4/10", named])
    expect(await get({ range: "bytes=0-9" })).toEqual([206, "0123456789", "10", "bytes 0-9/10", named])
    // Not to be cut, although Bun would.
    expect((await get({ range: "bytes=2-4", "if-range": '"x"' })).slice(0, 2)).toEqual([200, "0123456789"])
    expect((await get({ range: "bytes=0-1,3-4" })).slice(0, 2)).toEqual([200, "0123456789"])
    expect(await get({ range: "bytes=20-" })).toMatchObject([416, expect.any(String), expect.any(String), "bytes */10", null])
    expect(await get({}, "HEAD")).toEqual([200, "", "10", null, named])
    expect(await get({ range: "bytes=2-4" }, "HEAD")).toEqual([200, "", "10", null, named])
  })

  test("an object of several pieces is one answer that says how long it is", async () => {
    const photos = await api.house.namespaces.owned("photos", "ann")
    const upload = await api.house.uploads.begin(photos, "big", { personId: "ann", kind: "s3" })
    for (const [i, text] of ["0123", "4567", "89"].entries())
      await api.house.uploads.part(
        photos,
        upload,
        i + 1,
        (async function* () {
          yield new TextEncoder().encode(text)
        })(),
      )
    await api.house.uploads.complete(photos, upload)
    const get = (headers = {}) => fetch(`${api.serve()}/storage/photos/big`, { headers: { authorization: `Bearer ${ann}`, ...headers } })
    const whole = await get()
    expect([whole.headers.get("x-freehold-length"), await whole.text()]).toEqual(["10", "0123456789"])
    const part = await get({ range: "bytes=3-8" })
    expect([part.status, part.headers.get("x-freehold-length"), part.headers.get("content-range"), await part.text()]).toEqual([
      206,
      "6",
      "bytes 3-8/10",
      "345678",
    ])
  })

  test("what breaks off leaves nothing", async () => {
    const { port } = new URL(api.serve())
    const heads = [
      "PUT /storage/photos/a HTTP/1.1\r\nContent-Length: 1000",
      "PUT /storage/photos/a HTTP/1.1\r\nTransfer-Encoding: chunked",
      "POST /storage/upload?namespace=photos HTTP/1.1\r\nContent-Length: 1000\r\nContent-Type: multipart/form-data; boundary=X",
    ]
    const bodies = ["half", "4\r\nhalf\r\n", '--X\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nhalf']
    for (const [i, head] of heads.entries())
      await new Promise<void>((resolve) => {
        const socket = connect(Number(port), "127.0.0.1", () =>
          socket.write(`${head}\r\nHost: a\r\nAuthorization: Bearer ${ann}\r\n\r\n${bodies[i]}`, () =>
            setTimeout(() => socket.destroy(), 100),
          ),
        )
        socket.on("close", () => resolve())
      })
    await Bun.sleep(100)
    expect(api.house.onDisk()).toEqual([])
    expect(await ask("GET", "/storage/files?namespace=photos")).toEqual([200, [] as never])
    // A client that goes is nobody's fault of ours.
    expect(api.house.logged.filter((line) => line.includes("error"))).toEqual([])
  })

  test("who is refused before 200 MB were sent gets the answer", async () => {
    const file = `${api.house.folder}/large`
    await Bun.$`truncate -s 200M ${file}`.quiet()
    await send("PUT", "/storage/namespaces/photos", { body: { quota_bytes: 1000 } })
    const at = `${api.serve()}/storage/photos/large`
    const code = ["-o", "/dev/null", "-w", "%{http_code}"]
    for (const more of [[], ["-H", "Expect:"]]) {
      expect(await curl(...code, ...more, "-T", file, at)).toEqual({ code: 0, out: "507", fault: "" })
      expect(await curl(...code, ...more, "-H", "Transfer-Encoding: chunked", "-T", file, at)).toMatchObject({ out: "507" })
      expect(await curl(...code, ...more, "-H", "Authorization: Bearer wrong", "-T", file, at)).toMatchObject({ out: "401" })
      expect(await curl(...code, ...more, "-F", `file=@${file}`, "-H", "X-File-Size: 209715200", at)).toMatchObject({ out: "507" })
      expect(await curl(...code, ...more, "-F", `file=@${file}`, at)).toMatchObject({ out: "507" })
    }
    await send("PUT", "/storage/namespaces/photos", { body: { quota_bytes: null } })
    await send("PUT", "/storage/photos/large", { body: "there" })
    expect(await curl(...code, "-F", `file=@${file}`, at)).toMatchObject({ code: 0, out: "409" })
    expect(await curl(...code, "-T", file, at)).toEqual({ code: 0, out: "200", fault: "" })
  }, 60_000)
})
