import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import type { Browser, Route } from "playwright-core"
import { waitUntil } from "../lab/process"
import { complaints, hasChromium, startChromium } from "./chromium"
import { type Demo, startDemo } from "./demo"
import { type Look, StrictSite, type Visit } from "./widget-page"
import { soon } from "./soon"

const browserTest = test.skipIf(!hasChromium)
const looks: [string, Look][] = [
  ["wide, light", { width: 1440, height: 900, scheme: "light" }],
  ["wide, dark", { width: 1440, height: 900, scheme: "dark" }],
  ["narrow, light", { width: 390, height: 780, scheme: "light" }],
  ["narrow, dark", { width: 390, height: 780, scheme: "dark" }],
]

let demo: Demo
let browser: Browser
let site: StrictSite
let applicationId = ""
const undo: (() => unknown)[] = []
let names = 0
const freshName = () => `app${++names}.customer.com`

async function call(path: string, body: object): Promise<Record<string, string>> {
  const headers = { authorization: "Bearer sk_test_demo", "content-type": "application/json" }
  const res = await fetch(demo.api + path, { method: "POST", headers, body: JSON.stringify(body) })
  if (res.status !== 201 && res.status !== 200) throw new Error(`${path} answered ${res.status}: ${await res.text()}`)
  return (await res.json()) as Record<string, string>
}

const mint = async (more: object = {}) => (await call("/v1/tokens", { application_id: applicationId, ...more })).auth_token ?? ""

beforeAll(async () => {
  if (!hasChromium) return
  demo = await startDemo()
  undo.push(() => demo.stop())
  browser = await startChromium()
  undo.push(() => browser.close())
  site = new StrictSite(demo.api)
  undo.push(() => site.stop())
  applicationId = (await call("/v1/applications", { name: "Strict", allowed_origins: [site.origin] })).id ?? ""
}, 120_000)

afterAll(async () => {
  for (const step of undo.reverse()) await step()
})

/** What every screen has to be. */
async function inspect(visit: Visit): Promise<void> {
  expect(await complaints(visit.page)).toEqual([])
  expect(await visit.small()).toEqual([])
  expect(await visit.page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true)
}

describe("the whole manual flow by keyboard alone, on a page that allows nothing but the API", () => {
  browserTest.each(looks)(
    "%s",
    async (_, look) => {
      const hostname = freshName()
      const visit = await site.open(browser, { token: await mint() }, look)
      await visit.heading("Connect your domain")
      expect(await visit.globals()).toEqual(["ConnectDomain"])
      expect(await visit.focused()).toBe("domain")
      await inspect(visit)
      await visit.press("Enter")
      await visit.page.getByRole("alert").getByText("Enter the domain").waitFor()
      await visit.page.keyboard.type(`https://${hostname.toUpperCase()}/path`)
      await visit.press("Enter")
      await visit.heading(hostname)
      await inspect(visit)
      await visit.tabTo("Continue")
      await visit.press("Enter")
      await visit.heading("Add these records")
      await inspect(visit)
      const records = await visit.records()
      expect(records).toEqual([
        {
          type: "TXT",
          full: `_customdomain-challenge.${hostname}`,
          field: `_customdomain-challenge.${hostname.split(".")[0]}`,
          value: expect.stringMatching(/^cd-verify-[0-9a-f]{40}$/),
        },
        { type: "CNAME", full: hostname, field: hostname.split(".")[0] ?? "", value: "ingress.freehold.localhost" },
      ] as never)
      // The trap: however often, in either direction, the focus never leaves the dialog.
      for (const key of ["Tab", "Shift+Tab"]) {
        for (let n = 0; n < 12; n++) {
          await visit.press(key)
          expect(await visit.focused()).not.toBe("outside")
        }
      }
      await visit.tabTo("Copy the value of the TXT record")
      await visit.press("Enter")
      await visit.page.getByText("Copied", { exact: true }).first().waitFor()
      await inspect(visit)
      await visit.tabTo("I have added the records")
      await visit.press("Enter")
      await visit.heading(`Connecting ${hostname}`)
      await visit.page.getByText("0 of 2 records found").waitFor()
      await inspect(visit)
      await visit.tabTo("Check")
      const [proof, cname] = records
      await demo.publish(proof?.full ?? "", "TXT", proof?.value ?? "")
      await visit.press("Enter")
      await visit.page.getByText("1 of 2 records found").waitFor()
      await soon(() => visit.page.locator("li.found").count()).toBe(1)
      const news = visit.page.getByRole("status").filter({ hasText: `Found: TXT ${proof?.field}` })
      await news.waitFor({ state: "attached" })
      await inspect(visit)
      await demo.publish(cname?.full ?? "", "CNAME", cname?.value ?? "")
      // Nobody presses anything: it looks by itself.
      await visit.heading("Your domain is live")
      await inspect(visit)
      const [sheet, { height }] = [await visit.page.getByRole("dialog").boundingBox(), look]
      const isSheet = sheet !== null && Math.round(sheet.y + sheet.height) === height && sheet.x === 0
      expect(isSheet).toBe(look.width === 390)
      expect(await visit.focused()).toBe("Done")
      await visit.press("Enter")
      await visit.page.getByRole("dialog").waitFor({ state: "detached" })
      expect(await visit.page.evaluate(() => document.activeElement?.id)).toBe("opener")

      const heard = await visit.heard()
      const jobId = heard.at(-1)?.detail.jobId
      expect(jobId).toMatch(/^[0-9a-f-]{36}$/)
      const step = (name: string, known: object) => ({ type: "connectdomain:step", detail: { provider: null, step: name, ...known } })
      expect(heard as unknown).toEqual([
        step("enter", { domain: null, jobId: null }),
        step("analyze", { domain: null, jobId: null }),
        step("manual", { domain: hostname, jobId }),
        step("progress", { domain: hostname, jobId }),
        { type: "connectdomain:success", detail: { domain: hostname, success: true, setupType: "manual", provider: null, jobId } },
        step("success", { domain: hostname, jobId }),
        {
          type: "connectdomain:close",
          detail: { domain: hostname, success: true, setupType: "manual", provider: null, lastStatus: "live", jobId, reason: "completed" },
        },
      ])
      expect(await visit.calls()).toEqual([
        ["onSuccess", { id: jobId, domain: hostname }],
        ["onClose", { id: jobId, domain: hostname, succeeded: true }],
      ])
      expect(await visit.violations()).toEqual([])
      expect(visit.faults).toEqual([])
      await visit.close()
    },
    180_000,
  )
})

/** Goes as far as the records. */
async function upToRecords(visit: Visit): Promise<void> {
  await visit.tabTo("Continue")
  await visit.press("Enter")
  await visit.heading("Add these records")
}

describe("on the way", () => {
  browserTest.each(looks)("Esc asks whether to leave, and whoever comes back goes on where they were: %s", async (_, look) => {
    const hostname = freshName()
    const visit = await site.open(browser, { token: await mint(), domain: hostname }, look)
    await visit.heading(hostname)
    await upToRecords(visit)
    const records = await visit.records()
    await visit.tabTo("I have added the records")
    await visit.press("Escape")
    await visit.heading("Leave the set-up?")
    expect(await visit.focused()).toBe("Go on")
    await inspect(visit)
    for (let n = 0; n < 5; n++) {
      await visit.press("Tab")
      expect(["Go on", "Leave"]).toContain(await visit.focused())
    }
    await visit.press("Escape")
    await visit.page.getByRole("alertdialog").waitFor({ state: "detached" })
    expect(await visit.focused()).toBe("I have added the records")
    await visit.press("Escape")
    await visit.tabTo("Leave")
    await visit.press("Enter")
    await visit.page.getByRole("dialog").waitFor({ state: "detached" })
    const last = (await visit.heard()).at(-1)
    expect(last?.detail).toMatchObject({ success: false, reason: "user", lastStatus: "pending_ownership", domain: hostname })
    expect(await visit.calls()).toEqual([["onClose", { id: last?.detail.jobId, domain: hostname, succeeded: false }]])
    await visit.open({ auth_token: await mint(), domain: hostname })
    await visit.heading(`Connecting ${hostname}`)
    await visit.tabTo("Show the records again")
    await visit.press("Enter")
    await visit.heading("Add these records")
    expect(await visit.records()).toEqual(records)
    expect(visit.faults).toEqual([])
    await visit.close()
  })

  browserTest.each(looks)("a token that does not hold ends the session: %s", async (_, look) => {
    const visit = await site.open(browser, { authToken: "nonsense", domain: freshName() }, look)
    await visit.heading("This session has ended")
    await inspect(visit)
    expect(await visit.focused()).toBe("Close")
    await visit.press("Enter")
    await visit.page.getByRole("dialog").waitFor({ state: "detached" })
    expect((await visit.heard()).at(-1)?.detail).toMatchObject({ reason: "expired", success: false, jobId: null })
    await visit.close()
  })

  browserTest("a token for one hostname does nothing for another", async () => {
    const visit = await site.open(browser, { token: await mint({ domain: "mine.customer.com" }), domain: "other.customer.com" })
    await visit.heading("This session has ended")
    await visit.page.getByText("this token is for mine.customer.com only").waitFor()
    await visit.close()
  })

  browserTest("a page that the application does not name is let do nothing", async () => {
    const other = new StrictSite(demo.api)
    const visit = await other.open(browser, { token: await mint(), domain: freshName() })
    // The browser keeps even the refusal from it.
    await visit.page.getByText("The service could not be reached.").waitFor()
    await visit.close()
    await other.stop()
  })

  browserTest.each(looks)("a name that is held is said, and tried again: %s", async (_, look) => {
    const hostname = freshName()
    const made = (await call("/v1/connections", { application_id: applicationId, hostname })) as never as {
      id: string
      ownership_challenge: { name: string; value: string }
    }
    const visit = await site.open(browser, { token: await mint() }, look)
    await visit.page.keyboard.type(hostname)
    await visit.press("Enter")
    await visit.heading(hostname)
    await demo.publish(made.ownership_challenge.name, "TXT", made.ownership_challenge.value)
    await call(`/v1/connections/${made.id}/verify`, {})
    await visit.press("Enter")
    await visit.heading("That did not work")
    await visit.page.getByText(`${hostname} is already connected`).waitFor()
    await inspect(visit)
    await visit.press("Escape")
    await visit.tabTo("Leave")
    await visit.press("Enter")
    expect((await visit.heard()).at(-1)?.detail.reason).toBe("error")
    await visit.close()
  })

  browserTest("a value is copied where the clipboard is refused too", async () => {
    const hostname = freshName()
    const visit = await site.open(browser, { token: await mint(), domain: hostname })
    await visit.heading(hostname)
    await upToRecords(visit)
    const [proof] = await visit.records()
    await visit.page.context().grantPermissions(["clipboard-read"])
    await visit.page.evaluate(() => {
      const { clipboard } = navigator
      Object.assign(globalThis, { clipboard })
      Object.defineProperty(navigator, "clipboard", { value: undefined })
    })
    await visit.tabTo("Copy the value of the TXT record")
    await visit.press("Enter")
    await visit.page.getByText("Copied", { exact: true }).first().waitFor()
    expect(await visit.focused()).toBe("Copied: Copy the value of the TXT record")
    expect(await visit.page.evaluate(() => (globalThis as never as { clipboard: Clipboard }).clipboard.readText())).toBe(proof?.value ?? "")
    await visit.close()
  })

  browserTest("after 45 seconds without the records it says what may be the matter", async () => {
    const hostname = freshName()
    const visit = await site.open(browser, { token: await mint(), domain: hostname })
    await visit.heading(hostname)
    await upToRecords(visit)
    await visit.page.clock.install()
    await visit.tabTo("I have added the records")
    await visit.press("Enter")
    await visit.page.getByText("0 of 2 records found").waitFor()
    const hint = visit.page.locator(".note", { hasText: "This takes longer than usual." })
    await visit.page.clock.fastForward(44_000)
    expect(await hint.isVisible()).toBe(false)
    await visit.page.clock.fastForward(2000)
    await hint.waitFor()
    await visit.page.clock.resume()
    await inspect(visit)
    await visit.close()
  })

  browserTest("while the API is away it goes on trying, and then finds what came meanwhile", async () => {
    const hostname = freshName()
    const visit = await site.open(browser, { token: await mint(), domain: hostname })
    await visit.heading(hostname)
    await upToRecords(visit)
    const [proof] = await visit.records()
    const away = (route: Route) => route.abort()
    await visit.page.route("**/records:check", away)
    await visit.tabTo("I have added the records")
    await visit.press("Enter")
    await visit.page.getByText("The service cannot be reached at the moment.").waitFor()
    await inspect(visit)
    await demo.publish(proof?.full ?? "", "TXT", proof?.value ?? "")
    await visit.page.unroute("**/records:check", away)
    await visit.page.getByText("1 of 2 records found").waitFor()
    expect(await visit.page.getByText("The service cannot be reached at the moment.").count()).toBe(0)
    await visit.close()
  })
})

/** The demo's zone has no provider that writes, so the real answer is given another way to be set up. */
const asIf = (visit: Visit, change: object) =>
  visit.page.route("**/v1/domains:check", async (route) => {
    const response = await route.fetch()
    await route.fulfill({ response, json: { ...((await response.json()) as object), ...change } })
  })

describe("other ways to set it up", () => {
  browserTest.each(looks)("what cannot be written is entered by hand: %s", async (_, look) => {
    const hostname = freshName()
    const visit = await site.open(browser, { token: await mint() }, look)
    await asIf(visit, { setup_type: "automatic" })
    await visit.page.keyboard.type(hostname)
    await visit.press("Enter")
    await visit.page.getByText("We can set the records for you.").waitFor()
    await visit.press("Enter")
    await visit.heading("Set up automatically")
    await inspect(visit)
    await visit.tabTo("Add the records")
    await visit.press("Enter")
    await visit.page.getByText("automatic needs a DNS credential of the application").waitFor()
    await visit.tabTo("Enter the records myself")
    await visit.press("Enter")
    await visit.heading("Add these records")
    expect((await visit.heard()).map(({ detail }) => detail.step)).toEqual(["enter", "analyze", "automatic", "error", "manual"])
    await visit.close()
  })

  browserTest.each(looks)("where the provider has our template, its page is opened, and then it is looked for: %s", async (_, look) => {
    const hostname = freshName()
    const visit = await site.open(browser, { token: await mint() }, look)
    const provider = { key: "acme-dns", name: "Acme DNS", control_panel_url: "https://dns.acme.example/", host_form: "full" }
    await asIf(visit, {
      provider,
      setup_type: "semiautomatic",
      domain_connect: { supported: true, apply_url: "https://dns.acme.example/apply?x=1" },
    })
    await visit.page.keyboard.type(hostname)
    await visit.press("Enter")
    await visit.page.getByText("Acme DNS can set the records once you agree there.").waitFor()
    await visit.press("Enter")
    await visit.heading("Set up with Acme DNS")
    await inspect(visit)
    const link = visit.page.getByRole("link", { name: "Open Acme DNS" })
    await soon(() => link.getAttribute("href")).toBe("https://dns.acme.example/apply?x=1")
    await soon(() => link.getAttribute("rel")).toBe("noopener noreferrer")
    await visit.tabTo("Enter the records myself")
    await visit.press("Enter")
    await visit.heading("Add these records")
    expect((await visit.records())[1]).toMatchObject({ field: hostname, full: hostname })
    await soon(() => visit.page.getByRole("link", { name: "Open Acme DNS" }).getAttribute("href")).toBe("https://dns.acme.example/")
    await visit.close()
  })

  browserTest("an apex is told of the sturdier www, and a wildcard of what it covers", async () => {
    const visit = await site.open(browser, { token: await mint() })
    await visit.page.keyboard.type("customer.com")
    await visit.press("Enter")
    await visit.heading("customer.com")
    await visit.tabTo("Use www.customer.com instead")
    await visit.press("Enter")
    await visit.heading("www.customer.com")
    await visit.press("Escape")
    await visit.tabTo("Leave")
    await visit.press("Enter")
    await visit.open({ token: await mint(), domain: "*.wild.customer.com" })
    await visit.page.getByText("covers every name one level below wild.customer.com, but not wild.customer.com itself.").waitFor()
    await visit.close()
  })
})

describe("options", () => {
  browserTest("what cannot be used is refused by name, and nothing is opened", async () => {
    const visit = await site.open(browser, { token: "x", domain: "a.customer.com" })
    const refusal = (options: object) =>
      visit.page.evaluate((options) => {
        const { ConnectDomain } = globalThis as never as { ConnectDomain: { open(options: object): unknown } }
        try {
          ConnectDomain.open(options)
          return "opened"
        } catch (error) {
          return String(error)
        }
      }, options)
    expect(await refusal({})).toContain("TypeError: ConnectDomain.open: token is required")
    expect(await refusal({ token: "x", theme: "blue" })).toContain('theme must be "light", "dark" or "auto"')
    expect(await refusal({ token: "x", apiBase: "javascript:alert(1)" })).toContain("apiBase must be the API's address")
    expect(await refusal({ token: "x", onClose: 1 })).toContain("onClose must be a function")
    await soon(() => visit.page.getByRole("dialog").count()).toBe(1)
    // Opening another closes the first.
    expect(await refusal({ token: "x" })).toBe("opened")
    await soon(() => visit.page.getByRole("dialog").count()).toBe(1)
    await visit.close()
  })

  browserTest("theme and language are chosen, and a page may give its colours", async () => {
    const visit = await site.open(browser, { token: await mint(), theme: "dark", locale: "de-AT" })
    await visit.heading("Domain verbinden")
    await soon(() => visit.page.getByRole("dialog").getAttribute("lang")).toBe("de")
    await inspect(visit)
    const colour = (property: string) =>
      visit.page
        .getByRole("dialog")
        .getByRole("button", { name: "Weiter" })
        .evaluate((button, name) => getComputedStyle(button).getPropertyValue(name), property)
    expect(await colour("background-color")).toBe("rgb(141, 180, 255)")
    await visit.page.evaluate(() => document.documentElement.style.setProperty("--connect-domain-accent", "#ffcc00"))
    expect(await colour("background-color")).toBe("rgb(255, 204, 0)")
    await visit.close()
  })
})

describe("the demo's own page", () => {
  browserTest.each(looks)("a person connects a domain and prepares its mail: %s", async (_, { width, height, scheme }) => {
    const hostname = freshName()
    const context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme })
    const page = await context.newPage()
    const violations: string[] = []
    page.on("console", (message) => message.text().includes("Content Security Policy") && violations.push(message.text()))
    await page.goto(`${demo.page}?email`)
    expect(await complaints(page)).toEqual([])
    await page.getByRole("button", { name: "Connect a domain" }).click()
    await page.getByRole("textbox", { name: "Your domain" }).fill(hostname)
    await page.getByRole("button", { name: "Continue" }).click()
    await page.getByRole("heading", { name: hostname }).waitFor()
    await page.getByRole("button", { name: "Continue" }).click()
    await page.getByRole("heading", { name: "Add these records" }).waitFor()
    const values = await page
      .locator(".record")
      .evaluateAll((all) => all.map((one) => [...one.querySelectorAll("code")].at(-1)?.textContent ?? ""))
    await demo.publish(`_customdomain-challenge.${hostname}`, "TXT", values[0] ?? "")
    await demo.publish(hostname, "CNAME", values[1] ?? "")
    await page.getByRole("button", { name: "I have added the records" }).click()
    await page.getByRole("heading", { name: "Email for your domain" }).waitFor()
    expect(await complaints(page)).toEqual([])
    await page.getByRole("button", { name: "Show the records" }).click()
    await page.getByRole("heading", { name: "Records for your mail" }).waitFor()
    expect(await complaints(page)).toEqual([])
    await page.getByRole("button", { name: "Confirm" }).click()
    await page.getByText("Add these at your DNS provider:").waitFor()
    await soon(() => page.locator(".record").count()).toBe(3)
    expect(await complaints(page)).toEqual([])
    await page.getByRole("button", { name: "Continue" }).click()
    await page.getByRole("heading", { name: "Your domain is live" }).waitFor()
    await page.getByRole("button", { name: "Done" }).click()
    expect(await page.locator("#events li").allTextContents()).toEqual(
      ["enter", "analyze", "manual", "progress", "success", "email", "success", "close"].map((name) =>
        expect.stringContaining(name),
      ) as never,
    )
    expect(violations).toEqual([])
    await context.close()
  })
})

describe("the customer's link", () => {
  browserTest.each(looks)(
    "a person without JavaScript connects a domain by it: %s",
    async (_, { width, height, scheme }) => {
      const hostname = freshName()
      const made = (await call("/v1/connections", { application_id: applicationId, hostname })) as never as {
        id: string
        ownership_challenge: { name: string; value: string }
      }
      const { url = "" } = await call(`/v1/connections/${made.id}/link`, {})
      expect(url).toStartWith(`https://connect.freehold.localhost:${demo.httpsPort}/c/`)
      const address = demo.api + new URL(url).pathname
      const context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme, javaScriptEnabled: false })
      const page = await context.newPage()
      // The same page where scripts run, which axe-core needs.
      const seeing = await browser.newContext({ viewport: { width, height }, colorScheme: scheme })
      const mirror = await seeing.newPage()
      const violations: string[] = []
      mirror.on("console", (message) => message.type() === "error" && violations.push(message.text()))
      const check = async () => {
        await mirror.goto(address)
        expect(await complaints(mirror)).toEqual([])
        expect(await mirror.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true)
      }
      await page.goto(`${address}?still=1`)
      await page.getByRole("heading", { name: `Connect ${hostname}` }).waitFor()
      await page.getByText("0 of 2 records found.").waitFor()
      await page.getByText(made.ownership_challenge.value).waitFor()
      await check()
      await demo.publish(made.ownership_challenge.name, "TXT", made.ownership_challenge.value)
      await page.getByRole("button", { name: "Check now" }).click()
      await page.getByText("1 of 2 records found.").waitFor()
      await check()
      await demo.publish(hostname, "CNAME", "ingress.freehold.localhost")
      if (width === 1440 && scheme === "light") {
        // The page renews itself where it is not told to stay, and the connection is looked at by itself.
        await page.goto(address)
        await page.getByText(`${hostname} is connected`).waitFor({ timeout: 90_000 })
      } else {
        // Whoever asks too early is told so, and asks again.
        const press = async () => {
          await page.getByRole("button", { name: "Check now" }).click()
          return (await page.getByText(`${hostname} is connected`).count()) > 0
        }
        await waitUntil(press, { what: "the connection to be live", limitMs: 40_000 })
      }
      await soon(() => page.locator(".record.found").count()).toBe(2)
      await check()
      await page.goto(`${demo.api}/c/nothing`)
      await page.getByRole("heading", { name: "This link is over" }).waitFor()
      expect(violations).toEqual([])
      await context.close()
      await seeing.close()
    },
    120_000,
  )
})
