import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { Elysia } from "elysia"
import { ContainerOutput } from "../compute/output"
import { containerPartRoutes } from "../compute/part-routes"
import { silentLog } from "../log"
import { httpRoot } from "./root"

let server: ReturnType<typeof Bun.serve>
let closed = 0
let left: AbortSignal | undefined

/** A stream that says something at first and then nothing any more. */
const endless = () =>
  new ReadableStream({
    start: (controller) => controller.enqueue(new Uint8Array(3)),
    cancel: () => void closed++,
  })

const slow = () =>
  new ReadableStream({
    async pull(controller) {
      await Bun.sleep(20)
      controller.enqueue(new Uint8Array(3))
    },
    cancel: () => void closed++,
  })

/** The engine of a container that writes nothing. */
const engine = {
  inspect: async () => ({}),
  logs: async (_: unknown, __: unknown, signal: AbortSignal) => {
    left = signal
    return (async function* () {
      await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)))
      yield new Uint8Array()
    })()
  },
}

beforeAll(() => {
  const own = async () => ({ kind: "managed", engineId: "e" })
  const parts = { output: new ContainerOutput({ own, engine } as never) }
  const page = "<p>page</p>".repeat(20_000)
  const routes = new Elysia()
    .get("/endless", () => new Response(endless(), { headers: { "x-own": "1" } }))
    .get("/endless/:id", () => new Response(endless(), { status: 206 }))
    .get("/slow", () => new Response(slow()))
    .get("/announced", () => new Response(endless(), { headers: { "x-freehold-length": "12345" } }))
    .get("/failing", () => new Response(new ReadableStream({ pull: () => Promise.reject(new Error("the source broke")) })))
    .get("/page", () => new Response(page))
    .get("/empty", () => new Response(""))
    .get("/document", () => Response.json({ some: "thing" }))
    .get("/value", () => ({ some: "thing" }))
  const containers = containerPartRoutes(parts as never, async () => ({ personId: "ann", isAdmin: false }))
  const root = httpRoot({ routes: [routes, containers], isAllowedOrigin: () => true, log: silentLog })
  server = Bun.serve({ port: 0, hostname: "127.0.0.1", idleTimeout: 30, fetch: root.handle })
})
afterAll(() => server.stop(true))

const head = (path: string) => fetch(`http://127.0.0.1:${server.port}${path}`, { method: "HEAD", signal: AbortSignal.timeout(2000) })

describe("HEAD", () => {
  test.each([
    ["/endless", 200],
    ["/endless/1", 206],
    ["/slow", 200],
  ])("of a stream (%s) ends at once, and so does the stream", async (path, status) => {
    closed = 0
    const response = await head(path)
    expect([response.status, response.headers.get("content-length"), closed]).toEqual([status, null, 1])
    if (path === "/endless") expect(response.headers.get("x-own")).toBe("1")
  })

  test("of a log that is followed ends at once, and the engine is left", async () => {
    const response = await head("/compute/containers/c1/logs?follow=true")
    expect([response.status, response.headers.get("content-type")]).toEqual([200, "text/plain; charset=utf-8"])
    expect(left?.aborted).toBe(true)
  })

  test("of a stream whose length its route knows says so", async () => {
    closed = 0
    const response = await head("/announced")
    expect([response.headers.get("content-length"), response.headers.has("x-freehold-length"), closed]).toEqual(["12345", false, 1])
  })

  test("of a stream that breaks is no fault of the answer", async () => {
    expect((await head("/failing")).status).toBe(200)
  })

  test.each(["/page", "/empty", "/document", "/value", "/livez", "/none"])(
    "of what is there whole (%s) says how long it is",
    async (path) => {
      const whole = await fetch(`http://127.0.0.1:${server.port}${path}`)
      const response = await head(path)
      expect([response.status, response.headers.get("content-length")]).toEqual([
        whole.status,
        String((await whole.arrayBuffer()).byteLength),
      ])
    },
  )
})
