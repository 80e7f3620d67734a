import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { hasChromium } from "../e2e/chromium"
import { DashboardHouse, narrow, scrollThrough } from "./house"
import { soon } from "../e2e/soon"

const many = 200

describe.skipIf(!hasChromium)("the list of containers without an engine", () => {
  let house: DashboardHouse
  beforeAll(async () => {
    house = await DashboardHouse.open()
    const ada = await house.house.login()
    for (let i = 1; i <= many; i++) await ada.external(`app-${String(i).padStart(3, "0")}`, { "80": 8000 + i })
    await ada.map("needle.home.arpa", await ada.external("hay", { "80": 9000 }), 80)
  }, 120_000)
  afterAll(() => house?.stop(), 30_000)

  test("no engine is told with what to install, and external ones are made all the same", async () => {
    const visit = await house.signedIn()
    const { page } = visit
    await visit.go("/containers", "Containers")
    await page.getByText("No container engine").waitFor()
    await page.getByText("systemctl enable --now podman.socket").waitFor()
    await visit.go("/containers/new?kind=external", "New container")
    await page.getByLabel("Name", { exact: true }).fill("plex")
    await visit.button("Register container").click()
    await page.getByText("Address is required.").waitFor()
    await page.getByLabel("Address").fill("127.0.0.1")
    await page.getByLabel("Real port").fill("32400")
    await visit.button("Register container").click()
    await visit.heading("plex")
    await page.getByText("80 → 32400").waitFor()
    await visit.button("Hold traffic back").click()
    await page.getByText("Traffic held back").waitFor()
    expect(visit.faults).toEqual([])
    await visit.close()
  }, 60_000)

  test("search and state stand in the address, and hostnames are searched too", async () => {
    const visit = await house.signedIn()
    const { page } = visit
    await visit.go("/containers?q=needle", "Containers")
    await page.getByRole("link", { name: "hay" }).waitFor()
    await soon(() => page.getByRole("listitem").count()).toBe(1)
    await page.getByRole("searchbox").fill("app-07")
    await page.getByText(/^10 of \d+ containers$/).waitFor()
    await page.getByLabel("State").selectOption("failed")
    await page.getByRole("heading", { name: "No container is like that" }).waitFor()
    expect(new URL(page.url()).search).toMatch(/q=app.*state=failed/)
    await visit.button("Show all containers").click()
    await page.getByText(/^\d+ containers$/).waitFor()
    expect(new URL(page.url()).search).toBe("")
    await visit.close()
  }, 60_000)

  test("on a narrow screen nothing of a row is cut off, and its actions open", async () => {
    const visit = await house.signedIn(narrow)
    await visit.go("/containers?q=app-00", "Containers")
    const rows = visit.page.getByRole("list", { name: /^Containers/ }).getByRole("listitem")
    await rows.first().getByRole("button").click()
    await visit.page.getByRole("menuitem", { name: "Hold traffic back" }).waitFor()
    expect(await visit.cutOff()).toEqual([])
    const state = await rows.first().getByText("Traffic let through").boundingBox()
    expect((state?.x ?? narrow.width) + (state?.width ?? 0)).toBeLessThan(narrow.width - 16)
    await visit.close()
  }, 60_000)

  test("two hundred scroll within a frame", async () => {
    const visit = await house.signedIn()
    const { page } = visit
    await visit.go("/containers", "Containers")
    await page.getByRole("list", { name: /^Containers/ }).waitFor()
    await visit.settled()
    const cost = await scrollThrough(page, 120)
    console.log(`${many} containers, a frame of scrolling: ${JSON.stringify(cost)} ms`)
    expect(cost.rows).toBeLessThan(60)
    expect(cost.animations).toBe(0)
    expect(cost.script + cost.style + cost.layout).toBeLessThan(12)
    await visit.close()
  }, 60_000)
})
