import { mkdir } from "node:fs/promises"
import { join } from "node:path"
import type { Browser, BrowserContext, Cookie, Locator, Page } from "playwright-core"
import { admin, type Appliance, type Settings, startAppliance } from "../e2e/appliance"
import { complaints, startChromium } from "../e2e/chromium"

export type Look = { width: number; height: number; scheme: "light" | "dark" }

export const wide: Look = { width: 1440, height: 900, scheme: "light" }
export const narrow: Look = { width: 390, height: 844, scheme: "light" }
const dark = (look: Look): Look => ({ ...look, scheme: "dark" })
/** How every page is looked at: both widths and both themes once, and each with each where FREEHOLD_LOOKS says `all`. */
export const looks: Look[] = process.env.FREEHOLD_LOOKS === "all" ? [wide, narrow, dark(wide), dark(narrow)] : [wide, dark(narrow)]

/** The compiled binary with its dashboard, and a browser before it. */
export class DashboardHouse {
  private sessions = new Map<string, Cookie[]>()

  private constructor(
    readonly house: Appliance,
    readonly browser: Browser,
    private ends: () => Promise<void>,
  ) {}

  /** With a house of the caller's own, which the caller stops, or one that lives as long as this. */
  static async open(given?: Appliance | { settings?: Settings; withAdmin?: boolean }, start = startChromium): Promise<DashboardHouse> {
    const isGiven = given !== undefined && "url" in given
    const house = isGiven ? given : await startAppliance({ address: "127.0.0.1", ...given })
    const browser = await start()
    return new DashboardHouse(house, browser, async () => {
      await browser.close()
      if (!isGiven) await house.stop()
    })
  }

  stop = (): Promise<void> => this.ends()

  /** A browser of its own, with nobody signed in. */
  async visit(look: Look = wide): Promise<Visit> {
    const context = await this.browser.newContext({
      viewport: { width: look.width, height: look.height },
      colorScheme: look.scheme,
      reducedMotion: "reduce",
      baseURL: this.house.url,
    })
    return new Visit(context, await context.newPage(), look)
  }

  /** A browser in which somebody is signed in: by the form the first time, later by the same session, since logins are limited. It shows nothing yet. */
  async signedIn(look: Look = wide, person = admin): Promise<Visit> {
    const visit = await this.visit(look)
    const known = this.sessions.get(person.username)
    if (known !== undefined) {
      await visit.page.context().addCookies(known)
      return visit
    }
    await visit.page.goto("/login")
    await visit.signIn(person)
    this.sessions.set(person.username, await visit.page.context().cookies())
    return visit
  }
}

/** One person's browser at the dashboard. */
export class Visit {
  /** What went wrong in the page: errors of scripts, and what its policy kept out. */
  readonly faults: string[] = []

  constructor(
    private context: BrowserContext,
    readonly page: Page,
    readonly look: Look,
  ) {
    page.setDefaultTimeout(30_000)
    const note = (text: string) => {
      // A page that is left while its code still comes says so; one that stays shows it in its place.
      if (!text.includes("dynamically imported module")) this.faults.push(text)
    }
    page.on("pageerror", ({ message }) => note(message))
    page.on("console", (message) => {
      // What the API refuses stands there too, whoever deals with it.
      if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) note(message.text())
    })
  }

  close = (): Promise<void> => this.context.close()

  async signIn({ username, password } = admin): Promise<void> {
    await this.page.getByLabel("User name").fill(username)
    await this.page.getByLabel("Password").fill(password)
    await this.page.getByRole("button", { name: "Sign in", exact: true }).click()
    await this.page.getByRole("main").getByRole("heading", { level: 1 }).waitFor()
    await this.page.waitForURL((url) => url.pathname !== "/login")
  }

  /** Goes to an address and waits for its heading. */
  async go(path: string, heading?: string | RegExp): Promise<void> {
    await this.page.goto(path)
    await this.heading(heading)
  }

  /** Behind a dialog too, where it is hidden from assistive technology. */
  heading = (name?: string | RegExp): Promise<void> =>
    this.page.getByRole("heading", { level: 1, includeHidden: true, ...(name === undefined ? {} : { name }) }).waitFor()

  button = (name: string | RegExp): Locator => this.page.getByRole("button", { name })

  /** Waits until nothing is being loaded any more. */
  async settled(): Promise<void> {
    await this.page.waitForFunction(() => document.querySelector("[role=status] > [aria-hidden].animate-pulse, [aria-busy=true]") === null)
  }

  /** What axe-core has against the page as it is. */
  complaints = (): Promise<string[]> => complaints(this.page)

  /** How far the page can be scrolled sideways; a page never should. */
  overflow = (): Promise<number> =>
    this.page.evaluate(() => Math.max(document.documentElement.scrollWidth - document.documentElement.clientWidth, 0))

  /** Buttons that are not wholly between the left and the right edge of the screen, by their names. */
  cutOff = (): Promise<string[]> =>
    this.page.evaluate(() =>
      [...document.querySelectorAll("main button, [role=dialog] button")]
        .filter((one) => {
          const { left, right, width } = one.getBoundingClientRect()
          return width > 1 && (left < 0 || right > document.documentElement.clientWidth)
        })
        .map((one) => one.getAttribute("aria-label") ?? one.textContent),
    )

  /** All of that, and what went wrong in the page until now. */
  async troubles(): Promise<string[]> {
    const overflow = await this.overflow()
    const cutOff = await this.cutOff()
    return [
      ...(await this.complaints()),
      ...this.faults.splice(0),
      ...(overflow > 0 ? [`scrolls sideways by ${overflow} px`] : []),
      ...cutOff.map((name) => `the button "${name}" is cut off`),
    ]
  }

  /** A picture of the whole page in the folder that FREEHOLD_SHOTS names; none where it names nothing. */
  async shot(name: string): Promise<void> {
    const folder = process.env.FREEHOLD_SHOTS
    if (!folder) return
    await mkdir(folder, { recursive: true })
    const { width, scheme } = this.look
    await this.page.screenshot({ path: join(folder, `${name}-${width}-${scheme}.png`), fullPage: true })
  }
}

/** What is wrong with a page in all looks: axe-core's complaints, scrolling sideways, buttons that are cut off, faults of scripts; takes its pictures. `arrange` brings a fresh browser to it. */
export async function troublesIn(house: DashboardHouse, name: string, arrange: (visit: Visit) => Promise<void>): Promise<string[]> {
  const troubles: string[] = []
  for (const look of looks) {
    const visit = await house.signedIn(look)
    try {
      await arrange(visit)
      await visit.settled()
      await visit.shot(name)
      troubles.push(...(await visit.troubles()).map((trouble) => `${look.width} ${look.scheme}: ${trouble}`))
    } finally {
      await visit.close()
    }
  }
  return troubles
}

/** Milliseconds of the main thread's own time for a frame of scrolling, by what it is for; drawing is left out, which a browser without a graphics card does there too. */
export type ScrollCost = {
  frames: number
  script: number
  style: number
  layout: number
  longest: number
  rows: number
  animations: number
}

/** Scrolls a long page from its beginning to its end, a step a frame, and says what that costs and how often something was animated (Chrome DevTools Protocol, Performance.getMetrics). */
export async function scrollThrough(page: Page, step: number): Promise<ScrollCost> {
  const devtools = await page.context().newCDPSession(page)
  await devtools.send("Performance.enable", { timeDomain: "threadTicks" })
  const read = async () => new Map((await devtools.send("Performance.getMetrics")).metrics.map(({ name, value }) => [name, value * 1000]))
  const before = await read()
  const seen = await page.evaluate(async (step) => {
    const tasks: number[] = []
    const watcher = new PerformanceObserver((list) => tasks.push(...list.getEntries().map(({ duration }) => Math.round(duration))))
    watcher.observe({ type: "longtask" })
    let frames = 0
    let animations = 0
    for (let top = 0; top < document.documentElement.scrollHeight; top += step) {
      window.scrollTo(0, top)
      await new Promise(requestAnimationFrame)
      animations += document.getAnimations().length
      frames++
    }
    await new Promise((resolve) => setTimeout(resolve, 200))
    watcher.disconnect()
    return { frames, animations, longest: Math.max(0, ...tasks), rows: document.querySelectorAll("[aria-posinset]").length }
  }, step)
  const after = await read()
  const each = (name: string) => Number((((after.get(name) ?? Number.NaN) - (before.get(name) ?? Number.NaN)) / seen.frames).toFixed(2))
  return { ...seen, script: each("ScriptDuration"), style: each("RecalcStyleDuration"), layout: each("LayoutDuration") }
}
