import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { Database } from "bun:sqlite"
import { join } from "node:path"
import { hasChromium } from "../e2e/chromium"
import { DashboardHouse, scrollThrough, troublesIn, type Visit } from "./house"

describe.skipIf(!hasChromium)("a list of 500 hostnames", () => {
  let house: DashboardHouse
  beforeAll(async () => {
    house = await DashboardHouse.open()
    const ada = await house.house.login()
    const container = await ada.external("web", { "8080": 9 })
    for (let n = 0; n < 30; n++) await ada.map(`device-${n}.home.arpa`, container)
    const db = new Database(join(house.house.dataDir, "freehold.db"))
    db.run("pragma busy_timeout = 10000")
    const row = db.prepare(
      `insert into domain_mappings (id, person_id, domain, container_id, target_port, http, upstream_protocol, access_log, status, verify_token, window_started_at, next_check_at, checks, last_detail, created_at)
       values (?, ?, ?, ?, 8080, 'redirect', 'http1', 1, ?, 'edd-verify-x', ?, 9000000000000000, 3, ?, ?)`,
    )
    const detail = (name: string) => `TXT _edd-verify.${name}: ns1.example.net, ns2.example.net answered NXDOMAIN`
    db.transaction(() => {
      for (let n = 0; n < 470; n++) {
        const name = `customer-${String(n).padStart(3, "0")}.example.com`
        const at = Date.now() - n * 3_600_000
        row.run(`dom_${n}`, ada.id, name, container, n % 9 === 0 ? "failed" : "pending", at, detail(name), at)
      }
    })()
    db.close()
  })
  afterAll(() => house?.stop())

  test("scrolls from end to end within a frame each, and is narrowed as one types", async () => {
    const visit = await house.signedIn()
    const { page } = visit
    await visit.go("/hostnames", "Hostnames")
    await page.getByRole("button", { name: "All 500" }).waitFor()
    const cost = await scrollThrough(page, 120)
    console.log(`500 hostnames, a frame of scrolling: ${JSON.stringify(cost)} ms`)
    expect(await page.evaluate(() => window.scrollY)).toBeGreaterThan(20_000)
    expect(cost.rows).toBeLessThan(80)
    expect(cost.animations).toBe(0)
    expect(cost.script + cost.style + cost.layout).toBeLessThan(12)
    await page.getByLabel("Search hostnames").fill("customer-04")
    await page.getByRole("button", { name: "All 10" }).waitFor()
    await page.getByRole("button", { name: /^Trouble/ }).click()
    expect(new URL(page.url()).search).toBe("?q=customer-04&state=trouble")
    await page.reload()
    await page.getByRole("link", { name: /customer-045/ }).waitFor()
    expect(visit.faults).toEqual([])
  })

  test("is accessible in all looks", async () => {
    const arrange = async (visit: Visit) => {
      await visit.go("/hostnames", "Hostnames")
      await visit.page.getByRole("button", { name: "All 500" }).waitFor()
    }
    expect(await troublesIn(house, "hostnames-many", arrange)).toEqual([])
  })
})
