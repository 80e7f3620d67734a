import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { hasChromium } from "../e2e/chromium"
import { type CloudflareLab, startCloudflare } from "../lab/cloudflare"
import { DashboardHouse, troublesIn, type Visit } from "./house"
import { soon } from "../e2e/soon"

const [first, second] = ["token-that-edits-one-zone", "token-that-edits-both"]

describe.skipIf(!hasChromium)("owned domains in the dashboard", () => {
  let cloudflare: CloudflareLab
  let house: DashboardHouse
  let visit: Visit

  beforeAll(async () => {
    const zones = [
      { id: "1".repeat(32), name: "customer.test" },
      { id: "2".repeat(32), name: "shop.test" },
    ]
    cloudflare = startCloudflare({ zones, tokens: { [first]: [zones[0]!.id], [second]: zones.map(({ id }) => id), blind: [] } })
    house = await DashboardHouse.open({ settings: { FREEHOLD_CLOUDFLARE_API: cloudflare.url } })
    visit = await house.signedIn()
  })
  afterAll(async () => {
    await house?.stop()
    await cloudflare?.stop()
  })

  const give = async (token: string, button: string) => {
    await visit.page.getByLabel("API token").fill(token)
    await visit.page.getByRole("dialog").getByRole("button", { name: button }).click()
  }

  test("without a token the page says what one is for, and which rights it needs", async () => {
    await visit.go("/domains", "Owned domains")
    await visit.button("Connect a token").click()
    const dialog = visit.page.getByRole("dialog")
    await dialog.getByText("Zone · DNS · Edit").waitFor()
    await soon(() => dialog.getByRole("link", { name: "Make one at Cloudflare" }).getAttribute("href")).toContain("cloudflare.com")
    expect(await troublesIn(house, "domains-empty", (one) => one.go("/domains", "Owned domains"))).toEqual([])
    const arrange = async (one: Visit) => {
      await one.go("/domains?open=new", "Owned domains")
      await one.page.getByRole("dialog").waitFor()
    }
    expect(await troublesIn(house, "domains-new", arrange)).toEqual([])
  })

  test("a token that is none is refused at the field in the provider's words, and what was typed stays", async () => {
    await give("blind", "Test and connect")
    const field = visit.page.getByLabel("API token")
    await visit.page.getByText("Token invalid or lacks zone access: cloudflare answered 400: 6003 Invalid request headers.").waitFor()
    expect([await field.inputValue(), await field.getAttribute("aria-invalid")]).toEqual(["blind", "true"])
  })

  test("a token that works is kept, its zones are listed, and the names below them", async () => {
    await give(first, "Test and connect")
    await visit.page.getByText("Connected; it sees one zone").waitFor()
    await visit.page.getByText("None yet. Add a hostname such as app.customer.test").waitFor()
    expect(await troublesIn(house, "domains-none-written", (one) => one.go("/domains", "Owned domains"))).toEqual([])
    const ada = await house.house.login()
    const container = await ada.external("web", { "8080": 9 })
    const mapping = await ada.map("www.customer.test", container)
    expect(mapping.dns_automated).toBe(true)
    await visit.page.getByRole("link", { name: "www.customer.test" }).first().waitFor()
    const records = visit.page.getByRole("list", { name: "Records Freehold wrote" })
    await records.getByText(/^ingress\./).waitFor()
    await records.getByText("Leads visitors here for www.customer.test").waitFor()
    await records.getByText("Not looked at").waitFor()
    expect(await visit.page.content()).not.toContain(first)
    expect(await troublesIn(house, "domains", (one) => one.go("/domains", "Owned domains"))).toEqual([])
  })

  test("another token takes its place, and one that does not work does not", async () => {
    await visit.button(/Cloudflare, customer.test/).click()
    await visit.page.getByRole("menuitem", { name: "Replace token" }).click()
    await give("unknown", "Test and replace")
    await visit.page.getByText(/^Token invalid or lacks zone access: cloudflare answered 40\d: /).waitFor()
    await give(second, "Test and replace")
    await visit.page.getByText("The token was replaced").waitFor()
    await visit.page.getByText("2 zones").waitFor()
    delete cloudflare.tokens[first]
    await visit.button("Look for zones again").click()
    await visit.page.getByText("Looked for zones again").waitFor()
  })

  test("a token that was revoked is told where zones are looked for", async () => {
    const grant = cloudflare.tokens[second]
    delete cloudflare.tokens[second]
    await visit.button("Look for zones again").click()
    await visit.page.getByText(/Token no longer valid/).waitFor()
    cloudflare.tokens[second] = grant!
  })

  test("removing says what stops, by a zone's name typed", async () => {
    await visit.button(/Cloudflare, customer.test/).click()
    await visit.page.getByRole("menuitem", { name: "Remove token" }).click()
    const dialog = visit.page.getByRole("dialog")
    await dialog.getByText("One hostname lies below these zones").waitFor()
    await dialog.getByRole("textbox").fill("customer.test")
    await dialog.getByRole("button", { name: "Remove token" }).click()
    await visit.page.getByText("No provider token is connected yet").waitFor()
    expect(visit.faults).toEqual([])
  })
})
