import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { hasChromium } from "../e2e/chromium"
import type { Mapping, Person } from "../e2e/person"
import { DashboardHouse, troublesIn, type Visit } from "./house"
import { soon } from "../e2e/soon"

describe.skipIf(!hasChromium)("requests of a hostname, live", () => {
  let house: DashboardHouse
  let upstream: Bun.Server<undefined>
  let ada: Person
  let mapping: Mapping
  let visit: Visit
  const fetch = (request: Request) => new Response("hello\n", { status: new URL(request.url).pathname === "/broken" ? 500 : 200 })
  const ask = (path: string, name = "nas.home.arpa") => house.house.curl(`https://${name}${path}`, { args: ["--insecure"] })
  const row = (text: string) => visit.page.getByRole("log").getByRole("listitem").filter({ hasText: text })

  beforeAll(async () => {
    upstream = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch })
    house = await DashboardHouse.open({ settings: { FREEHOLD_EDGE_WORKERS: "2" } })
    ada = await house.house.login()
    mapping = await ada.map("nas.home.arpa", await ada.external("web", { "8080": upstream.port ?? 0 }))
    await ada.certified(mapping.id)
    visit = await house.signedIn()
  }, 60_000)
  afterAll(async () => {
    await house?.stop()
    await upstream?.stop(true)
  })

  test("each appears as it ends, without the values of its query, and the list can be narrowed, paused and cleared", async () => {
    const path = `/hostnames/mapping/${mapping.id}/requests`
    await visit.go(path, "nas.home.arpa")
    const { page } = visit
    await page.getByText("Watching", { exact: true }).waitFor()
    await page.getByText("Requests appear here as they end").waitFor()
    await ask("/photos?token=s3cret&page=2")
    await row("/photos?token=…&page=…").waitFor()
    await ask("/broken")
    await row("/broken").waitFor()
    expect(await page.getByRole("log").innerText()).not.toContain("s3cret")
    await page.getByLabel("Errors only").check()
    await row("/photos").waitFor({ state: "detached" })
    expect(new URL(page.url()).search).toBe("?only=errors")
    await page.getByLabel("Errors only").uncheck()
    await page.getByLabel("Filter by path, client or status").fill("500")
    await row("/photos").waitFor({ state: "detached" })
    await soon(() => row("/broken").count()).toBe(1)
    await page.getByLabel("Filter by path, client or status").fill("")
    await visit.button("Pause").click()
    await ask("/later")
    await page.getByText("1 since").waitFor()
    expect(await row("/later").count()).toBe(0)
    await visit.button("Go on").click()
    await row("/later").waitFor()
    await visit.button("Clear").click()
    await page.getByText("Requests appear here as they end").waitFor()
    expect(visit.faults).toEqual([])
  })

  test("what the application failed at is said in words, and a lost connection comes again by itself", async () => {
    const { port } = upstream
    await upstream.stop(true)
    await ask("/gone")
    await row("The application of this hostname did not accept the connection.").waitFor()
    upstream = Bun.serve({ hostname: "127.0.0.1", port: port ?? 0, fetch })
    await house.house.end()
    await house.house.start()
    await visit.page.getByText("Watching", { exact: true }).waitFor({ timeout: 30_000 })
    await ask("/again")
    await row("/again").waitFor()
  }, 90_000)

  test("more than one person may watch are refused, with a way to try again", async () => {
    const ends = Array.from({ length: 10 }, () => new AbortController())
    const headers = { authorization: `Bearer ${ada.token}` }
    await visit.go("/hostnames", "Hostnames")
    const watch = (end: AbortController) =>
      globalThis.fetch(`${house.house.url}/api/domain-mappings/${mapping.id}/requests`, { headers, signal: end.signal })
    // The page that has just been left may be counted for a moment.
    while ((await Promise.all(ends.map(watch))).some(({ status }) => status !== 200)) await Bun.sleep(100)
    await visit.go(`/hostnames/mapping/${mapping.id}/requests`, "nas.home.arpa")
    await visit.page.getByText("No more than 10 hostnames are watched by one person at a time.").waitFor()
    await visit.page.getByText("Not watching").waitFor()
    for (const end of ends) end.abort()
    const open = visit.page.getByText("Watching", { exact: true })
    for (let tries = 0; tries < 50 && !(await open.isVisible()); tries++) {
      const again = visit.button("Try again")
      if (await again.isVisible()) await again.click()
      await Bun.sleep(100)
    }
    await open.waitFor()
    // Two refusals of the API, and nothing else.
    expect(visit.faults).toEqual([])
  })

  test("is accessible in all looks", async () => {
    const arrange = async (one: Visit) => {
      await one.go(`/hostnames/mapping/${mapping.id}/requests`, "nas.home.arpa")
      await one.page.getByText("Watching", { exact: true }).waitFor()
      for (const path of ["/", "/photos/2026/november?album=x&page=2", "/broken", `/${"a-long-path/".repeat(12)}`, "/api/session"])
        await ask(path)
      await one.page.getByRole("log").getByRole("listitem").nth(4).waitFor()
    }
    expect(await troublesIn(house, "hostname-requests", arrange)).toEqual([])
    expect(
      await troublesIn(house, "hostname-requests-empty", (one) => one.go(`/hostnames/mapping/${mapping.id}/requests`, "nas.home.arpa")),
    ).toEqual([])
  })
})
