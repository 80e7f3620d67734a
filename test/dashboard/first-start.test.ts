import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test"
import { mkdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { type Browser, chromium, type Page } from "playwright-core"
import { admin, type Appliance, startAppliance } from "../e2e/appliance"
import { complaints, hasChromium, startChromium } from "../e2e/chromium"
import { runProgram } from "../e2e/program"
import { startStage, stageObstacle } from "../e2e/stage"
import { temporaryFolder } from "../lab/process"
import { DashboardHouse, looks, narrow, troublesIn, Visit, wide } from "./house"
import { soon } from "../e2e/soon"

const limitMs = 180_000
/** As fast as somebody who types well: 60 words a minute. */
const typing = { delay: 200 }
const greeting = "It works, from behind the edge."

const undo: (() => unknown)[] = []
const endAll = async (steps = undo) => {
  for (const step of steps.splice(0).reverse()) await step()
}

function startApplication(): number {
  const html = `<!doctype html><title>App</title><h1>${greeting}</h1>`
  const application = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: () => new Response(html, { headers: { "content-type": "text/html" } }),
  })
  undo.push(() => application.stop(true))
  return application.port ?? 0
}

async function startHouse(settings: Record<string, string> = {}): Promise<Appliance> {
  const house = await startAppliance({ address: "127.0.0.1", withAdmin: false, settings })
  undo.push(() => house.stop())
  return house
}

/** A browser that leads every other name to the edge, and trusts the house's root as a person has told it to. */
async function trustingBrowser(house: Appliance): Promise<Browser> {
  const folder = await temporaryFolder("browser")
  undo.push(() => folder.remove())
  const store = join(folder.path, ".pki/nssdb")
  const root = join(folder.path, "root.pem")
  await mkdir(store, { recursive: true })
  await writeFile(root, (await house.api("GET", "/ca.pem")).text)
  for (const args of [
    ["-N", "--empty-password"],
    ["-A", "-t", "C,,", "-n", "freehold", "-i", root],
  ]) {
    const { code, err } = await runProgram(["certutil", "-d", `sql:${store}`, ...args])
    if (code !== 0) throw new Error(err)
  }
  const browser = await chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--host-resolver-rules=MAP *.home.arpa 127.0.0.1"],
    env: { ...process.env, HOME: folder.path } as Record<string, string>,
  })
  undo.push(() => browser.close())
  return browser
}

async function setUp(page: Page, link: string): Promise<void> {
  await page.goto(link)
  await page.getByLabel("User name").pressSequentially(admin.username, typing)
  await page.getByLabel("Password").pressSequentially(admin.password, typing)
  await page.getByRole("button", { name: "Create administrator" }).click()
  await page.waitForURL("**/welcome")
  await page.getByRole("heading", { level: 1, name: "First steps" }).waitFor()
}

const step = (page: Page, name: string | RegExp) => page.getByRole("heading", { level: 2, name }).waitFor()

async function typeHostname(page: Page, { hostname, address, port }: { hostname: string; address: string; port: number }): Promise<void> {
  await page.getByLabel("Hostname", { exact: true }).pressSequentially(hostname, typing)
  await page.getByLabel("Address", { exact: true }).pressSequentially(address, typing)
  await page.getByLabel("Port", { exact: true }).pressSequentially(String(port), typing)
}

describe.skipIf(!hasChromium)("the first start", () => {
  afterEach(() => endAll())

  test("from the printed link to a page over HTTPS, in less than three minutes", async () => {
    const port = startApplication()
    const house = await startHouse()
    const link = await house.setupLink()
    const browser = await trustingBrowser(house)
    const context = await browser.newContext({ viewport: wide, reducedMotion: "reduce" })
    const visit = new Visit(context, await context.newPage(), wide)
    const { page } = visit
    const marks: string[] = []
    const began = performance.now()
    const mark = (what: string) => marks.push(`${((performance.now() - began) / 1000).toFixed(1)} s ${what}`)

    await setUp(page, link)
    mark("signed in, at the first steps")
    const [cookie] = await context.cookies()
    expect(cookie).toMatchObject({ name: "token", httpOnly: true, sameSite: "Strict" })

    await step(page, "This server")
    await page.getByText("The base domain is still the default, freehold.localhost").waitFor()
    await page.getByLabel("New base domain").pressSequentially("freehold.home.arpa", typing)
    await page.getByText('base_domain = "freehold.home.arpa"').waitFor()
    await page.getByText("FREEHOLD_BASE_DOMAIN=freehold.home.arpa").waitFor()
    mark("knows how the base domain is changed")
    await visit.button("Skip this step").click()

    await step(page, "Reachability")
    await page.getByText(`HTTPS is served at 127.0.0.1, port ${house.ports.https}, which this machine alone can reach.`).waitFor()
    await page.getByText("The edge answers for freehold.localhost.").waitFor()
    mark("knows how the server is reached")
    await visit.button("Skip this step").click()

    await step(page, "First hostname")
    await typeHostname(page, { hostname: "web.home.arpa", address: "127.0.0.1", port })
    await page.getByText("web.home.arpa lies in home.arpa, which is this house's own").waitFor()
    await visit.button("Create hostname").click()
    await page.getByText("web.home.arpa is live").first().waitFor()
    mark("the hostname is live")
    const opened = context.waitForEvent("page")
    await page.getByRole("link", { name: "Open https://web.home.arpa" }).click()
    const shown = await opened
    await shown.getByRole("heading", { name: greeting }).waitFor()
    const tookMs = performance.now() - began
    mark("its page is open over HTTPS, by a certificate that the browser trusts")
    console.log(`first start: ${marks.join("; ")}`)
    expect(shown.url()).toBe(`https://web.home.arpa:${house.ports.https}/`)
    expect(tookMs).toBeLessThan(limitMs)

    // Leaving and coming back is nothing: what is so is the server's.
    await page.goto(`${house.url}/welcome`)
    await step(page, "First hostname")
    await page.getByText("web.home.arpa is live").first().waitFor()
    const download = page.waitForEvent("download")
    await page.getByRole("link", { name: "Download root certificate" }).click()
    expect((await download).suggestedFilename()).toBe("freehold-ca.pem")
    expect(visit.faults).toEqual([])
    await page.goto(link)
    await page.getByRole("heading", { name: "This link is over" }).waitFor()
    expect(await complaints(page)).toEqual([])
    await page.getByRole("link", { name: "go to the dashboard" }).click()
    await page.waitForURL(`${house.url}/`)
  })
})

describe.skipIf(!hasChromium)("the worst errors of a first start", () => {
  afterEach(() => endAll())

  test("a password that is too short and a used link are told in words, and nothing typed is lost", async () => {
    const house = await startHouse()
    const link = await house.setupLink()
    const browser = await startChromium()
    undo.push(() => browser.close())
    for (const look of looks) {
      const context = await browser.newContext({ viewport: look, colorScheme: look.scheme, reducedMotion: "reduce" })
      const visit = new Visit(context, await context.newPage(), look)
      const { page } = visit
      await page.goto(link)
      await visit.shot("set-up")
      await page.getByLabel("User name").fill("grace")
      await page.getByLabel("Password").fill("short")
      // What the browser itself would not send.
      await page.locator("form").evaluate((form) => form.setAttribute("novalidate", ""))
      await visit.button("Create administrator").click()
      await soon(() => page.getByRole("alert").textContent()).toBe("Password must have 10 to 256 characters.")
      await soon(() => page.getByLabel("User name").inputValue()).toBe("grace")
      expect(await page.getByLabel("Password").evaluate((field) => field === document.activeElement)).toBe(true)
      await visit.shot("set-up-refused")
      expect([await complaints(page), await visit.overflow(), visit.faults]).toEqual([[], 0, []])
      await context.close()
    }
    expect((await house.api("POST", new URL(link).pathname, { body: admin })).status).toBe(200)
    const again = await house.api("POST", new URL(link).pathname, {
      body: new URLSearchParams(admin).toString(),
      headers: { "content-type": "application/x-www-form-urlencoded" },
    })
    expect([again.status, again.headers.get("set-cookie")]).toEqual([404, null])
    expect(again.text).toContain("This link is over")
  })

  test("an address that is not allowed is refused with the line that allows it, and goes through when it is allowed", async () => {
    const port = startApplication()
    const house = await startAppliance({ address: "127.0.0.1", settings: { FREEHOLD_ALLOW_UPSTREAMS: "10.0.0.0/8" } })
    undo.push(() => house.stop())
    const dashboard = await DashboardHouse.open(house)
    undo.push(() => dashboard.stop())
    const refuse = async ({ page, button }: Visit) => {
      await page.goto("/welcome?step=hostname")
      await page.getByLabel("Hostname", { exact: true }).fill("web.home.arpa")
      await page.getByLabel("Address", { exact: true }).fill("127.0.0.1")
      await page.getByLabel("Port", { exact: true }).fill(String(port))
      await button("Create hostname").click()
      await page.getByText('allow_upstreams = ["127.0.0.1/32"]').waitFor()
      await page.getByText("web.home.arpa lies in home.arpa").waitFor()
    }
    expect(await troublesIn(dashboard, "refused", refuse)).toEqual([])
    const visit = await dashboard.signedIn()
    const { page } = visit
    await refuse(visit)
    await soon(() => page.getByRole("alert").first().innerText()).toContain("Address 127.0.0.1 is a loopback address")
    expect(await page.evaluate(() => document.activeElement?.textContent)).toContain("loopback")
    await soon(() => page.getByLabel("Hostname", { exact: true }).inputValue()).toBe("web.home.arpa")
    await house.restart({ FREEHOLD_ALLOW_UPSTREAMS: "127.0.0.1/32" })
    await visit.button("Create hostname").click()
    await page.getByRole("link", { name: "Open https://web.home.arpa" }).waitFor()
    await visit.close()
  })
})

describe.skipIf(!hasChromium)("the steps", () => {
  let dashboard: DashboardHouse
  beforeAll(async () => {
    dashboard = await DashboardHouse.open()
  })
  afterAll(() => dashboard?.stop())
  afterEach(() => endAll())

  test("this server: a base domain is judged while it is typed", async () => {
    const arrange = async ({ page }: Visit) => {
      await page.goto("/welcome?step=server")
      await page.getByLabel("New base domain").fill("freehold.home.arpa")
      await page.getByText('base_domain = "freehold.home.arpa"').waitFor()
    }
    expect(await troublesIn(dashboard, "server", arrange)).toEqual([])
    const visit = await dashboard.signedIn(narrow)
    const { page } = visit
    await arrange(visit)
    await page.getByLabel("New base domain").fill("-.example")
    await page.getByRole("alert").getByText("is not a domain name such as").waitFor()
    expect(await page.getByText("base_domain =").count()).toBe(0)
    await page.getByLabel("New base domain").fill("freehold.localhost")
    await page.getByText("This is the base domain in force.").waitFor()
    await visit.close()
  })

  test("reachability: every check has its sentence, and is looked at again when asked", async () => {
    const arrange = async ({ page }: Visit) => {
      await page.goto("/welcome?step=reach")
      await page.getByText("Containers are switched off").waitFor()
    }
    expect(await troublesIn(dashboard, "reach", arrange)).toEqual([])
    const visit = await dashboard.signedIn()
    await arrange(visit)
    await soon(() => visit.page.getByRole("list", { name: "Reachability" }).getByRole("listitem").count()).toBe(7)
    const asked = visit.page.waitForResponse((answer) => answer.url().endsWith("/admin/checks"))
    await visit.button("Look again").click()
    expect((await asked).status()).toBe(200)
    await visit.close()
  })

  test("by the keyboard alone: the steps are links with addresses, and the back button knows them", async () => {
    const { page, ...visit } = await dashboard.signedIn()
    await page.goto("/welcome?step=server")
    await page.getByRole("link", { name: /Reachability/ }).focus()
    await page.keyboard.press("Enter")
    await step(page, "Reachability")
    expect(await page.evaluate(() => document.activeElement?.id)).toBe("step")
    await page.goBack()
    await step(page, "This server")
    expect(visit.faults).toEqual([])
  })

  test("a port where nobody listens is told, and the hostname can be begun anew", async () => {
    const visit = await dashboard.signedIn()
    const { page } = visit
    await page.goto("/welcome?step=hostname")
    await page.getByLabel("Hostname", { exact: true }).fill("wrong.home.arpa")
    await page.getByLabel("Address", { exact: true }).fill("127.0.0.1")
    await page.getByLabel("Port", { exact: true }).fill("9")
    await visit.button("Create hostname").click()
    await page.getByText("it reaches no application").waitFor()
    await visit.shot("no-application")
    await visit.button("Delete and begin anew").click()
    await visit.button("Delete hostname").click()
    await page.getByLabel("Hostname", { exact: true }).waitFor()
    await soon(() => page.getByLabel("Hostname", { exact: true }).inputValue()).toBe("wrong.home.arpa")
    await soon(() => page.getByLabel("Address", { exact: true }).inputValue()).toBe("127.0.0.1")
    const { token } = await dashboard.house.login()
    expect(JSON.parse((await dashboard.house.api("GET", "/compute/containers", { token })).text)).toEqual({ containers: [] })
    await visit.close()
  })

  test("the first hostname, empty and live, in all looks", async () => {
    const port = startApplication()
    const form = async ({ page }: Visit) => {
      await page.goto("/welcome?step=hostname")
      await page.getByLabel("Hostname", { exact: true }).waitFor()
    }
    expect(await troublesIn(dashboard, "hostname", form)).toEqual([])
    const ada = await dashboard.house.login()
    await ada.map("web.home.arpa", await ada.external("web", { 8080: port }))
    const live = async ({ page }: Visit) => {
      await page.goto("/welcome")
      await page.getByRole("link", { name: "Open https://web.home.arpa" }).waitFor()
    }
    expect(await troublesIn(dashboard, "live", live)).toEqual([])
  })

  test("somebody who is no administrator is led to their hostnames", async () => {
    const bob = { username: "bob", password: "another horse battery" }
    const ada = await dashboard.house.login()
    await ada.send("POST", "/admin/users", bob)
    const visit = await dashboard.signedIn(wide, bob)
    await visit.page.goto("/welcome")
    await visit.page.getByText("Only an administrator sets up this server.").waitFor()
    await visit.page.getByRole("link", { name: "Go to hostnames" }).click()
    await visit.page.waitForURL("**/hostnames")
    expect(visit.faults).toEqual([])
    await visit.close()
  })
})

const obstacle = hasChromium ? await stageObstacle({ pebble: true }) : "no Chromium"

describe.skipIf(obstacle !== undefined)(`a public name${obstacle === undefined ? "" : ` (${obstacle})`}`, () => {
  afterEach(() => endAll())

  test("its records are shown, seen at the name servers as they appear, and the certificate and the first answer follow", async () => {
    const port = startApplication()
    const stage = await startStage({
      pebble: true,
      prepare: async (_, address) => ({ FREEHOLD_PUBLIC_IPV4: address, FREEHOLD_ALLOW_UPSTREAMS: "127.0.0.0/8" }),
    })
    undo.push(() => stage.stop())
    const dashboard = await DashboardHouse.open(stage.house)
    undo.push(() => dashboard.stop())
    const visit = await dashboard.signedIn()
    const { page } = visit
    await page.goto("/welcome?step=hostname")
    await page.getByLabel("Hostname", { exact: true }).fill("app.customer.test")
    await page.getByText("app.customer.test is a public name").waitFor()
    await page.getByText("app.customer.test has no address yet.").waitFor()
    await page.getByLabel("Address", { exact: true }).fill("127.0.0.1")
    await page.getByLabel("Port", { exact: true }).fill(String(port))
    await visit.button("Create hostname").click()
    const record = async (type: string) => {
      const shown = page.locator("dl").filter({ has: page.getByText(type, { exact: true }) })
      const [name = "", value = ""] = await shown.locator("code").allInnerTexts()
      return { name, value }
    }
    await page.getByText("_edd-verify.app.customer.test", { exact: true }).waitFor()
    const [txt, a] = [await record("TXT"), await record("A")]
    expect(a).toEqual({ name: "app.customer.test", value: stage.house.address })
    const pending = async (look: Visit) => {
      await look.page.goto("/welcome")
      await look.page.getByText("_edd-verify.app.customer.test", { exact: true }).waitFor()
    }
    expect(await troublesIn(dashboard, "pending", pending)).toEqual([])
    await stage.dns.publish("both", a.name, "A", a.value)
    await page.getByText(`app.customer.test leads here, to ${a.value}.`).waitFor()
    await stage.dns.publish("both", txt.name, "TXT", txt.value)
    await page.getByText("app.customer.test is live").first().waitFor({ timeout: 60_000 })
    await soon(() => page.getByText("The name is proved to be yours.").count()).toBe(1)
    expect(await page.getByRole("link", { name: "Download root certificate" }).count()).toBe(0)
    expect((await stage.house.curl("https://app.customer.test/")).text).toContain(greeting)
    expect(visit.faults).toEqual([])
  })
})
