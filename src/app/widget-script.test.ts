import { beforeAll, expect, test } from "bun:test"
import { widgetRoutes } from "../http/widget-routes"
import { WidgetScript } from "./widget-script"

const mostBytes = 40 * 1024
let app: ReturnType<typeof widgetRoutes>

beforeAll(() => {
  app = widgetRoutes(new WidgetScript().text)
})

const get = (headers: Record<string, string> = {}) => app.handle(new Request("http://localhost/widget.js", { headers }))

test("the script is one of under 40 KB, gzipped", async () => {
  const res = await get({ "accept-encoding": "br, gzip" })
  expect(res.headers.get("content-encoding")).toBe("gzip")
  const gzipped = new Uint8Array(await res.arrayBuffer())
  const plain = await (await get()).text()
  expect(new TextDecoder().decode(Bun.gunzipSync(gzipped))).toBe(plain)
  console.log(`widget.js: ${plain.length} characters, ${gzipped.byteLength} bytes gzipped`)
  expect(gzipped.byteLength).toBeLessThan(mostBytes)
})

test("it is a function of its own, evaluates no text and asks nobody but the API", async () => {
  const plain = await (await get()).text()
  expect(plain).toStartWith("(()=>{")
  expect(plain).not.toMatch(/\beval\(|new Function|innerHTML|insertAdjacentHTML|document\.write|\.cssText|setAttribute\("style"/)
  const addresses = [...plain.matchAll(/https?:\/\/[a-z][\w.-]+/g)].map(([address]) => address)
  // The name of a namespace, and an example in a message.
  expect([...new Set(addresses)].sort()).toEqual(["http://www.w3.org", "https://connect.example.net"])
})

test("what a browser has already is not sent again", async () => {
  const { headers } = await get()
  expect(headers.get("content-type")).toBe("text/javascript; charset=utf-8")
  expect(headers.get("cache-control")).toBe("public, max-age=300")
  const etag = headers.get("etag") ?? ""
  expect(etag).toMatch(/^"[\w-]{22}"$/)
  for (const known of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
    const again = await get({ "if-none-match": known })
    expect([known, again.status, again.headers.get("etag"), await again.text()]).toEqual([known, 304, etag, ""])
  }
  expect((await get({ "if-none-match": '"other"' })).status).toBe(200)
})

test.each([
  ["", null],
  ["identity", null],
  ["gzip;q=0", null],
  ["gzip;q=0.0, br", null],
  ["deflate, gzip;q=0.5", "gzip"],
  ["x-gzip-like", null],
])("a browser that accepts %p gets %p", async (accepts, encoding) => {
  expect((await get({ "accept-encoding": accepts })).headers.get("content-encoding")).toBe(encoding)
})
