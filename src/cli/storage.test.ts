import { afterEach, beforeEach, expect, test } from "bun:test"
import { mkdtemp, rm } from "node:fs/promises"
import { existsSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { ByteConsole } from "./byte-console"
import type { CommandIo } from "./io"
import { run } from "./storage"

let server: Bun.Server<undefined>
let folder: string
let seen: string[]
let answers: Record<string, (request: Request) => Response | Promise<Response>>
let said: { out: string; err: string }
let lines: string[]

beforeEach(async () => {
  seen = []
  answers = {}
  lines = []
  said = { out: "", err: "" }
  folder = await mkdtemp(join(tmpdir(), "freehold-cli-"))
  server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      const { pathname, search } = new URL(request.url)
      const call = `${request.method} ${pathname}${search}`
      const body = request.method === "GET" ? "" : await request.clone().text()
      seen.push(`${call} ${body}`.trim())
      return (await answers[call]?.(request)) ?? Response.json({ error: "nothing here" }, { status: 404 })
    },
  })
})
afterEach(async () => {
  await server.stop(true)
  await rm(folder, { recursive: true })
})

function storage(...args: string[]): Promise<number> {
  const io: CommandIo = {
    out: (text) => void (said.out += text),
    err: (text) => void (said.err += text),
    readLine: async () => lines.shift() ?? "",
    console: () => output,
    environment: { server: `http://127.0.0.1:${server.port}`, token: "t0", configFolder: join(folder, "freehold") },
    version: "0",
  }
  return run(args, io)
}

const output: ByteConsole = {
  inputIsTerminal: false,
  size: () => undefined,
  start: () => {},
  pauseInput: () => {},
  resumeInput: () => {},
  write: (bytes) => {
    said.out += new TextDecoder().decode(bytes)
    return true
  },
  stop: async () => {},
}

const photos = { name: "photos", count: 2, visibility: 0, bytes: 1536, quota_bytes: null }

test("namespaces are listed with what they hold", async () => {
  answers["GET /storage/namespaces"] = () => Response.json([photos])
  expect(await storage("ls")).toBe(0)
  expect(said.out).toBe("NAMESPACE  VISIBILITY  FILES  SIZE     QUOTA\nphotos     private     2      1.5 KiB  -\n")
})

test("files are listed by prefix", async () => {
  answers["GET /storage/files?namespace=photos&prefix=2026%2F"] = () =>
    Response.json([{ name: "2026/a.jpg", size: 5, modified_at: 1_790_000_000, content_type: "image/jpeg" }])
  expect(await storage("ls", "photos/2026/")).toBe(0)
  expect(said.out).toContain("2026/a.jpg  5 B")
})

test("a namespace is made with its visibility and quota", async () => {
  answers["POST /storage/namespaces"] = () => Response.json({ ...photos, visibility: 1 })
  answers["PUT /storage/namespaces/photos"] = () => Response.json({ ...photos, visibility: 1, quota_bytes: 1024 ** 3 })
  expect(await storage("create", "photos", "--public", "--quota", "1G")).toBe(0)
  expect(seen).toEqual([
    'POST /storage/namespaces {"name":"photos","visibility":1}',
    'PUT /storage/namespaces/photos {"visibility":1,"quota_bytes":1073741824}',
  ])
  expect(said.out).toContain("1.0 GiB")
})

test("a file is sent under its own name into a folder, or under the one that is given", async () => {
  const file = join(folder, "my photo.jpg")
  await Bun.write(file, "bytes")
  answers["PUT /storage/photos/2026/my%20photo.jpg?overwrite=false"] = answers["PUT /storage/photos/b.jpg?overwrite=true"] = (request) =>
    Response.json({ type: request.headers.get("content-type"), authorization: request.headers.get("authorization") })
  expect(await storage("put", file, "photos/2026/", "--json")).toBe(0)
  expect(JSON.parse(said.out)).toEqual({ type: "image/jpeg", authorization: "Bearer t0" })
  expect(await storage("put", file, "photos/b.jpg", "--overwrite")).toBe(0)
  expect(seen).toEqual(["PUT /storage/photos/2026/my%20photo.jpg?overwrite=false bytes", "PUT /storage/photos/b.jpg?overwrite=true bytes"])
})

test("a file or a folder is moved under a name, or into what ends with a slash", async () => {
  answers["POST /storage/files/move"] = async (request) => {
    const { to_namespace: namespace, to_name: name } = (await request.json()) as Record<string, string>
    return Response.json({ status: "ok", namespace, name, moved: 1, bytes: 5, remaining: 0 })
  }
  const asked = async (...args: string[]) => {
    seen = []
    expect(await storage("mv", ...args)).toBe(0)
    const { namespace, name, to_namespace: to, to_name: toName, overwrite } = JSON.parse((seen[0] ?? "").split(" ").slice(2).join(" "))
    return [`${namespace}/${name}`, `${to}/${toName}`, overwrite]
  }
  expect(await asked("photos/a.jpg", "photos/b.jpg")).toEqual(["photos/a.jpg", "photos/b.jpg", false])
  expect(await asked("photos/2026/a.jpg", "archive", "--overwrite")).toEqual(["photos/2026/a.jpg", "archive/a.jpg", true])
  expect(await asked("photos/2026/a.jpg", "archive/old/")).toEqual(["photos/2026/a.jpg", "archive/old/a.jpg", false])
  expect(await asked("photos/2026/", "photos/2025")).toEqual(["photos/2026/", "photos/2025/", false])
  expect(await asked("photos/x/2026/", "archive/old/")).toEqual(["photos/x/2026/", "archive/old/2026/", false])
  expect(said.out).toContain("1 file moved to archive/old/2026/\n")
  expect(await storage("mv", "photos", "archive")).toBe(2)
  expect(said.err).toContain('"photos" is a namespace, and those keep their names')
})

test("a large folder is asked for until it is done, and what was moved is told when a step fails", async () => {
  const steps = [
    { status: "partial", namespace: "b", name: "x/", moved: 1000, bytes: 10, remaining: 200 },
    { status: "ok", namespace: "b", name: "x/", moved: 200, bytes: 2, remaining: 0 },
  ]
  let left = [...steps]
  answers["POST /storage/files/move"] = () => {
    const step = left.shift()
    return step === undefined ? Response.json({ error: "file already exists: x/1" }, { status: 409 }) : Response.json(step)
  }
  expect(await storage("mv", "a/x/", "b")).toBe(0)
  expect([said.out, said.err]).toEqual(["1200 files moved to b/x/\n", "200 files are still to be moved\n"])
  left = steps.slice(0, 1)
  expect(await storage("mv", "a/x/", "b")).toBe(1)
  expect(said.err).toContain("file already exists: x/1 (1000 files were moved before; the same command goes on with the rest)")
})

test("a fetch that broke off goes on where it was, and the file is there when it is whole", async () => {
  const whole = "0123456789"
  let isBroken = true
  const ranges: (string | null)[] = []
  answers["GET /storage/photos/a.txt"] = (request) => {
    ranges.push(request.headers.get("range"))
    if (isBroken) {
      isBroken = false
      const body = new ReadableStream<Uint8Array>({
        async start(controller) {
          controller.enqueue(new TextEncoder().encode(whole.slice(0, 4)))
          await Bun.sleep(20)
          controller.error(new Error("gone"))
        },
      })
      return new Response(body, { headers: { etag: '"e1"' } })
    }
    expect(request.headers.get("if-range")).toBe('"e1"')
    return new Response(whole.slice(4), { status: 206, headers: { etag: '"e1"', "content-range": "bytes 4-9/10" } })
  }
  const file = join(folder, "a.txt")
  expect(await storage("get", "photos/a.txt", file)).toBe(1)
  expect(said.err).toContain("goes on where it was")
  expect(existsSync(file)).toBe(false)
  expect(await storage("get", "photos/a.txt", folder)).toBe(0)
  expect(ranges).toEqual([null, "bytes=4-"])
  expect(await Bun.file(file).text()).toBe(whole)
  expect(existsSync(`${file}.part`) || existsSync(`${file}.part-etag`)).toBe(false)
})

test("an object that is another one by now is fetched from its start", async () => {
  await Bun.write(join(folder, "a.txt.part"), "old")
  await Bun.write(join(folder, "a.txt.part-etag"), '"e0"')
  answers["GET /storage/photos/a.txt"] = () => new Response("new one", { headers: { etag: '"e1"' } })
  expect(await storage("get", "photos/a.txt", join(folder, "a.txt"))).toBe(0)
  expect(await Bun.file(join(folder, "a.txt")).text()).toBe("new one")
})

test("a file goes to standard output", async () => {
  answers["GET /storage/photos/a.txt"] = () => new Response("text")
  expect(await storage("get", "photos/a.txt", "-")).toBe(0)
  expect(said.out).toBe("text")
})

test("a namespace goes only when its name was typed, and what goes was named", async () => {
  const preview = { name: "photos", objects: 7, bytes: 2048, first_names: ["a", "b", "c", "d", "e", "f"], digest: "d1" }
  answers["GET /storage/namespaces/photos/deletion"] = () => Response.json(preview)
  answers["DELETE /storage/namespaces/photos?confirm=d1"] = () => Response.json({ status: "ok" })
  lines = ["photo"]
  expect(await storage("rm", "photos")).toBe(1)
  expect(said.err).toContain("photos has 7 files, 2.0 KiB: a, b, c, d, e, …")
  expect(seen).toHaveLength(1)
  lines = ["photos"]
  expect(await storage("rm", "photos")).toBe(0)
  expect(await storage("rm", "photos", "--yes")).toBe(0)
  expect(said.out).toBe("photos removed, with 7 files\n".repeat(2))
})

test("a link is made for as long as is said", async () => {
  answers["POST /storage/links"] = () => Response.json({ url: "/storage/photos/a%20b.jpg?signature=y", expires_at: 1 })
  expect(await storage("link", "photos/a b.jpg", "--expires", "2h")).toBe(0)
  expect(seen).toEqual(['POST /storage/links {"namespace":"photos","name":"a b.jpg","expires_in":7200,"disposition":"attachment"}'])
  expect(said.out).toBe(`http://127.0.0.1:${server.port}/storage/photos/a%20b.jpg?signature=y\n`)
})

test("the secret of a key is shown once, when it is made", async () => {
  const key = { id: "FH1", name: "laptop", scopes: null, created_at: 1_790_000_000, last_used_at: 0 }
  answers["POST /storage/keys"] = () => Response.json({ ...key, secret: "s3cret" })
  answers["GET /storage/keys"] = () => Response.json([key])
  expect(await storage("keys", "add", "laptop")).toBe(0)
  expect(said.out).toContain("s3cret")
  said.out = ""
  expect(await storage("keys")).toBe(0)
  expect(said.out).toMatch(/FH1 .*laptop .*all .*never/)
})

test.each([
  [["ls", "/a"], "begins with no namespace"],
  [["get", "photos"], "names no file"],
  [["get", "photos/2026/"], "names no file"],
  [["create", "photos", "--quota", "1 GB"], "--quota is none, or a size"],
  [["set", "photos"], "--visibility or --quota"],
  [["set", "photos", "--visibility", "open"], "--visibility is private or public"],
  [["link", "photos/a", "--expires", "soon"], "--expires is a duration"],
  [["put", "/nowhere/file", "photos"], "cannot be read (ENOENT)"],
  [["put", "/tmp", "photos"], "is not a file"],
  [["keys", "add"], "keys is followed by"],
])("%p is a bad command line: %p", async (args, message) => {
  expect(await storage(...args)).toBe(2)
  expect(said.err).toContain(message)
  expect(seen).toEqual([])
})

test("what the server says is what a person reads", async () => {
  answers["PUT /storage/photos/a?overwrite=false"] = () => Response.json({ error: "file already exists: a" }, { status: 409 })
  await Bun.write(join(folder, "a"), "x")
  expect(await storage("put", join(folder, "a"), "photos/a")).toBe(1)
  expect(said.err).toBe("error: file already exists: a\n")
})
