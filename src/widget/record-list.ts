import type { DnsRecord } from "./api"
import { copyText, selectText } from "./copy"
import { element, icon } from "./elements"
import type { Words } from "./words"

/** A record with what it is for, in one sentence. */
export type ShownRecord = DnsRecord & { purpose?: string }

const feedbackMs = 2500

/** Records as somebody types them into a provider's form, each value with a button that copies it; `say` tells screen readers. */
export function recordList(records: ShownRecord[], words: Words, say: (text: string) => void): HTMLElement {
  const items = records.map((record, index) => {
    const { host, host_field: field = host, type, value, priority, ttl, purpose } = record
    const typed = field === "" ? element("span", {}, words.emptyName) : element("code", {}, field)
    const text = element("code", {}, value)
    const full = field !== host && element("span", { class: "full" }, words.fullName(host))
    const copyOf = (label: string, what: string, source: Element) => copyButton(words.copyThis(label, type), what, source, words, say)
    return element(
      "li",
      { class: "record", "aria-label": words.record(type, index + 1, records.length) },
      element("div", { class: "kind" }, element("b", {}, type), element("span", { class: "muted" }, purpose ?? "")),
      element(
        "dl",
        {},
        row(words.field.name, element("span", {}, typed, full), field !== "" && copyOf(words.field.name, field, typed)),
        row(words.field.value, element("span", {}, text), copyOf(words.field.value, value, text)),
        priority !== undefined && smallRow(words.field.priority, String(priority)),
        smallRow(words.field.ttl, words.seconds(ttl)),
      ),
    )
  })
  return element("ul", { class: "records", role: "list" }, ...items)
}

const row = (label: string, value: HTMLElement, action: HTMLElement | false) =>
  element("div", {}, element("dt", {}, label), element("dd", { class: "with" }, value, action))

const smallRow = (label: string, value: string) => element("div", { class: "small" }, element("dt", {}, label), element("dd", {}, value))

function copyButton(label: string, text: string, source: Element, words: Words, say: (text: string) => void): HTMLButtonElement {
  const caption = element("span", {}, words.copy)
  const drawing = element("span", { class: "drawing" }, icon("copy"))
  const made = element("button", { type: "button", class: "button plain copy", "aria-label": label }, drawing, caption)
  let timer: ReturnType<typeof setTimeout> | undefined
  made.addEventListener("click", async () => {
    const root = made.closest("dialog") ?? made
    const isCopied = await copyText(text, root)
    made.focus()
    if (!isCopied) selectText(source)
    const outcome = isCopied ? words.copied : words.copyByHand
    caption.textContent = outcome
    made.setAttribute("aria-label", `${outcome}: ${label}`)
    drawing.replaceChildren(icon(isCopied ? "check" : "copy"))
    say(outcome)
    clearTimeout(timer)
    timer = setTimeout(() => {
      caption.textContent = words.copy
      made.setAttribute("aria-label", label)
      drawing.replaceChildren(icon("copy"))
    }, feedbackMs)
  })
  return made
}
