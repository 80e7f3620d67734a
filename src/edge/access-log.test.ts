import { expect, test } from "bun:test"
import { AccessLog, type AccessLine } from "./access-log"
import { until } from "./edge.fixture"

const line = (path: string): AccessLine => ({
  time: 0,
  host: "app.test",
  method: "GET",
  path,
  status: 200,
  bytesIn: 0,
  bytesOut: 2,
  upstream: "127.0.0.1:1",
  connectMs: 0,
  firstByteMs: 1,
  totalMs: 2,
  tls: "TLSv1.3",
  requestId: "id",
  client: "127.0.0.1",
})

const parse = (text: string) =>
  text
    .trimEnd()
    .split("\n")
    .map((one) => JSON.parse(one) as Record<string, unknown>)

test("lines are written together after a while, one JSON object each", async () => {
  const writes: string[] = []
  const log = new AccessLog((lines) => void writes.push(lines), { flushMs: 5, maxLines: 10 })
  log.add(line("/a"))
  log.add(line("/b"))
  expect(writes).toEqual([])
  await until(() => writes.length === 1)
  expect(parse(writes[0]!)).toMatchObject([{ time: "1970-01-01T00:00:00.000Z", path: "/a" }, { path: "/b" }])
  await log.stop()
})

test("what is left is written when it stops", async () => {
  const writes: string[] = []
  const log = new AccessLog((lines) => void writes.push(lines), { flushMs: 60_000, maxLines: 10 })
  log.add(line("/a"))
  await log.stop()
  expect(writes).toHaveLength(1)
})

test("a sink that is busy costs lines, not memory, and the loss is told", async () => {
  const writes: string[] = []
  let release = () => {}
  const sink = (lines: string) => {
    writes.push(lines)
    return new Promise<void>((resolve) => (release = resolve))
  }
  const log = new AccessLog(sink, { flushMs: 1, maxLines: 10 })
  log.add(line("/first"))
  await until(() => writes.length === 1)
  for (let i = 0; i < 25; i++) log.add(line(`/${i}`))
  expect(log.dropped).toBe(15)
  release()
  await until(() => writes.length === 2)
  release()
  expect(parse(writes[1]!)).toHaveLength(11)
  expect(parse(writes[1]!).at(-1)).toMatchObject({ dropped: 15 })
  await log.stop()
})

test("a sink that fails loses its lines and nothing else", async () => {
  const failing: ((lines: string) => void | Promise<void>)[] = [
    () => {
      throw new Error("full")
    },
    () => Promise.reject(new Error("full")),
  ]
  for (const sink of failing) {
    const log = new AccessLog(sink, { flushMs: 1, maxLines: 10 })
    log.add(line("/a"))
    await until(() => log.dropped === 1)
    await log.stop()
  }
})
