import { afterAll, expect, test } from "bun:test"
import { mkdtempSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { listenAt, serveApi, serveEdgeApi } from "./listen"

const folder = mkdtempSync(join(tmpdir(), "freehold-listen-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const loopback = { host: "127.0.0.1", port: 0 }
const headers = { "x-forwarded-for": "203.0.113.9" }

test("an answer may take longer than the ten seconds after which Bun cuts a silent connection", async () => {
  const slow = async () => {
    await Bun.sleep(13_000)
    return new Response("done")
  }
  const path = join(folder, "slow.sock")
  const [outer, inner] = [serveApi("api_listen", loopback, slow), serveEdgeApi(path, slow)]
  const answers = await Promise.all([fetch(outer.url), fetch("http://api/", { unix: path })])
  expect(await Promise.all(answers.map((res) => res.text()))).toEqual(["done", "done"])
  await Promise.all([outer.stop(true), inner.stop(true)])
}, 30_000)

test("the address is the peer's on the open listener, and what the edge wrote on its own socket", async () => {
  const echo = async (_request: Request, address: string | undefined) => new Response(String(address))
  const path = join(folder, "api.sock")
  const [outer, inner] = [serveApi("api_listen", loopback, echo), serveEdgeApi(path, echo)]
  expect(await (await fetch(outer.url, { headers })).text()).toBe("127.0.0.1")
  expect(await (await fetch("http://api/", { unix: path, headers })).text()).toBe("203.0.113.9")
  expect(statSync(path).mode & 0o777).toBe(0o600)
  await Promise.all([outer.stop(true), inner.stop(true)])
})

test("a port that is taken and a socket path that is too long name the setting", async () => {
  const first = serveApi("api_listen", loopback, async () => new Response())
  const taken = { host: "127.0.0.1", port: first.port ?? 0 }
  expect(() => serveApi("api_listen", taken, async () => new Response())).toThrow(`api_listen 127.0.0.1:${taken.port}`)
  const listener = { start: () => Promise.reject(new Error("EADDRINUSE")) }
  expect(listenAt("https_listen", taken, listener)).rejects.toThrow(`https_listen 127.0.0.1:${taken.port}: EADDRINUSE`)
  expect(() => serveEdgeApi(join(folder, "x".repeat(120)), async () => new Response())).toThrow("data_dir is too long")
  await first.stop(true)
})

test("without a host every address is listened on, and IPv4 alone where there is no IPv6", async () => {
  const tried: string[] = []
  const listener = {
    start: async ({ host, port }: { host: string; port: number }) => {
      tried.push(host)
      if (host === "::") throw Object.assign(new Error("no IPv6"), { code: "EAFNOSUPPORT" })
      return { port }
    },
  }
  expect(await listenAt("http_listen", { host: undefined, port: 81 }, listener)).toBe(81)
  expect(tried).toEqual(["::", "0.0.0.0"])
})
