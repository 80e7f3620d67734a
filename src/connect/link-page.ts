import { escapeHtml as escape } from "../html"
import type { LinkRecord, LinkView } from "./links"
import { fieldOf, findingOf, momentOf, purposes, standingOf } from "./link-words"

/** How the page was asked for: without renewing itself, or right after a look that came too early. */
export type PageMode = { path: string; isStill: boolean; isEarly: boolean }

/** Seconds after which the page renews itself. */
export const renewSeconds = 20

/** The customer's page, which needs no script. */
export function linkPage(view: LinkView, mode: PageMode): string {
  const { hostname, application, provider, panelUrl, redirectUrl, records } = view
  const { look, title, text } = standingOf(view)
  const who = escape(provider ?? "your DNS provider")
  const panel = panelUrl !== null && /^https?:\/\//.test(panelUrl) ? panelUrl : undefined
  const back =
    redirectUrl === null ? "" : `<p><a class="button" href="${escape(redirectUrl)}" rel="noreferrer">Back to ${escape(application)}</a></p>`
  const isDone = look === "done"
  const check = `<form method="post" action="${mode.path}/check">${mode.isStill ? '<input type="hidden" name="still" value="1">' : ""}<button class="button">Check now</button>${mode.isEarly ? '<p role="status">We looked a moment ago. Wait a few seconds before the next look.</p>' : ""}</form>`
  const steps = `<h2>What to do</h2>
<ol class="steps"><li>Open the DNS settings of your domain at ${who}.${panel === undefined ? "" : ` <a href="${escape(panel)}" target="_blank" rel="noopener noreferrer">Open ${who}<span class="unseen"> (in a new window)</span></a>`}</li>
<li>Add each record below exactly as it is shown. Other records stay as they are.</li>
<li>Come back here. You may close this page meanwhile: the link goes on working.</li></ol>`
  const wildcard = hostname.startsWith("*.")
    ? `<p class="hint">${escape(hostname)} covers every name one level below ${escape(hostname.slice(2))}, but not ${escape(hostname.slice(2))} itself.</p>`
    : ""
  return document(
    `Connect ${hostname}`,
    `<header><p>${escape(application)}</p></header>
<main>
<h1>Connect <span>${escape(hostname)}</span></h1>
<section class="state ${look}" aria-labelledby="state"><h2 id="state">${escape(title)}</h2><p>${escape(text)}</p>${isDone ? back : ""}${isDone ? "" : check}</section>
${isDone ? "" : steps}
${wildcard}
<h2>${isDone ? "The records" : "Records to add"}</h2>
<ul class="records">${records.map((record, index) => item(record, index, records.length)).join("")}</ul>
${isDone ? '<p class="hint">Keep the records in place: the domain stays connected as long as they are there.</p>' : ""}
</main>
<footer><p>${view.checkedAt === null ? "Not looked at yet." : `Last looked at ${momentOf(view.checkedAt)}.`} ${isDone ? "" : renewal(mode)}</p>
<p><a href="${mode.path}?format=text">This page as plain text</a>, to pass on. The link works until ${momentOf(view.expiresAt)}; whoever has it sees this page.</p></footer>`,
  )
}

const renewal = ({ path, isStill }: PageMode) =>
  isStill
    ? `This page stays as it is. <a href="${path}">Renew it by itself</a>`
    : `This page renews itself every ${renewSeconds} seconds. <a href="${path}?still=1">Stop that</a>`

function item(record: LinkRecord, index: number, count: number): string {
  const { type, host, hostField, value, ttl, priority, found } = record
  const full = hostField === host ? "" : `<span class="full">in full: ${escape(host)}</span>`
  const field = hostField === "" ? fieldOf(record) : `<code>${escape(hostField)}</code>`
  return `<li class="record${found ? " found" : ""}" aria-label="${type} record, ${index + 1} of ${count}">
<div class="kind"><b>${type}</b><span class="finding">${escape(findingOf(record))}</span></div>
<p class="hint">${purposes[record.purpose]}</p>
<dl><div><dt>Name</dt><dd>${field}${full}</dd></div><div><dt>Value</dt><dd><code>${escape(value)}</code></dd></div>${priority === undefined ? "" : `<div><dt>Priority</dt><dd>${priority}</dd></div>`}<div><dt>TTL</dt><dd>${ttl} seconds</dd></div></dl></li>`
}

/** For a link that is none, or over; which of these, it does not say. */
export const overPage = () =>
  document(
    "This link is over",
    `<main><h1>This link is over</h1><p>It has ended, was revoked, or was not copied whole. Ask whoever sent it for a new one.</p></main>`,
  )

const document = (title: string, content: string) => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex, nofollow"><title>${escape(title)}</title><link rel="stylesheet" href="/link.css"></head>
<body>${content}</body></html>
`
