import type { DnsRecord, EmailOutcome, EmailRecords } from "./api"
import { note, type Screen } from "./dialog"
import { button, element } from "./elements"
import { recordList, type ShownRecord } from "./record-list"
import type { Words } from "./words"

/** What the mail records are made from. */
export type Mail = { domain: string; provider: string; dkim_value?: string }

type Needs = { words: Words; say: (text: string) => void; inForm: (record: DnsRecord) => ShownRecord; skip: () => void }

/** Asks who runs the mail. */
export function emailScreen({ words, skip }: Needs, domain: string, preview: (mail: Mail) => void): Screen {
  const options = Object.entries(words.mail).map(([value, name]) => element("option", { value }, name))
  const provider = element("select", { id: "mail" }, ...options)
  const dkim = element("input", { id: "dkim", type: "text", autocomplete: "off", spellcheck: "false", maxlength: "1000" })
  const dkimArea = element("div", {}, element("label", { for: "dkim" }, words.emailDkim), dkim)
  // Microsoft's are names to point at, which its own portal shows.
  provider.addEventListener("change", () => (dkimArea.hidden = provider.value === "microsoft_365"))
  const go = () => {
    const value = dkimArea.hidden ? "" : dkim.value.trim()
    preview({ domain, provider: provider.value, ...(value === "" ? {} : { dkim_value: value }) })
  }
  return {
    title: words.emailTitle,
    body: [element("p", {}, words.emailText(domain)), element("label", { for: "mail" }, words.emailProvider), provider, dkimArea],
    actions: [button(words.emailSkip, "secondary", skip), button(words.emailPreview, "primary", go)],
  }
}

/** Shows the records before anything is changed. */
export function emailPreviewScreen({ words, say, inForm, skip }: Needs, domain: string, found: EmailRecords, confirm: () => void): Screen {
  return {
    title: words.emailPreviewTitle,
    body: [
      element("p", {}, words.emailPreviewText(domain)),
      recordList(found.records.map(inForm), words, say),
      ...found.notes.map((text) => note("quiet", text)),
    ],
    actions: [button(words.emailSkip, "secondary", skip), button(words.emailConfirm, "primary", confirm)],
  }
}

/** What was written, and what is left to do by hand. */
export function emailDoneScreen({ words, say, inForm, skip }: Needs, outcome: EmailOutcome): Screen {
  const { written_records: written, manual_records: manual, notes } = outcome
  return {
    title: words.emailDoneTitle,
    body: [
      written.length > 0 && element("p", {}, words.emailWritten(written.length)),
      manual.length > 0 && element("p", {}, words.emailManual),
      manual.length > 0 && recordList(manual.map(inForm), words, say),
      ...notes.map((text) => note("quiet", text)),
    ],
    actions: [button(words.next, "primary", skip)],
  }
}
