import { availableParallelism, loadavg } from "node:os"
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { hasChromium } from "../e2e/chromium"
import { DashboardHouse } from "./house"

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
    expect(await page.getByRole("listitem").count()).toBe(1)
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

  test("two hundred scroll without a long task", async () => {
    const visit = await house.signedIn()
    const { page } = visit
    await visit.go("/containers", "Containers")
    await page.getByRole("list", { name: /^Containers/ }).waitFor()
    await visit.settled()
    // By the processor's time too, which other work on the machine lengthens less.
    const devtools = await page.context().newCDPSession(page)
    await devtools.send("Performance.enable", { timeDomain: "threadTicks" })
    const busyMs = async () =>
      1000 * ((await devtools.send("Performance.getMetrics")).metrics.find(({ name }) => name === "TaskDuration")?.value ?? Number.NaN)
    const before = await busyMs()
    const { tasks, frames, rows } = await page.evaluate(async () => {
      const tasks: number[] = []
      const watcher = new PerformanceObserver((list) => tasks.push(...list.getEntries().map(({ duration }) => Math.round(duration))))
      watcher.observe({ type: "longtask" })
      let frames = 0
      const height = document.documentElement.scrollHeight
      for (let top = 0; top < height; top += 120) {
        window.scrollTo(0, top)
        await new Promise(requestAnimationFrame)
        frames++
      }
      await new Promise((resolve) => setTimeout(resolve, 200))
      return { tasks, frames, rows: document.querySelectorAll("[aria-posinset]").length }
    })
    const frameMs = ((await busyMs()) - before) / frames
    const isQuiet = (loadavg()[0] ?? 0) < availableParallelism() * 1.5
    const told = `${frames} frames of scrolling with ${frameMs.toFixed(1)} ms of work each, ${rows} rows in the document`
    console.log(`${many} containers: ${told}, long tasks: ${tasks.join(", ") || "none"} ms${isQuiet ? "" : " (the machine is busy)"}`)
    expect(rows).toBeLessThan(60)
    if (!isQuiet) return visit.close()
    expect(frameMs).toBeLessThan(16)
    expect(Math.max(0, ...tasks)).toBeLessThan(100)
    await visit.close()
  }, 60_000)
})
