import { type Child, element, icon } from "./elements"
import { style } from "./style"
import type { Words } from "./words"

/** One screen: its heading, what stands below it, and the buttons at its end, the most important one last. */
export type Screen = {
  title: string
  body: Child[]
  actions: HTMLElement[]
  /** Stands above the heading and says nothing of its own. */
  ornament?: Element
  /** Gets the focus; the heading where it is left out. */
  focus?: HTMLElement
}

export type DialogOptions = {
  container: Element
  theme: string
  lang: string
  words: Words
  caption: string
  onLeave: () => void
  onGone: () => void
}

const focusable = "button:not([disabled]), a[href], input, select, [tabindex='0']"

/** A modal dialog in a shadow root: what the page and the widget look like is kept from each other. `onLeave` hears Esc and the cross. */
export class Dialog {
  private host: HTMLElement
  private dialog: HTMLDialogElement
  private body = element("div", { class: "body" })
  private foot = element("div", { class: "foot" })
  private sheet: HTMLElement
  private caption: HTMLElement
  private overlay: HTMLElement | undefined
  private before: Element | null = null
  /** Stays in place, or screen readers would not notice that its text changed. */
  private status = element("p", { class: "unseen", role: "status", "aria-live": "polite" })

  constructor(private options: DialogOptions) {
    const { container, theme, lang, words, caption, onLeave, onGone } = options
    this.host = element("div", { "data-connect-domain": true })
    const root = this.host.attachShadow({ mode: "open" })
    const sheet = new CSSStyleSheet()
    sheet.replaceSync(style)
    root.adoptedStyleSheets = [sheet]
    const cross = element("button", { type: "button", class: "button plain square", "aria-label": words.close }, icon("close"))
    cross.addEventListener("click", onLeave)
    this.caption = element("p", {}, caption)
    this.sheet = element(
      "div",
      { class: "sheet" },
      element("div", { class: "top" }, element("div", {}, this.caption), cross),
      this.body,
      this.foot,
    )
    this.dialog = element(
      "dialog",
      { "aria-modal": "true", "aria-labelledby": "title", "data-theme": theme, lang, dir: "ltr" },
      this.sheet,
      this.status,
    )
    root.append(this.dialog)
    this.dialog.addEventListener("keydown", (event) => this.onKey(event))
    // The back gesture of a phone. A browser that insists closes the dialog by itself.
    this.dialog.addEventListener("cancel", (event) => {
      event.preventDefault()
      onLeave()
    })
    this.dialog.addEventListener("close", onGone)
    container.append(this.host)
    this.dialog.showModal()
  }

  show({ title, body, actions, ornament, focus }: Screen): void {
    const heading = element("h2", { id: "title", tabindex: "-1" }, title)
    this.caption.hidden = title === this.caption.textContent
    this.body.replaceChildren(
      ...(ornament === undefined ? [] : [ornament]),
      heading,
      ...body.filter((child) => child !== false && child !== undefined),
    )
    this.foot.replaceChildren(...actions)
    this.body.scrollTop = 0
    this.markScrolling()
    if (this.overlay === undefined) (focus ?? heading).focus()
  }

  /** Lies over the screen, which nobody reaches meanwhile. */
  cover(title: string, text: Child[], actions: HTMLElement[]): void {
    if (this.overlay === undefined) this.before = this.root.activeElement
    this.overlay?.remove()
    const card = element(
      "div",
      { class: "card", role: "alertdialog", "aria-modal": "true", "aria-labelledby": "over", "aria-describedby": "about" },
      element("h2", { id: "over", tabindex: "-1" }, title),
      element("p", { id: "about" }, ...text),
      element("div", { class: "foot" }, ...actions),
    )
    this.overlay = element("div", { class: "overlay" }, card)
    this.sheet.inert = true
    this.dialog.append(this.overlay)
    actions.at(-1)?.focus()
  }

  uncover(): void {
    this.overlay?.remove()
    this.overlay = undefined
    this.sheet.inert = false
    const target = this.before?.isConnected === true ? this.before : this.body.querySelector("h2")
    if (target instanceof HTMLElement) target.focus()
  }

  get isCovered(): boolean {
    return this.overlay !== undefined
  }

  /** Tells screen readers. */
  say = (text: string): void => {
    this.status.textContent = ""
    // A text that is the same as before counts as news only when it was away.
    requestAnimationFrame(() => (this.status.textContent = text))
  }

  /** Takes everything away; the page's focus goes back to where it was. */
  remove(): void {
    if (this.dialog.open) this.dialog.close()
    this.host.remove()
  }

  private get root(): ShadowRoot {
    return this.host.shadowRoot as ShadowRoot
  }

  /** What scrolls has to be reachable by keys, where nothing in it is. */
  private markScrolling(): void {
    if (this.body.querySelector(focusable) === null) this.body.setAttribute("tabindex", "0")
    else this.body.removeAttribute("tabindex")
  }

  private onKey(event: KeyboardEvent): void {
    // The page has keys of its own.
    event.stopPropagation()
    if (event.key === "Escape") {
      event.preventDefault()
      this.options.onLeave()
    }
    if (event.key === "Tab") this.keepFocus(event)
  }

  private keepFocus(event: KeyboardEvent): void {
    const area = this.overlay ?? this.sheet
    const all = [...area.querySelectorAll<HTMLElement>(focusable)].filter((one) => one.checkVisibility())
    const [first, last] = [all[0], all.at(-1)]
    const current = this.root.activeElement
    const isOutside = current === null || !area.contains(current)
    if (event.shiftKey ? current === first || isOutside : current === last || isOutside) {
      event.preventDefault()
      ;(event.shiftKey ? last : first)?.focus()
    }
  }
}

/** A box that says something beside the matter itself. */
export const note = (look: "quiet" | "warn", ...texts: (string | null | undefined)[]): HTMLElement =>
  element(
    "div",
    { class: `note ${look}` },
    look === "warn" && icon("warn"),
    element(
      "div",
      {},
      ...texts.filter((text) => text !== null && text !== undefined && text !== "").map((text) => element("p", {}, text as string)),
    ),
  )
