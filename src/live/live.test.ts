import { afterEach, beforeEach, expect, test } from "bun:test"
import { LiveHub } from "./hub"
import { liveRoutes } from "./routes"
import { topicsOf } from "./topics"

let hub: LiveHub
let server: Bun.Server<undefined>
let isIn = true

beforeEach(() => {
  hub = new LiveHub()
  isIn = true
  const app = liveRoutes(hub, async (request) => {
    if (!isIn) throw new Error("nobody")
    const personId = request.headers.get("x-person") ?? ""
    return { personId, isAdmin: personId === "ada" }
  })
  server = Bun.serve({ port: 0, fetch: (request) => app.handle(request) })
})

afterEach(async () => {
  hub.stop()
  await server.stop(true)
})

/** A stream of a person's, and its events one by one; null when it has ended. */
async function listen(personId: string) {
  const end = new AbortController()
  const res = await fetch(`http://127.0.0.1:${server.port}/api/events`, { headers: { "x-person": personId }, signal: end.signal })
  const reader = res.body!.pipeThrough(new TextDecoderStream() as never as TransformStream<Uint8Array, string>).getReader()
  let text = ""
  const next = async (): Promise<string | null> => {
    for (;;) {
      const [event, ...rest] = text.split("\n\n")
      if (rest.length > 0) {
        text = rest.join("\n\n")
        return event ?? ""
      }
      const { value, done } = await reader.read()
      if (done) return null
      text += value
    }
  }
  return { res, next, stop: () => end.abort() }
}

test("the first event says that all should be looked at, the next which topics changed, each once", async () => {
  const ann = await listen("ann")
  expect(ann.res.headers.get("content-type")).toBe("text/event-stream")
  expect(await ann.next()).toBe("retry: 2000\nevent: ready\ndata: {}")
  for (let i = 0; i < 50; i++) hub.changed("containers", "ann")
  hub.changed("files", "ann")
  expect(await ann.next()).toBe('event: changed\ndata: {"topics":["containers","files"]}')
})

test("nobody hears of another's things, and administrators alone of theirs", async () => {
  const [ann, ada] = [await listen("ann"), await listen("ada")]
  await ann.next()
  await ada.next()
  hub.changed("files", "bob")
  hub.changedForAdmins("audit")
  hub.changed("hostnames")
  expect(await ann.next()).toContain('["hostnames"]')
  expect(await ada.next()).toContain('["audit","hostnames"]')
})

test("who leaves is forgotten", async () => {
  const ann = await listen("ann")
  await ann.next()
  expect(hub.count("ann")).toBe(1)
  ann.stop()
  while (hub.count("ann") > 0) await Bun.sleep(5)
})

test("one person may have fifty streams, and is told when there are more", async () => {
  const streams = await Promise.all(Array.from({ length: 50 }, () => listen("ann")))
  await Promise.all(streams.map((stream) => stream.next()))
  const { res } = await listen("ann")
  expect(res.status).toBe(500)
  expect(hub.count("ann")).toBe(50)
  const bob = await listen("bob")
  expect(bob.res.status).toBe(200)
})

test.each([
  ["POST /api/domain-mappings", ["hostnames", "domains"]],
  ["DELETE /api/domains/:id", ["domains", "hostnames"]],
  ["PUT /api/settings/keys/:id", ["access", "sessions"]],
  ["POST /compute/containers/:id/stop", ["containers", "hostnames"]],
  ["POST /compute/ssh-keys", ["access", "containers"]],
  ["POST /v1/connections/:id/records:apply", ["applications", "hostnames", "domains"]],
  ["POST /v1/webhook-endpoints", ["applications"]],
  ["PUT /storage/:namespace/*", ["files"]],
  ["S3 PutObject", ["files"]],
  ["POST /setup/:secret", []],
])("%s changes %p", (action, topics) => {
  expect(topicsOf(action)).toEqual(topics as never)
})
