import { afterEach, beforeEach, describe, expect, test } from "bun:test"
import { connect } from "node:net"
import { Upload } from "tus-js-client"
import { ApiHouse } from "./api.fixture"

let api: ApiHouse
let ann: string
let bob: string

beforeEach(async () => {
  ;({ api, ann, bob } = await ApiHouse.withPhotos())
})
afterEach(() => api.close())

type Fields = Record<string, string>
const base64 = (text: string) => Buffer.from(text).toString("base64")
const meta = (values: Fields) =>
  Object.entries(values)
    .map(([key, value]) => `${key} ${base64(value)}`)
    .join(",")
const send = (
  method: string,
  path: string,
  headers: Fields = {},
  body?: string | ReadableStream<Uint8Array>,
  token: string | undefined = ann,
) => api.send(method, path, { token, body, headers: { "tus-resumable": "1.0.0", ...headers } })
const begin = async (length: number, values: Fields = {}, more: Fields = {}) => {
  const metadata = meta({ namespace: "photos", filename: "dir/a.txt", ...values })
  return send("POST", "/storage/uploads", { "upload-length": String(length), "upload-metadata": metadata, ...more })
}
const location = async (...args: Parameters<typeof begin>) => (await begin(...args)).headers.get("location") ?? ""
const patch = (at: string, offset: number, body: string | ReadableStream<Uint8Array>, more: Fields = {}, token = ann) =>
  send("PATCH", at, { "upload-offset": String(offset), "content-type": "application/offset+octet-stream", ...more }, body, token)
const offset = async (at: string) => {
  const res = await send("HEAD", at)
  return [res.status, res.headers.get("upload-offset"), res.headers.get("upload-length")]
}
const text = async (name = "dir/a.txt") => (await api.send("GET", `/storage/photos/${name}`, { token: ann })).text()
const error = async (res: Response) => [res.status, ((await res.json()) as { error: string }).error]

test("a file that came in pieces is there with the last of them, and not before", async () => {
  const made = await begin(10, { filetype: "text/x-mine" })
  const at = made.headers.get("location") ?? ""
  expect([made.status, made.headers.get("tus-resumable"), made.headers.get("upload-offset")]).toEqual([201, "1.0.0", "0"])
  expect(at).toMatch(/^\/storage\/uploads\/[0-9a-f]{32}$/)
  expect(made.headers.get("upload-expires")).toBe(new Date(api.house.time + 3_600_000).toUTCString())
  const first = await patch(at, 0, "01234")
  expect([first.status, first.headers.get("upload-offset")]).toEqual([204, "5"])
  expect((await api.send("GET", "/storage/photos/dir/a.txt", { token: ann })).status).toBe(404)
  const head = await send("HEAD", at)
  expect([head.headers.get("upload-offset"), head.headers.get("upload-length"), head.headers.get("cache-control")]).toEqual([
    "5",
    "10",
    "no-store",
  ])
  expect(head.headers.get("upload-metadata")).toBe(meta({ namespace: "photos", filename: "dir/a.txt", filetype: "text/x-mine" }))
  const last = await patch(at, 5, "56789")
  expect([last.status, last.headers.get("upload-offset"), last.headers.get("upload-expires")]).toEqual([204, "10", null])
  const file = await api.send("GET", "/storage/photos/dir/a.txt", { token: ann })
  expect([await file.text(), file.headers.get("content-type")]).toEqual(["0123456789", "text/x-mine"])
  // Whoever missed the last answer hears that all is well.
  expect(await offset(at)).toEqual([200, "10", "10"])
})

test("one that came in one piece, or of nothing at all, is an object of one piece", async () => {
  await patch(await location(4), 0, "text")
  await begin(0, { filename: "empty" })
  await begin(4, { filename: "with" }, { "content-type": "application/offset+octet-stream" })
  const photos = await api.house.namespaces.owned("photos", "ann")
  for (const [name, size] of [
    ["dir/a.txt", 4],
    ["empty", 0],
  ] as const)
    expect(await api.house.objects.get(photos, name)).toMatchObject({ size, hash: expect.any(String) })
  expect((await api.house.objects.get(photos, "dir/a.txt")).contentType).toBe("text/plain; charset=utf-8")
})

test("the beginning may bring bytes along", async () => {
  const headers = { "upload-length": "8", "upload-metadata": meta({ namespace: "photos", filename: "b" }) }
  const res = await send("POST", "/storage/uploads", { ...headers, "content-type": "application/offset+octet-stream" }, "0123")
  expect([res.status, res.headers.get("upload-offset")]).toEqual([201, "4"])
  await patch(res.headers.get("location") ?? "", 4, "4567")
  expect(await text("b")).toBe("01234567")
})

describe("what is refused", () => {
  test.each<[string, Fields, string]>([
    ["no length", { "upload-length": "" }, "Upload-Length must be a whole number of bytes"],
    ["a length that is none", { "upload-length": "-1" }, "Upload-Length must be a whole number of bytes"],
    ["a length to come", { "upload-defer-length": "1" }, "Upload-Defer-Length is not supported: say the length with Upload-Length"],
    ["no name", { "upload-metadata": meta({ namespace: "photos" }) }, "filename required: as filename in Upload-Metadata"],
    [
      "metadata that are none",
      { "upload-metadata": "filename !!" },
      "Upload-Metadata must be pairs of a key and Base64 of UTF-8, with commas between them",
    ],
  ])("at the beginning: %s", async (_what, headers, message) => {
    expect(await error(await begin(10, {}, headers))).toEqual([400, message])
  })

  test("another version of the protocol, another type, another offset, and more than was said", async () => {
    const at = await location(10)
    const other = await send("POST", "/storage/uploads", { "tus-resumable": "0.2.2", "upload-metadata": meta({ namespace: "photos" }) })
    expect([other.status, other.headers.get("tus-version")]).toEqual([412, "1.0.0"])
    expect((await patch(at, 0, "x", { "content-type": "text/plain" })).status).toBe(415)
    const res = await patch(at, 3, "x")
    expect([res.headers.get("tus-resumable"), ...(await error(res))]).toEqual(["1.0.0", 409, "Upload-Offset is 0 by now, not 3"])
    expect((await patch(at, 0, "01234567890")).status).toBe(413)
    const endless = new ReadableStream<Uint8Array>({ pull: (controller) => controller.enqueue(new Uint8Array(6)) })
    expect((await patch(at, 0, endless)).status).toBe(413)
    expect(await offset(at)).toEqual([200, "0", "10"])
  })

  test("what stands there stays, unless it may be overwritten, also where it came meanwhile", async () => {
    const at = await location(4)
    await api.send("PUT", "/storage/photos/dir/a.txt", { token: ann, body: "first" })
    expect(await error(await patch(at, 0, "last"))).toEqual([409, "file already exists: dir/a.txt"])
    expect(await error(await begin(4))).toEqual([409, "file already exists: dir/a.txt"])
    expect(await text()).toBe("first")
    expect((await patch(await location(4, { overwrite: "true" }), 0, "last")).status).toBe(204)
    expect(await text()).toBe("last")
  })

  test("what cannot fit, at the beginning", async () => {
    await api.send("PUT", "/storage/namespaces/photos", { token: ann, body: { quota_bytes: 5 } })
    expect((await begin(6)).status).toBe(507)
    expect((await begin(5)).status).toBe(201)
  })

  test("who has not the right, and an upload of somebody else is as none", async () => {
    const at = await location(10)
    const values = { "upload-length": "1", "upload-metadata": meta({ namespace: "photos", filename: "a" }) }
    const tokens = [undefined, bob, await api.apiToken("ann", { "storage.files.photos": ["read"] })]
    const statuses = []
    for (const token of tokens)
      for (const [method, path] of [
        ["POST", "/storage/uploads"],
        ["HEAD", at],
        ["PATCH", at],
        ["DELETE", at],
        ["DELETE", "/storage/uploads/00000000000000000000000000000000"],
      ] as const)
        statuses.push(
          (await api.send(method, path, { token, headers: { "tus-resumable": "1.0.0", "upload-offset": "0", ...values } })).status,
        )
    expect(statuses).toEqual([...Array(5).fill(401), ...Array(5).fill(404), ...Array(5).fill(403)])
    expect((await patch(at, 0, "x", {}, await api.apiToken("ann", { "storage.files.photos": ["create"] }))).status).toBe(204)
  })
})

test("an upload that is ended, and one that nobody goes on with, are gone with their bytes", async () => {
  const [one, other] = [await location(10), await location(10, { filename: "b" })]
  await patch(one, 0, "01234")
  await patch(other, 0, "56789")
  expect((await send("DELETE", one)).status).toBe(204)
  expect((await send("DELETE", one)).status).toBe(404)
  expect((await offset(one))[0]).toBe(404)
  api.house.time += 3_599_000
  expect((await offset(other))[0]).toBe(200)
  expect((await patch(other, 5, "x")).headers.get("upload-expires")).toBe(new Date(api.house.time + 3_600_000).toUTCString())
  api.house.time += 3_600_000
  expect((await offset(other))[0]).toBe(404)
  await api.house.blobs.collect(Date.now(), -1)
  expect(api.house.onDisk()).toEqual([])
})

test("what is whole and was not made a file when the process ended, is made one when somebody looks", async () => {
  const at = await location(4)
  const photos = await api.house.namespaces.owned("photos", "ann")
  const row = await api.house.uploads.find(at.split("/").at(-1) ?? "")
  if (row === undefined) throw new Error("there is no upload")
  await api.house.uploads.part(
    photos,
    row,
    1,
    (async function* () {
      yield new TextEncoder().encode("text")
    })(),
  )
  expect(await offset(at)).toEqual([200, "4", "4"])
  expect(await text()).toBe("text")
})

test("of two at once the newer goes on, where the older got to, and nothing is mixed", async () => {
  const at = await location(10)
  let feed: ReadableStreamDefaultController<Uint8Array> | undefined
  const hanging = new ReadableStream<Uint8Array>({ start: (controller) => void (feed = controller) })
  const first = patch(at, 0, hanging)
  feed?.enqueue(new TextEncoder().encode("0123"))
  await Bun.sleep(50)
  // Whose connection is dead does not know it yet: the client asks how far it got, which ends it.
  expect(await offset(at)).toEqual([200, "4", "10"])
  expect((await first).status).toBe(409)
  const both = await Promise.all([patch(at, 4, "456789"), patch(at, 4, "abcdef")])
  expect(both.map(({ status }) => status).sort()).toEqual([204, 409])
  expect(["0123456789", "0123abcdef"]).toContain(await text())
})

test("OPTIONS says what is understood", async () => {
  const res = await api.send("OPTIONS", "/storage/uploads")
  expect([res.status, res.headers.get("tus-version"), res.headers.get("tus-extension")]).toEqual([
    200,
    "1.0.0",
    "creation,creation-with-upload,expiration,termination",
  ])
})

test("a page of an allowed origin may send what uploads take and read what they answer, another may not", async () => {
  const headers = async (origin: string) => (await api.send("OPTIONS", "/storage/uploads", { headers: { origin } })).headers
  const own = await headers("https://cloud.example.org")
  for (const name of [
    "X-File-Size",
    "X-Transfer-Id",
    "Tus-Resumable",
    "Upload-Length",
    "Upload-Offset",
    "Upload-Metadata",
    "If-Match",
    "Range",
  ])
    expect(own.get("access-control-allow-headers")?.split(", ")).toContain(name)
  for (const name of ["ETag", "Location", "Upload-Offset", "Upload-Length", "Upload-Expires", "Tus-Resumable", "Content-Range"])
    expect(own.get("access-control-expose-headers")?.split(", ")).toContain(name)
  expect((await headers("https://evil.example")).get("access-control-allow-headers")).toBeNull()
})

describe("through a real server", () => {
  test("what came of a broken connection is kept, and gone on with", async () => {
    const at = await location(20)
    const { port } = new URL(api.serve())
    const fields = [
      "host: a",
      "tus-resumable: 1.0.0",
      "upload-offset: 0",
      "content-type: application/offset+octet-stream",
      "content-length: 20",
    ]
    await new Promise<void>((resolve) => {
      const socket = connect(Number(port), "127.0.0.1", () => {
        socket.write(`PATCH ${at} HTTP/1.1\r\n${fields.join("\r\n")}\r\nauthorization: Bearer ${ann}\r\n\r\n0123456`)
        setTimeout(() => socket.destroy(), 100)
      })
      socket.on("close", () => resolve())
    })
    expect(await offset(at)).toEqual([200, "7", "20"])
    await patch(at, 7, "7890123456789")
    expect(await text()).toBe("01234567890123456789")
  })

  test("the protocol's own client uploads, is interrupted, and goes on", async () => {
    const origin = api.serve()
    const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7919) % 251))
    const options = {
      endpoint: `${origin}/storage/uploads`,
      headers: { authorization: `Bearer ${ann}` },
      metadata: { namespace: "photos", filename: "client.bin", filetype: "application/x-mine" },
      chunkSize: 100_000,
      retryDelays: null,
    }
    let url: string | null = null
    await new Promise<void>((resolve, reject) => {
      const upload = new Upload(bytes, {
        ...options,
        onChunkComplete: (_size, accepted) => {
          if (accepted < 100_000) return
          url = upload.url
          void upload.abort().then(() => resolve())
        },
        onError: reject,
      })
      upload.start()
    })
    expect(url).toStartWith(`${origin}/storage/uploads/`)
    const progress: number[] = []
    await new Promise<void>((resolve, reject) => {
      new Upload(bytes, {
        ...options,
        uploadUrl: url,
        onChunkComplete: (_size, accepted) => void progress.push(accepted),
        onSuccess: () => resolve(),
        onError: reject,
      }).start()
    })
    expect(progress).toEqual([200_000, 300_000])
    const file = await api.send("GET", "/storage/photos/client.bin", { token: ann })
    expect([Buffer.from(await file.bytes()).equals(bytes), file.headers.get("content-type")]).toEqual([true, "application/x-mine"])
  })

  test("the client ends an upload", async () => {
    const at = `${api.serve()}${await location(10)}`
    await Upload.terminate(at, { headers: { authorization: `Bearer ${ann}` } })
    expect((await offset(new URL(at).pathname))[0]).toBe(404)
  })
})
