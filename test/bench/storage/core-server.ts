// A program: `core-server.ts FOLDER PORT`. The storage core behind nothing but Bun.serve, for measuring it before any API is in the way.

import { openCore } from "../../crash/storage-core"
import { seedList } from "./seed"

const [folder = "", port = ""] = process.argv.slice(2)
const core = await openCore(folder)
const { storage, plain } = core
await core.swept
const listed = (await storage.namespaceStore.find("list")) ?? (await storage.namespaces.create("ann", "list"))
if (listed.objects === 0) seedList(folder, listed.name)

// How long nothing else got its turn.
let at = performance.now()
let held: number[] = []
setInterval(() => {
  const now = performance.now()
  held.push(now - at - 1)
  at = now
}, 1)

Bun.serve({
  hostname: "127.0.0.1",
  port: Number(port),
  maxRequestBodySize: Number.MAX_SAFE_INTEGER,
  idleTimeout: 0,
  async fetch(req) {
    const url = new URL(req.url)
    const key = decodeURIComponent(url.pathname.slice(1))
    if (url.pathname === "/held") {
      const sorted = held.sort((a, b) => a - b)
      held = []
      return Response.json({ mostMs: sorted.at(-1), p99Ms: sorted[Math.floor(sorted.length * 0.99)], turns: sorted.length })
    }
    if (req.method === "PUT") {
      const body = (req.body ?? []) as AsyncIterable<Uint8Array>
      const { etag } = await storage.objects.put(plain, key, body, { announcedBytes: Number(req.headers.get("content-length") ?? 0) })
      return new Response(null, { status: 201, headers: { etag: `"${etag}"` } })
    }
    if (key === "") {
      const after = url.searchParams.get("after")
      const from = after === null ? { key: "", including: true } : { key: after, including: false }
      const { objects, next } = await storage.objects.list(listed, { prefix: "", delimiter: "", from, limit: 1000 })
      return Response.json({
        objects: objects.map(({ key: name, size, etag, createdAt }) => ({ name, size, etag, createdAt })),
        next: next?.key,
      })
    }
    const object = await storage.objects.get(plain, key)
    const bytes = await storage.reader.open(object)
    return new Response(bytes, { headers: { etag: `"${object.etag}"`, "content-type": object.contentType } })
  },
})
console.log("listening")
