import { afterAll, beforeAll, expect, test } from "bun:test"
import type { Browser } from "playwright-core"
import { complaints, hasChromium, startChromium } from "./chromium"
import { type Stage, stageObstacle, startStage } from "./stage"
import { StrictSite } from "./widget-page"

const obstacle = hasChromium ? await stageObstacle({ pebble: true }) : "there is no Chromium"
const zoneTest = test.skipIf(obstacle !== undefined)
const base = "cloud.test"
const hostname = "shop.customer.test"

let stage: Stage
let browser: Browser
let site: StrictSite
const undo: (() => unknown)[] = []

beforeAll(async () => {
  if (obstacle !== undefined) return
  stage = await startStage({
    pebble: true,
    zones: ["customer.test", base],
    prepare: async (dns, address) => {
      for (const name of [`ingress.${base}`, `connect.${base}`]) await dns.publish("both", name, "A", address)
      return { FREEHOLD_BASE_DOMAIN: base, FREEHOLD_DNS_RECURSIVES: "none" }
    },
  })
  undo.push(() => stage.stop())
  browser = await startChromium()
  undo.push(() => browser.close())
  site = new StrictSite(stage.house.url, stage.house.address)
  undo.push(() => site.stop())
}, 180_000)

afterAll(async () => {
  for (const step of undo.reverse()) await step()
})

zoneTest(
  "the widget's whole manual flow against a real zone, at two name servers and with a certificate by ACME",
  async () => {
    const { house, dns } = stage
    const ada = await house.login()
    const call = async (path: string, body: object) => {
      const { status, text } = await house.api("POST", path, { token: ada.token, body })
      if (status >= 300) throw new Error(`${path} answered ${status}: ${text}`)
      return JSON.parse(text) as Record<string, string>
    }
    const origin = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("The shop is open.\n") })
    undo.push(() => origin.stop(true))
    const application = await call("/v1/applications", {
      name: "Shops",
      allowed_origins: [site.origin],
      origin_url: `http://127.0.0.1:${origin.port}`,
    })
    const { auth_token: token } = await call("/v1/tokens", { application_id: application.id })
    const visit = await site.open(browser, { token })
    await visit.page.keyboard.type(hostname)
    await visit.press("Enter")
    await visit.heading(hostname)
    await visit.press("Enter")
    await visit.heading("Add these records")
    const [proof, cname] = await visit.records()
    expect(cname).toEqual({ type: "CNAME", full: hostname, field: "shop", value: `ingress.${base}` })
    await visit.tabTo("I have added the records")
    await visit.press("Enter")
    await visit.page.getByText("0 of 2 records found").waitFor()
    await dns.publish("both", proof?.full ?? "", "TXT", proof?.value ?? "")
    await visit.page.getByText("1 of 2 records found").waitFor()
    // One server is behind: it says which, and is not satisfied yet.
    await dns.publish(1, hostname, "CNAME", `ingress.${base}.`)
    await visit.page.getByText(dns.addresses.ns2).waitFor()
    expect(await complaints(visit.page)).toEqual([])
    await dns.publish(2, hostname, "CNAME", `ingress.${base}.`)
    await visit.heading("Your domain is live")
    expect((await visit.heard()).map(({ type, detail }) => detail.step ?? type)).toEqual([
      "enter",
      "analyze",
      "manual",
      "progress",
      "connectdomain:success",
      "success",
    ])
    expect(await visit.violations()).toEqual([])
    expect(visit.faults).toEqual([])
    const { status, text, code } = await house.curl(`https://${hostname}/`)
    expect([code, status, text]).toEqual([0, 200, "The shop is open.\n"])

    // The same connection as its customer sees it by a link, at the public address; the log has nothing of its secret.
    const jobId = String((await visit.heard()).at(-1)?.detail.jobId)
    await visit.close()
    const { url = "" } = await call(`/v1/connections/${jobId}/link`, { expires_in: 3600 })
    expect(url).toStartWith(`https://connect.${base}/c/`)
    const page = await house.curl(url)
    expect([page.code, page.status]).toEqual([0, 200])
    expect(page.text).toContain(`${hostname} is connected`)
    await house.said('"path":"/c/*"')
    expect(house.output()).not.toContain(url.split("/c/")[1] ?? url)
  },
  120_000,
)
