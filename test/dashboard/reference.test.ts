import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { hasChromium } from "../e2e/chromium"
import { DashboardHouse, narrow, troublesIn, type Visit } from "./house"
import { soon } from "../e2e/soon"

describe.skipIf(!hasChromium)("the API reference", () => {
  let house: DashboardHouse
  let visit: Visit
  beforeAll(async () => {
    house = await DashboardHouse.open()
    visit = await house.signedIn()
  })
  afterAll(() => house?.stop())

  const main = () => visit.page.getByRole("main")

  test("leads from a family to an operation, with all that is known of it", async () => {
    await visit.go("/reference", "API reference")
    await main().getByRole("list", { name: "Families of the API" }).getByRole("link", { name: "Networking" }).click()
    await visit.heading("Networking")
    await main().getByRole("list", { name: "Networking" }).getByRole("link", { name: "Map a hostname to a container" }).click()
    await visit.heading("Map a hostname to a container")
    expect(new URL(visit.page.url()).pathname).toBe("/reference/networking/postApiDomainMappings")
    await main().getByText("or a token with create on networking.<user id>.domain-mappings").waitFor()
    const body = main().getByLabel("Body", { exact: true })
    await soon(() => body.innerText()).toMatch(/target_port\s+whole number\s+required/)
    await soon(() => body.innerText()).toMatch(/http\s+text\s.*One of redirect, serve\. redirect where it is left out\./s)
    const request = main().getByLabel("Request", { exact: true })
    await soon(() => request.innerText()).toContain(`curl -X POST '${house.house.url}/api/domain-mappings'`)
    await soon(() => request.innerText()).toContain('-H "Authorization: Bearer $TOKEN"')
    expect(JSON.parse(await main().getByLabel("Answer, 201").innerText())).toMatchObject({ domain: "app.demo.test", status: "pending" })
    const answer = main().getByLabel("Fields of the answer")
    await soon(() => answer.innerText()).toMatch(/dns_automated\s+true\s+· not always/)
    const errors = main().getByRole("list", { name: "Errors" })
    await soon(() => errors.innerText()).toMatch(/401\s+No token/)
    await soon(() => errors.innerText()).toContain("domain already in use")
    await visit.page.getByRole("navigation", { name: "Neighbours" }).getByRole("link", { name: "Next" }).click()
    await visit.heading("Change the options of a hostname")
    await visit.page.goBack()
    await visit.heading("Map a hostname to a container")
    expect(visit.faults).toEqual([])
  })

  test("the shown command works, and so does its copy", async () => {
    await visit.page.context().grantPermissions(["clipboard-read", "clipboard-write"])
    await visit.go("/reference/server/getLivez", "Whether the process answers")
    await main().getByLabel("Request", { exact: true }).locator("..").getByRole("button", { name: "Copy" }).click()
    await visit.page.getByText("Copied").waitFor({ state: "attached" })
    const command = await visit.page.evaluate(() => navigator.clipboard.readText())
    const { stdout } = Bun.spawnSync(["sh", "-c", `${command} --silent --noproxy '*'`])
    expect(JSON.parse(stdout.toString())).toEqual({ status: "ok" })
  })

  test("search finds an operation by words and path, stands in the address, and says what fits nothing", async () => {
    await visit.go("/reference", "API reference")
    const box = visit.page.getByRole("searchbox", { name: "Search operations" })
    await box.fill("webhook replay")
    await main().getByText("1 operation fits “webhook replay”.").waitFor()
    expect(new URL(visit.page.url()).search).toBe("?q=webhook+replay")
    await visit.page.reload()
    await main().getByRole("list", { name: "Search operations" }).getByRole("link").click()
    await visit.heading("Send a webhook delivery again")
    expect(new URL(visit.page.url()).search).toBe("")
    await visit.page.goBack()
    await box.fill("patch domain-mappings")
    await main().getByRole("link", { name: "Change the options of a hostname" }).waitFor()
    await box.fill("teleport")
    await main().getByText("Nothing fits “teleport”.").waitFor()
    await visit.button("Empty the search").click()
    await main().getByRole("list", { name: "Families of the API" }).waitFor()
  })

  test("an address that is no longer there says so and leads back", async () => {
    await visit.go("/reference/networking/postNoSuchThing", "There is no such operation")
    await main().getByRole("link", { name: "Go to the API reference" }).click()
    await visit.heading("API reference")
    await visit.go("/reference/teleportation", "There is no such part of the API")
  })

  test("a server that does not give the document says so, and it can be tried again", async () => {
    const other = await house.signedIn(narrow)
    await other.page.route("**/openapi.json", (route) =>
      route.fulfill({ status: 500, contentType: "application/json", body: '{"error":"internal error"}' }),
    )
    await other.go("/reference")
    await other.page.getByRole("alert").getByText("Internal error.").waitFor({ timeout: 30_000 })
    await other.page.unroute("**/openapi.json")
    await other.button("Try again").click()
    await other.page.getByRole("list", { name: "Families of the API" }).waitFor()
    await other.close()
  })

  test("the document can be taken along", async () => {
    await visit.go("/reference")
    const [download] = await Promise.all([
      visit.page.waitForEvent("download"),
      visit.page.getByRole("link", { name: "Download as OpenAPI 3.1" }).click(),
    ])
    expect(download.suggestedFilename()).toBe("freehold-openapi.json")
    const { openapi, paths } = JSON.parse(await Bun.file(await download.path()).text()) as { openapi: string; paths: object }
    expect([openapi, Object.keys(paths).length > 100]).toEqual(["3.1.0", true])
  })

  test("the palette knows operations once the reference was open", async () => {
    await visit.go("/reference")
    await main().getByRole("list", { name: "Families of the API" }).waitFor()
    await visit.page.keyboard.press("Control+k")
    await visit.page.getByRole("combobox").fill("rotate-secret")
    await visit.page.keyboard.press("Enter")
    await visit.heading("Renew a signing secret")
  })

  test("every family opens without keeping the page busy", async () => {
    await visit.go("/reference/connect", "Connect")
    const longest = await visit.page.evaluate(
      () =>
        new Promise<number>((resolve) => {
          let most = 0
          new PerformanceObserver((list) => {
            for (const { duration } of list.getEntries()) most = Math.max(most, duration)
          }).observe({ type: "longtask" })
          for (const link of document.querySelectorAll<HTMLAnchorElement>('nav[aria-label="Families of the API"] > div > a')) link.click()
          setTimeout(() => resolve(most), 1500)
        }),
    )
    console.log(`opening seven families, the longest task: ${Math.round(longest)} ms`)
    expect(longest).toBeLessThan(1000)
  })

  test.each([
    ["reference", "/reference", "API reference"],
    ["reference-family", "/reference/storage", "Storage"],
    ["reference-operation", "/reference/compute/postComputeContainers", "Make a container"],
    ["reference-connection", "/reference/connect/postV1Connections", "Connect a hostname"],
    ["reference-search", "/reference?q=token", "API reference"],
    ["reference-nothing", "/reference?q=teleport", "API reference"],
  ])("%s is accessible in both themes, wide and narrow", async (name, path, heading) => {
    const troubles = await troublesIn(house, name, async (one) => {
      await one.go(path, heading)
      await one.settled()
      await one.page.getByRole("main").locator("ul:visible, dl:visible, [role=status]:visible").first().waitFor()
    })
    expect(troubles).toEqual([])
  })
})
