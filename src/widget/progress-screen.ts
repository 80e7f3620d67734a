import type { RecordsReport } from "./api"
import { note, type Screen } from "./dialog"
import { button, element, icon } from "./elements"
import type { ShownRecord } from "./record-list"
import type { Words } from "./words"

type Item = { line: HTMLElement; detail: HTMLElement; badge: HTMLElement; state: HTMLElement; name: string; found: boolean }

/** The records as they are seen one after the other, and the certificate at the end; each stays in place while its text changes. */
export class ProgressScreen {
  readonly screen: Screen
  private items: Item[] = []
  private certificate: Item
  private count = element("p", { class: "muted" })
  private stall: HTMLElement
  private trouble = element("div", {})
  private check: HTMLButtonElement

  /** `hasProof`: the first of the records shows the ownership. */
  constructor(
    private words: Words,
    domain: string,
    records: ShownRecord[],
    private hasProof: boolean,
    private say: (text: string) => void,
    actions: { check: () => void; records: () => void },
  ) {
    for (const { type, host, host_field: field = host } of records) this.items.push(this.item(`${type} ${field === "" ? host : field}`))
    this.certificate = this.item(words.certificate, words.certificateWaits)
    this.stall = note("quiet", words.stall)
    this.stall.hidden = true
    this.check = button(words.checkNow, "primary", () => this.check.getAttribute("aria-disabled") === "true" || actions.check())
    const list = element("ul", { class: "steps", role: "list" }, ...this.items.map(({ line }) => line), this.certificate.line)
    this.screen = {
      title: words.progressTitle(domain),
      body: [element("p", {}, words.progressText), this.count, this.trouble, this.stall, list],
      actions: [button(words.showRecords, "secondary", actions.records), this.check],
    }
    this.showCount()
  }

  /** A look is under way, or over. */
  busy(isBusy: boolean): void {
    this.check.textContent = isBusy ? this.words.checking : this.words.checkNow
    if (isBusy) this.check.setAttribute("aria-disabled", "true")
    else this.check.removeAttribute("aria-disabled")
  }

  /** Ticks off what is there by now; whether that was more than before. */
  update({ records, ownership, state, error_detail: problem }: RecordsReport): boolean {
    const before = this.found
    const proof = this.hasProof ? this.items[0] : undefined
    if (proof !== undefined) this.mark(proof, ownership === undefined, `${this.words.waiting}. ${ownership?.detail ?? ""}`)
    const rest = proof === undefined ? this.items : this.items.slice(1)
    rest.forEach((item, index) => {
      const seen = records[index]
      if (seen !== undefined) this.mark(item, seen.propagated, seen.explanation)
    })
    const isIssuing = state === "issuing_cert"
    this.certificate.detail.textContent = isIssuing ? this.words.certificateRuns : this.words.certificateWaits
    // While records are missing, their own lines say more.
    this.trouble.replaceChildren(...(problem !== null && this.found === this.items.length ? [note("warn", problem)] : []))
    this.showCount()
    return this.found > before
  }

  unreachable(): void {
    this.trouble.replaceChildren(note("warn", this.words.unreachable))
  }

  /** Says what may be the matter. */
  showStall(): void {
    if (!this.stall.hidden) return
    this.stall.hidden = false
    this.say(this.words.stall)
  }

  private get found(): number {
    return this.items.filter(({ found }) => found).length
  }

  private showCount(): void {
    this.count.textContent = this.words.allSeen(this.found, this.items.length)
  }

  private item(name: string, text = ""): Item {
    const badge = element("span", { class: "badge" }, icon("wait"))
    const state = element("span", { class: "unseen" }, this.words.waiting)
    const detail = element("p", {}, text)
    const line = element("li", {}, badge, element("div", {}, element("b", {}, name), " ", state, detail))
    return { line, detail, badge, state, name, found: false }
  }

  private mark(item: Item, found: boolean, detail: string): void {
    if (found && !item.found) this.say(this.words.announceSeen(item.name))
    item.found = found
    item.line.classList.toggle("found", found)
    item.badge.replaceChildren(icon(found ? "check" : "wait"))
    item.state.textContent = found ? this.words.seen : this.words.waiting
    item.detail.textContent = found ? this.words.seen : detail
    item.state.hidden = found
  }
}
