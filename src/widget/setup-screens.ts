import type { Connection, DomainReport, Finding } from "./api"
import { note, type Screen } from "./dialog"
import { button, type Child, element, outwardLink } from "./elements"
import { recordList, type ShownRecord } from "./record-list"
import type { Words } from "./words"

/** Asks for the domain; `problem` is what is wrong with the one that was entered. */
export function enterScreen(words: Words, given: string, problem: string, go: (domain: string) => void): Screen {
  const input = element("input", {
    id: "domain",
    type: "text",
    inputmode: "url",
    autocomplete: "off",
    autocapitalize: "none",
    spellcheck: "false",
    maxlength: "255",
    placeholder: words.enterPlaceholder,
    "aria-describedby": "hint",
    "aria-invalid": problem !== "" && "true",
  })
  input.value = given
  // What is pasted is often an address.
  const domain = () =>
    input.value
      .trim()
      .replace(/^[a-z]+:\/\//i, "")
      .replace(/[/?#].*$/, "")
      .replace(/\.$/, "")
      .toLowerCase()
  const hint = element("p", { id: "hint", class: "hint" }, words.enterHint)
  const warning = element("div", { role: "alert" }, problem !== "" && note("warn", problem))
  const submit = () => {
    if (domain() !== "") return go(domain())
    input.setAttribute("aria-invalid", "true")
    warning.replaceChildren(note("warn", words.enterEmpty))
    input.focus()
  }
  input.addEventListener("keydown", ({ key }) => key === "Enter" && submit())
  return {
    title: words.enterTitle,
    body: [element("p", {}, words.enterText), element("label", { for: "domain" }, words.enterLabel), input, warning, hint],
    actions: [button(words.next, "primary", submit)],
    focus: input,
  }
}

/** While the API is asked. */
export const busyScreen = (title: string, text: string): Screen => ({
  title,
  body: [element("p", {}, text), element("div", { class: "bar" })],
  actions: [],
})

export type Paths = { next: () => void; byHand: () => void; useWww: (() => void) | undefined }

/** What was found out about the domain, and which way it will go. */
export function analyzedScreen(words: Words, report: DomainReport, provider: string, paths: Paths): Screen {
  const { domain, kind, provider: known, setup_type: setup, records } = report
  const way = {
    automatic: words.analyzedAutomatic,
    semiautomatic: words.analyzedSemiautomatic(provider),
    // With the one that proves the ownership.
    manual: words.analyzedManual(records.length + 1),
  }[setup]
  const hints: Child[] = []
  if (domain.startsWith("*.")) hints.push(note("quiet", words.wildcard(domain, domain.slice(2))))
  if (kind === "apex" && report.apex_flattening) hints.push(note("quiet", words.apexFlattening(domain)))
  if (kind === "apex" && report.www_redirect_recommended) {
    const hint = note("quiet", words.apexWww(domain))
    if (paths.useWww !== undefined) hint.lastElementChild?.append(button(words.useWww(domain), "secondary", paths.useWww))
    hints.push(hint)
  }
  const found = attention(report)
  const primary = button(words.next, "primary", paths.next)
  return {
    title: words.analyzedTitle(domain),
    body: [
      element("p", {}, known.name === null ? words.analyzedNoProvider : words.analyzedProvider(known.name)),
      element("p", {}, way),
      ...hints,
      found.length > 0 && element("h3", {}, words.attention),
      ...found.map(({ sentence, fix }) => note("warn", sentence, fix)),
    ],
    actions: [...(setup === "manual" ? [] : [button(words.byHand, "secondary", paths.byHand)]), primary],
    focus: primary,
  }
}

const mostFindings = 4
/** That nothing leads here yet is why somebody is here. */
const expected = new Set(["points_nowhere", "challenge_at_wrong_name"])

function attention({ conflicts, preflight }: DomainReport): Finding[] {
  const all = [...conflicts, ...preflight.findings.filter(({ severity }) => severity !== "notice")]
  const bySentence = new Map(all.filter(({ code }) => !expected.has(code)).map((finding) => [finding.sentence, finding]))
  return [...bySentence.values()].slice(0, mostFindings)
}

/** Shows what will be written before it is. */
export function automaticScreen(
  words: Words,
  provider: string,
  list: HTMLElement,
  actions: { go: () => void; byHand: () => void },
): Screen {
  return {
    title: words.automaticTitle,
    body: [element("p", {}, words.automaticText(provider)), list],
    actions: [button(words.byHand, "secondary", actions.byHand), button(words.automaticGo, "primary", actions.go)],
  }
}

/** Sends the browser to the provider, where the domain's owner consents. */
export function semiautomaticScreen(
  words: Words,
  provider: string,
  applyUrl: string,
  actions: { go: () => void; byHand: () => void },
): Screen {
  return {
    title: words.semiautomaticTitle(provider),
    body: [
      element("p", {}, words.semiautomaticText(provider)),
      outwardLink(words.semiautomaticGo(provider), applyUrl, words.opensWindow, "primary"),
    ],
    actions: [button(words.byHand, "secondary", actions.byHand), button(words.semiautomaticDone, "secondary", actions.go)],
  }
}

export type ManualNeeds = {
  report: DomainReport
  provider: string
  records: ShownRecord[]
  /** Why they could not be set automatically. */
  problem: string | undefined
  say: (text: string) => void
  go: () => void
}

/** The exact records, for somebody who has the provider's form open beside it. */
export function manualScreen(words: Words, { report, provider, records, problem, say, go }: ManualNeeds): Screen {
  const panel = panelOf(report)
  return {
    title: words.manualTitle,
    body: [
      problem !== undefined && note("warn", words.manualNote(problem)),
      element("p", {}, words.manualText(provider)),
      panel !== undefined && outwardLink(words.manualPanel(provider), panel, words.opensWindow),
      recordList(records, words, say),
    ],
    actions: [button(words.manualGo, "primary", go)],
  }
}

/** Only what a browser may be sent to. */
export function panelOf({ provider: { control_panel_url: url } }: DomainReport): string | undefined {
  return url !== null && /^https?:\/\//.test(url) ? url : undefined
}

/** Where the browser is sent for consent, if there is such a place. */
export function applyUrlOf(report: DomainReport, connection: Connection): string | undefined {
  const url = connection.domain_connect?.apply_url ?? report.domain_connect?.apply_url
  return url !== undefined && url !== null && url.startsWith("https://") ? url : undefined
}
