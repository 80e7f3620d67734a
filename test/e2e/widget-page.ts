import { waitUntil } from "../lab/process"
import type { Browser, BrowserContext, Page } from "playwright-core"

/** An event of the widget as a page hears it. */
export type Heard = { type: string; detail: Record<string, unknown> }

export type Look = { width: number; height: number; scheme: "light" | "dark" }

/** A page of another origin that may run the API's script and call the API, and nothing else at all. */
export class StrictSite {
  private server: Bun.Server<undefined>
  readonly origin: string

  /** `api` is the API's origin. */
  constructor(api: string, address = "127.0.0.1") {
    const policy = `default-src 'none'; script-src ${api}; connect-src ${api}`
    const page = `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>A product</title><main><h1>A product</h1><button id="opener">Open</button></main><script src="${api}/widget.js"></script></html>`
    this.server = Bun.serve({
      hostname: address,
      port: 0,
      fetch: ({ url }) =>
        new URL(url).pathname === "/"
          ? new Response(page, { headers: { "content-type": "text/html; charset=utf-8", "content-security-policy": policy } })
          : new Response(null, { status: 204 }),
    })
    this.origin = `http://${address}:${this.server.port}`
  }

  stop = (): Promise<void> => this.server.stop(true)

  /** Visits the page and opens the widget on it with these options. */
  async open(
    browser: Browser,
    options: Record<string, unknown>,
    look: Look = { width: 1440, height: 900, scheme: "light" },
  ): Promise<Visit> {
    const { width, height, scheme: colorScheme } = look
    const context = await browser.newContext({ viewport: { width, height }, colorScheme })
    const page = await context.newPage()
    await page.addInitScript(record)
    // Chromium gives up requests whenever a container anywhere on the machine changes the network.
    const isThere = async () => {
      await page.goto(this.origin)
      return page.evaluate(() => "ConnectDomain" in globalThis)
    }
    await waitUntil(isThere, { what: "the page with the widget" })
    const visit = new Visit(context, page)
    await visit.open(options)
    return visit
  }
}

/** Runs before the page's own scripts, which its policy does not touch. */
function record(): void {
  const scope = globalThis as never as Scope
  Object.assign(scope, { heard: [], calls: [], violations: [] })
  for (const name of ["step", "success", "close"])
    window.addEventListener(`connectdomain:${name}`, ({ type, detail }: CustomEventInit & { type: string }) =>
      scope.heard.push({ type, detail }),
    )
  window.addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) =>
    scope.violations.push(`${violatedDirective} ${blockedURI}`),
  )
  scope.names = Object.getOwnPropertyNames(globalThis)
}

type Scope = { heard: Heard[]; calls: unknown[]; violations: string[]; names: string[] }

/** One visit of the page, with a person's hands on the keyboard. */
export class Visit {
  readonly faults: string[] = []

  constructor(
    private context: BrowserContext,
    readonly page: Page,
  ) {
    page.on("pageerror", ({ message }) => this.faults.push(message))
    page.on("console", (message) => {
      // What the API refuses stands there too, whoever deals with it.
      if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) this.faults.push(message.text())
    })
  }

  async open(options: Record<string, unknown>): Promise<void> {
    await this.page.focus("#opener")
    await this.page.evaluate((options) => {
      const scope = globalThis as never as { calls: unknown[]; ConnectDomain: { open(options: object): unknown } }
      const call = (name: string) => (result: unknown) => void scope.calls.push([name, result])
      scope.ConnectDomain.open({ ...options, onStep: () => {}, onSuccess: call("onSuccess"), onClose: call("onClose") })
    }, options)
  }

  close = (): Promise<void> => this.context.close()

  heading = (name: string | RegExp) => this.page.getByRole("heading", { name }).waitFor()

  press = (key: string): Promise<void> => this.page.keyboard.press(key)

  /** Presses Tab until the focus is on what has this name, or this text; throws where it never comes there. */
  async tabTo(name: string): Promise<void> {
    const seen: string[] = []
    for (let presses = 0; presses < 60; presses++) {
      const focused = await this.focused()
      if (focused.startsWith(name)) return
      seen.push(focused)
      await this.press("Tab")
    }
    throw new Error(`"${name}" is not reached by Tab: ${[...new Set(seen)].join(" | ")}`)
  }

  /** The name of what has the focus within the widget; `outside` where that is something of the page. */
  focused(): Promise<string> {
    return this.page.evaluate(() => {
      const active = document.activeElement?.shadowRoot?.activeElement
      return active === undefined || active === null ? "outside" : (active.getAttribute("aria-label") ?? (active.textContent || active.id))
    })
  }

  /** What the records on the screen say: type, what to type for the name, value. */
  records(): Promise<{ type: string; full: string; field: string; value: string }[]> {
    return this.page.locator(".record").evaluateAll((all) =>
      all.map((record) => {
        const [field = "", value = ""] = Array.from(record.querySelectorAll("code"), ({ textContent }) => textContent ?? "")
        const full = record.querySelector(".full")?.textContent?.replace("in full: ", "") ?? field
        return { type: record.querySelector("b")?.textContent ?? "", full, field, value }
      }),
    )
  }

  /** Buttons, links and fields that are smaller than a finger: under 44 pixels in either direction. */
  small(): Promise<string[]> {
    return this.page.locator("[data-connect-domain] :is(button, a, input, select)").evaluateAll((all) =>
      all
        .map((one) => ({ box: one.getBoundingClientRect(), text: one.textContent }))
        .filter(({ box }) => box.height > 0 && (box.width < 44 || box.height < 44))
        .map(({ box, text }) => `${text} ${box.width}×${box.height}`),
    )
  }

  heard = (): Promise<Heard[]> => this.page.evaluate(() => (globalThis as never as Scope).heard)

  calls = (): Promise<unknown[]> => this.page.evaluate(() => (globalThis as never as Scope).calls)

  violations = (): Promise<string[]> => this.page.evaluate(() => (globalThis as never as Scope).violations)

  /** What the page has of globals that were not there before its scripts. */
  globals(): Promise<string[]> {
    return this.page.evaluate(() => {
      const { names } = globalThis as never as Scope
      return Object.getOwnPropertyNames(globalThis).filter((name) => !names.includes(name) && name !== "names" && name !== "axe")
    })
  }
}
