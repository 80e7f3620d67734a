import { describe, expect, test } from "bun:test"
import { AccessLog, type AccessLine, type AccessSink } from "./access-log"
import { until } from "./edge.fixture"

const line = (change: Partial<AccessLine> = {}): AccessLine => ({
  time: 0,
  host: "app.test",
  method: "GET",
  path: "/",
  status: 200,
  bytesIn: 0,
  bytesOut: 2,
  upstream: "127.0.0.1:1",
  connectMs: 0,
  firstByteMs: 1,
  totalMs: 2,
  protocol: "HTTP/2",
  tls: "TLSv1.3",
  requestId: "id",
  client: "127.0.0.1",
  ...change,
})

const parse = (text: string) =>
  text
    .trimEnd()
    .split("\n")
    .map((one) => JSON.parse(one) as Record<string, unknown>)

/** The text of what a log writes of these lines at its stop. */
async function written(...lines: AccessLine[]): Promise<string> {
  let text = ""
  const log = new AccessLog((bytes) => void (text += Buffer.from(bytes).toString("latin1")))
  for (const one of lines) log.add(one)
  await log.stop()
  return text
}

test("lines are written together after a while, one JSON object each, with the fields in a fixed order", async () => {
  const writes: string[] = []
  const log = new AccessLog((bytes) => void writes.push(Buffer.from(bytes).toString()), { flushMs: 5 })
  log.add(line({ path: "/a" }))
  log.add(line({ path: "/b" }))
  expect(writes).toEqual([])
  await until(() => writes.length === 1)
  expect(writes[0]!.split("\n")[0]).toBe(
    '{"time":"1970-01-01T00:00:00.000Z","host":"app.test","method":"GET","path":"/a","status":200,"bytesIn":0,"bytesOut":2,' +
      '"upstream":"127.0.0.1:1","connectMs":0,"firstByteMs":1,"totalMs":2,"protocol":"HTTP/2","tls":"TLSv1.3","requestId":"id","client":"127.0.0.1"}',
  )
  expect(parse(writes[0]!)).toMatchObject([{ path: "/a" }, { path: "/b" }])
  await log.stop()
})

describe("a line is JSON in ASCII that says what it was given", () => {
  const texts = ['say "hi"', "back\\slash", "new\nline\u0000\u001f", "\u007f", "grün", "日本", "😀 \ud800", "", "a long path/".repeat(500)]
  test.each(texts.map((text, index) => [index, text] as const))("text %i", async (_index, text) => {
    const bytes = await written(line({ host: text, method: text, path: text, upstream: text, tls: text, requestId: text, client: text }))
    expect(bytes).toMatch(/^[\x20-\x7e]+\n$/)
    const same = { host: text, method: text, path: text, upstream: text, tls: text, requestId: text, client: text }
    expect(JSON.parse(bytes)).toMatchObject(same)
  })

  test.each([0, 1, 9, 10, 99, 100, 101, 12_345, 2 ** 31 - 1, 2 ** 31, 2 ** 40 + 1, -1])("integer %p", async (value) => {
    expect(JSON.parse(await written(line({ status: value, bytesIn: value, bytesOut: value })))).toMatchObject({
      status: value,
      bytesIn: value,
      bytesOut: value,
    })
  })

  test.each([
    [0, 0],
    [0.004, 0],
    [0.005, 0.01],
    [0.1, 0.1],
    [0.09, 0.09],
    [1.999, 2],
    [12.34, 12.34],
    [7_200_000.25, 7_200_000.25],
    [1e9 + 0.5, 1e9 + 0.5],
    [-1.5, -1.5],
    [Number.NaN, null],
  ])("time %p in milliseconds is written as %p", async (value, shown) => {
    const made = JSON.parse(await written(line({ connectMs: value, firstByteMs: value, totalMs: value }))) as AccessLine
    expect([made.connectMs, made.firstByteMs, made.totalMs] as unknown[]).toEqual([shown, shown, shown])
  })

  test.each([0, 1, 999, 1000, 1_763_700_000_042, 1_763_700_000_100, 1_763_700_059_999, -1])("instant %p", async (time) => {
    const texts = parse(await written(line({ time }), line({ time }), line({ time: time + 1 }), line({ time: time + 3_600_000 })))
    expect(texts.map((one) => Date.parse(one.time as string))).toEqual([time, time, time + 1, time + 3_600_000])
  })

  test("plain HTTP has an empty tls", async () => {
    expect(JSON.parse(await written(line({ protocol: "HTTP/1.0", tls: "" })))).toMatchObject({ protocol: "HTTP/1.0", tls: "" })
  })
})

test("a full batch is written at once", async () => {
  const sizes: number[] = []
  const log = new AccessLog((bytes) => void sizes.push(bytes.length), { flushMs: 60_000, batchBytes: 1000 })
  for (let i = 0; i < 8; i++) log.add(line())
  expect(sizes).toHaveLength(2)
  expect(Math.min(...sizes)).toBeGreaterThanOrEqual(1000)
  await log.stop()
})

test("what is left is written when it stops, also after a busy sink", async () => {
  const writes: string[] = []
  const log = new AccessLog(
    async (bytes) => {
      await Bun.sleep(5)
      writes.push(Buffer.from(bytes).toString())
    },
    { flushMs: 60_000, batchBytes: 1 },
  )
  log.add(line({ path: "/a" }))
  log.add(line({ path: "/b" }))
  await log.stop()
  expect(writes.map((text) => parse(text).map((one) => one.path))).toEqual([["/a"], ["/b"]])
})

test("every line of many batches arrives once and in order, while the sink takes its time", async () => {
  const paths: unknown[] = []
  const sink: AccessSink = async (bytes) => {
    await Bun.sleep(1)
    paths.push(...parse(Buffer.from(bytes).toString()).map((one) => one.path))
  }
  const log = new AccessLog(sink, { flushMs: 1, batchBytes: 2000 })
  for (let i = 0; i < 300; i++) {
    log.add(line({ path: `/${i}` }))
    if (i % 20 === 0) await Bun.sleep(1)
  }
  await log.stop()
  expect(paths).toEqual(Array.from({ length: 300 }, (_, i) => `/${i}`))
})

/** A sink whose writes end when the test says so; it reads the bytes only then. */
function slowSink() {
  const writes: string[] = []
  const open: { bytes: Uint8Array; resolve: () => void }[] = []
  const sink: AccessSink = (bytes) => new Promise<void>((resolve) => open.push({ bytes, resolve }))
  const release = () => {
    const { bytes, resolve } = open.shift()!
    writes.push(Buffer.from(bytes).toString())
    resolve()
  }
  return { sink, writes, open, release }
}

test("a sink that is busy costs lines, not memory, and the loss is told", async () => {
  const { sink, writes, open, release } = slowSink()
  const size = (await written(line({ path: "/first" }))).length
  const log = new AccessLog(sink, { flushMs: 1, bufferBytes: size * 11 }, () => 1000)
  log.add(line({ path: "/first" }))
  await until(() => open.length === 1)
  for (let i = 0; i < 25; i++) log.add(line({ path: `/n${i}` }))
  expect(log.dropped).toBe(15)
  release()
  await until(() => open.length === 1)
  release()
  // The bytes of the first write were left alone while the second was filled.
  expect(parse(writes[0]!).map((one) => one.path)).toEqual(["/first"])
  expect(parse(writes[1]!).map((one) => one.path)).toEqual([...Array.from({ length: 10 }, (_, i) => `/n${i}`), undefined])
  expect(parse(writes[1]!).at(-1)).toEqual({ time: "1970-01-01T00:00:01.000Z", dropped: 15 })
  await log.stop()
})

test("a sink that hangs does not hold up the end", async () => {
  const log = new AccessLog(() => new Promise(() => {}), { batchBytes: 1, stopMs: 10 })
  log.add(line())
  log.add(line())
  await log.stop()
})

test("a line larger than the buffer is dropped alone", async () => {
  const writes: string[] = []
  const log = new AccessLog((bytes) => void writes.push(Buffer.from(bytes).toString()), { bufferBytes: 2000 })
  log.add(line({ path: "/a" }))
  log.add(line({ path: "/".repeat(3000) }))
  log.add(line({ path: "/b" }))
  await log.stop()
  expect(parse(writes.join("")).map((one) => one.path ?? one.dropped)).toEqual(["/a", "/b", 1])
})

test("a sink that fails loses its lines and nothing else, and the loss is told once it works", async () => {
  const failing: AccessSink[] = [
    () => {
      throw new Error("full")
    },
    () => Promise.reject(new Error("full")),
  ]
  for (const failure of failing) {
    const writes: string[] = []
    let isBroken = true
    const log = new AccessLog((bytes) => (isBroken ? failure(bytes) : void writes.push(Buffer.from(bytes).toString())), { flushMs: 1 })
    log.add(line())
    log.add(line())
    await until(() => log.dropped === 2)
    isBroken = false
    await log.stop()
    expect(parse(writes.join(""))).toMatchObject([{ dropped: 2 }])
  }
})

test("without a sink nothing is kept", async () => {
  const log = new AccessLog(undefined)
  log.add(line())
  await log.stop()
  expect(log.dropped).toBe(0)
})
