import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { hasChromium } from "../e2e/chromium"
import type { Person } from "../e2e/person"
import { type Stage, stageObstacle, startStage } from "../e2e/stage"
import { type LyingDirectory, startLyingDirectory } from "../lab/lying-directory"
import { soon } from "../e2e/soon"
import { DashboardHouse, troublesIn, type Visit } from "./house"

const obstacle = hasChromium ? await stageObstacle({ pebble: true }) : "there is no Chromium"

describe.skipIf(obstacle !== undefined)(`rate limits in the administration${obstacle ? ` (skipped: ${obstacle})` : ""}`, () => {
  let stage: Stage
  let liar: LyingDirectory
  let house: DashboardHouse
  let ada: Person
  let container: string
  let upstream: Bun.Server<undefined>

  beforeAll(async () => {
    upstream = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("here\n") })
    stage = await startStage({ pebble: true })
    liar = await startLyingDirectory(stage.pebble)
    await stage.house.restart({ FREEHOLD_ACME_DIRECTORY: liar.directory, FREEHOLD_ACME_DOMAIN_LIMIT: "3" })
    ada = await stage.house.login()
    house = await DashboardHouse.open(stage.house)
    container = await ada.external("app", { 8080: upstream.port ?? 0 })
  })
  afterAll(async () => {
    await house?.stop()
    await stage?.stop()
    await liar?.stop()
    await upstream?.stop(true)
  })

  async function bring(name: string): Promise<string> {
    await stage.point(name)
    const { id, verify_name: record, verify_token: value } = await ada.map(name, container)
    await stage.dns.publish("both", record, "TXT", value)
    await ada.verify(id)
    return id
  }

  test("what is left is shown with a meter, and a limit that the issuer closed with its own words", async () => {
    const visit = await house.signedIn()
    await visit.go("/administration/certificates", "Administration")
    await visit.page.getByText("No limit is touched yet").waitFor()
    expect(await visit.page.getByRole("meter").count()).toBe(0)

    await ada.certified(await bring("one.customer.test"))
    await visit.page.reload()
    const limits = visit.page.getByRole("list", { name: "Rate limits", exact: true })
    const row = (kind: string) => limits.getByRole("listitem").filter({ hasText: kind })
    const domain = row("Certificates of a domain")
    await domain.getByText("2 of 3 left").waitFor()
    await soon(() => domain.innerText()).toMatch(/customer\.test[\s\S]*one more in \d+ (day|hour)s?/)
    const meter = domain.getByRole("meter", { name: "Used" })
    await soon(() => meter.getAttribute("aria-valuenow")).toBe("33")
    await soon(() => meter.getAttribute("aria-valuetext")).toMatch(/^2 of 3 certificates left this week for customer\.test at /)

    liar.limit({ detail: "too many new orders (300) from this account in the last 3h0m0s", retryAfterSeconds: 7200 })
    const held = await bring("two.customer.test")
    await ada.mappingIs(held, "put off", ({ certificate }) => certificate?.problem !== undefined)
    await visit.page.reload()
    const orders = row("Orders of this account")
    await orders.getByText("Closed by the issuer, opens in 1 hour").waitFor()
    await soon(() => orders.innerText()).toContain("it said: too many new orders (300) from this account")
    expect(await orders.getByRole("meter").count()).toBe(0)
    expect(await troublesIn(house, "administration-limits", (look) => look.go("/administration/certificates"))).toEqual([])

    await visit.go(`/hostnames/mapping/${held}/certificate`, "two.customer.test")
    await row("Orders of this account").getByText("Closed by the issuer, opens in 1 hour").waitFor()
    await row("Certificates of a domain").getByText("2 of 3 left").waitFor()
    await visit.page.getByText("A rate limit keeps the order waiting", { exact: true }).waitFor()
    const shown = (look: Visit) => look.go(`/hostnames/mapping/${held}/certificate`, "two.customer.test")
    expect(await troublesIn(house, "hostname-limits", shown)).toEqual([])
    expect(visit.faults).toEqual([])
    await visit.close()
  })
})
