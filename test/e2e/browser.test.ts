import { afterAll, beforeAll, expect, test } from "bun:test"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Browser } from "playwright-core"
import { freePort } from "../lab/ports"
import { acceptsConnections, startProcess } from "../lab/process"
import { hasChromium, startChromium } from "./chromium"
import { soon } from "./soon"

const binary = join(import.meta.dir, "../../dist/freehold")
const browserTest = test.skipIf(!hasChromium)
const greeting = "It works, from behind the edge."

let folder = ""
let browser: Browser
let api = ""
let https = 0
let setupLink = ""
const undo: (() => unknown)[] = []

beforeAll(async () => {
  if (!hasChromium) return
  folder = mkdtempSync(join(tmpdir(), "freehold-browser-"))
  undo.push(() => rmSync(folder, { recursive: true, force: true }))
  const port = await freePort()
  https = await freePort()
  api = `http://127.0.0.1:${port}`
  const appliance = await startProcess({
    name: "freehold",
    command: [
      binary,
      "serve",
      "--data-dir",
      join(folder, "data"),
      "--api-listen",
      `127.0.0.1:${port}`,
      "--https-listen",
      `127.0.0.1:${https}`,
      "--http-listen",
      `127.0.0.1:${await freePort()}`,
    ],
    environment: { FREEHOLD_ALLOW_UPSTREAMS: "127.0.0.0/8", FREEHOLD_CONTAINER_ENGINE: "none", PATH: process.env.PATH ?? "" },
    ready: () => acceptsConnections("127.0.0.1", https),
  })
  undo.push(() => appliance.stop())
  setupLink = await untilPresent(() => /http:\S+\/setup\/\S+/.exec(appliance.output())?.[0])
  const page = `<!doctype html><title>App</title><h1>${greeting}</h1><output></output><script>const s=new WebSocket("wss://"+location.host+"/ws");s.onopen=()=>s.send("ping");s.onmessage=e=>document.querySelector("output").textContent=e.data</script>`
  const application = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch(req, server) {
      if (new URL(req.url).pathname === "/ws" && server.upgrade(req)) return undefined
      return new Response(page, { headers: { "content-type": "text/html" } })
    },
    websocket: { message: (socket, message) => void socket.send(`echo ${message}`) },
  })
  undo.push(() => application.stop(true))
  upstreamPort = application.port ?? 0
  const resolver = `--host-resolver-rules=MAP * 127.0.0.1:${https}, EXCLUDE 127.0.0.1`
  browser = await startChromium(resolver)
  undo.push(() => browser.close())
}, 60_000)

let upstreamPort = 0

afterAll(async () => {
  for (const step of undo.reverse()) await step()
})

async function untilPresent<T>(ask: () => T | undefined): Promise<T> {
  for (let i = 0; i < 400; i++) {
    const value = ask()
    if (value !== undefined) return value
    await Bun.sleep(25)
  }
  throw new Error("it did not come in 10 s")
}

browserTest("a person sets up the first account by the link, and sees what is wrong with a short password", async () => {
  const page = await browser.newPage({ viewport: { width: 390, height: 700 } })
  await page.goto(setupLink)
  expect(await page.title()).toBe("Create the first account · Freehold")
  await page.getByLabel("User name").fill("ada lovelace")
  await page.getByLabel("Password").fill("correct horse battery")
  await page.getByRole("button").click()
  await soon(() => page.getByRole("alert").textContent()).toContain("Username must be")
  await page.getByLabel("User name").fill("ada")
  await page.getByLabel("Password").fill("correct horse battery")
  await page.getByRole("button").click()
  await page.waitForURL("**/welcome")
  await page.goto(setupLink)
  await soon(() => page.getByRole("heading").textContent()).toBe("This link is over")
  expect(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth)).toBe(true)
  await page.close()
})

browserTest("a mapped name opens in the browser, with a WebSocket through the edge; an unmapped one does not", async () => {
  const post = async <T>(path: string, body: object, token = "") => {
    const res = await fetch(api + path, { method: "POST", body: JSON.stringify(body), headers: { authorization: `Bearer ${token}` } })
    return (await res.json()) as T
  }
  const { token } = await post<{ token: string }>("/api/login", { username: "ada", password: "correct horse battery" })
  const container = await post<{ id: string }>(
    "/compute/containers",
    { name: "web", address: "127.0.0.1", ports: { "8080": upstreamPort } },
    token,
  )
  const mapping = await post<{ status: string }>(
    "/api/domain-mappings",
    { container_id: container.id, domain: "web.home.arpa", target_port: 8080 },
    token,
  )
  expect(mapping.status).toBe("verified")
  // Chromium on a test machine does not have our root in its store; the certificate itself is checked with curl and openssl elsewhere.
  const context = await browser.newContext({ ignoreHTTPSErrors: true })
  const page = await context.newPage()
  await page.goto("https://web.home.arpa/")
  await soon(() => page.getByRole("heading").textContent()).toBe(greeting)
  await page.waitForFunction(() => document.querySelector("output")?.textContent === "echo ping")
  const refused = await page.goto("https://other.home.arpa/").catch((error: Error) => error.message)
  expect(String(refused)).toContain("net::ERR")
  await context.close()
})
