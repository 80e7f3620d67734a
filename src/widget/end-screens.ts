import { note, type Screen } from "./dialog"
import { button, element, icon, outwardLink } from "./elements"
import type { Words } from "./words"

/** The domain is live. */
export function successScreen(words: Words, domain: string, done: () => void): Screen {
  const last = button(words.done, "primary", done)
  const isName = !domain.startsWith("*.")
  return {
    title: words.successTitle,
    ornament: element("span", { class: "badge good large" }, icon("check")),
    body: [element("p", {}, words.successText(domain))],
    actions: [...(isName ? [outwardLink(words.successOpen(domain), `https://${domain}/`, words.opensWindow)] : []), last],
    focus: last,
  }
}

/** What went wrong in one sentence, and what can be done. */
export function errorScreen(words: Words, problem: string, actions: { retry: () => void; byHand: (() => void) | undefined }): Screen {
  const retry = button(words.retry, "primary", actions.retry)
  return {
    title: words.errorTitle,
    body: [element("div", { role: "alert" }, note("warn", problem))],
    actions: [...(actions.byHand === undefined ? [] : [button(words.byHand, "secondary", actions.byHand)]), retry],
    focus: retry,
  }
}
