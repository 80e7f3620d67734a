import { afterEach, beforeEach, expect, test } from "bun:test"
import { ApiHouse } from "./api.fixture"
import type { ProgressEvent } from "./progress"
import { Progress } from "./progress"

let api: ApiHouse
let ann: string
let bob: string

beforeEach(async () => {
  ;({ api, ann, bob } = await ApiHouse.withPhotos())
})
afterEach(() => api.close())

const eventsIn = (text: string) =>
  text
    .split("\n\n")
    .filter((block) => block.startsWith("data: "))
    .map((block) => JSON.parse(block.slice(6)) as ProgressEvent)
const listen = (id: string, token = ann, path = "/sse/progress") => api.send("GET", `${path}?id=${id}`, { token })

test("an upload is told of from its beginning to its end, and then the stream ends", async () => {
  const res = await listen("t1")
  expect(res.headers.get("content-type")).toBe("text/event-stream")
  const told = res.text()
  await api.send("PUT", "/storage/photos/a?id=t1", { token: ann, body: "x".repeat(200_000), headers: { "x-file-size": "200000" } })
  const text = await told
  expect(text).toStartWith(": keepalive\n\n")
  const common = { id: "t1", direction: "upload" as const, total: 200_000 }
  expect(eventsIn(text)[0]).toEqual({ ...common, bytes: 0, done: false })
  expect(eventsIn(text).at(-1)).toEqual({ ...common, bytes: 200_000, done: true })
})

test("a form's transfer may be named in a header, its size too, and what it came to nothing by is said", async () => {
  await api.send("PUT", "/storage/photos/a", { token: ann, body: "there" })
  const told = (await listen("t2", ann, "/storage/progress")).text()
  const body = new FormData()
  body.append("file", new File(["x"], "a"))
  await api.send("POST", "/storage/upload?namespace=photos", { token: ann, body, headers: { "x-transfer-id": "t2", "x-file-size": "1" } })
  expect(eventsIn(await told).at(-1)).toEqual({
    id: "t2",
    direction: "upload",
    bytes: 0,
    total: 1,
    done: true,
    error: "file already exists: a",
  })
})

test("a download is told of, whole or broken off, and a listener that comes after it hears its end", async () => {
  await api.send("PUT", "/storage/photos/a", { token: ann, body: "x".repeat(3_000_000) })
  const told = (await listen("t3")).text()
  expect((await (await api.send("GET", "/storage/download/photos/a?id=t3", { token: ann })).bytes()).byteLength).toBe(3_000_000)
  const end = { id: "t3", direction: "download" as const, bytes: 3_000_000, total: 3_000_000, done: true }
  expect(eventsIn(await told).at(-1)).toEqual(end)
  expect(eventsIn(await (await listen("t3")).text())).toEqual([end])
  const reader = (await api.send("GET", "/storage/photos/a?id=t4", { token: ann })).body?.getReader()
  await reader?.read()
  await reader?.cancel()
  expect(eventsIn(await (await listen("t4")).text())).toMatchObject([{ done: true, error: "the connection was closed" }])
})

test("nobody hears of another's transfer, whatever its id", async () => {
  const [his, hers] = [await listen("t5", bob), await listen("t5", ann)]
  await api.send("PUT", "/storage/photos/a?id=t5", { token: ann, body: "x" })
  expect(eventsIn(await hers.text()).at(-1)).toMatchObject({ done: true })
  const reader = his.body?.getReader()
  const seen = [await reader?.read(), await reader?.read()].map((read) => new TextDecoder().decode(read?.value))
  expect(seen).toEqual([": keepalive\n\n", ": keepalive\n\n"])
  await reader?.cancel()
})

test("who listens is somebody, names a transfer, and has a bounded number of streams", async () => {
  const ask = async (path: string, token?: string) => {
    const res = await api.send("GET", path, { token })
    return [res.status, await res.json()] as unknown
  }
  expect(await ask("/sse/progress?id=x")).toEqual([401, { error: "unauthorized" }])
  expect(await ask("/sse/progress", ann)).toEqual([400, { error: "missing id parameter" }])
  expect(await ask(`/sse/progress?id=${"x".repeat(129)}`, ann)).toEqual([400, { error: "invalid id: 1 to 128 printable characters" }])
  const open = [await listen("1"), await listen("2"), await listen("3")]
  expect(await ask("/sse/progress?id=4", ann)).toEqual([429, { error: "too many progress streams are open" }])
  expect((await listen("4", bob)).status).toBe(200)
  await open[0]?.body?.cancel()
  const again = await api.send("GET", `/sse/progress?id=4&token=${ann}`)
  expect(again.status).toBe(200)
  expect((await api.send("HEAD", "/sse/progress?id=5", { token: ann })).status).toBe(200)
})

test("between the beginning and the end not every piece is told of", async () => {
  const clock = { ms: 1 }
  const progress = new Progress({ keptMs: 10 }, () => clock.ms)
  const told = new Response(progress.listen("ann", "t")).text()
  const transfer = progress.begin("ann", "t", "upload", 100_000_000)
  for (let i = 0; i < 1000; i++) {
    transfer?.sent(100_000)
    if (i % 10 === 0) await Bun.sleep(0)
  }
  clock.ms += 500
  transfer?.sent(1)
  transfer?.end()
  const bytes = eventsIn(await told).map((event) => event.bytes)
  // At each hundredth of it, and after half a second.
  expect(bytes.length).toBe(1 + 100 + 1 + 1)
  expect(bytes.slice(0, 2)).toEqual([0, 1_000_000])
})

test("what a person has under way is bounded, and forgotten when it has ended", async () => {
  const progress = new Progress({ keptMs: 10 })
  const all = Array.from({ length: 120 }, (_, i) => progress.begin("ann", `t${i}`, "upload", 1))
  expect(all.filter((one) => one !== undefined)).toHaveLength(100)
  for (const one of all) one?.end()
  await Bun.sleep(40)
  expect(progress.begin("ann", "another", "upload", 1)).toBeDefined()
})
