import { createHash } from "node:crypto"
import { readText } from "../body"
import { AppError } from "../errors"

/** What a page needs besides its words: a script of its own, and the one other origin that the script may reach. */
export type PageExtras = { script?: string; connect?: string }

/** What was sent from the form of a page, or as JSON by a script; throws `invalid` for what is neither. */
export async function readForm(request: Request): Promise<{ isForm: boolean; input: unknown }> {
  const text = await readText(request)
  const isForm = request.headers.get("content-type")?.startsWith("application/x-www-form-urlencoded") ?? false
  return { isForm, input: isForm ? Object.fromEntries(new URLSearchParams(text)) : parseObject(text) }
}

function parseObject(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new AppError("invalid", "invalid request body")
  }
}

const style = `
:root{color-scheme:light dark;--text:#182120;--quiet:#566260;--paper:#f7f8f7;--card:#fff;--line:#848f8c;--accent:#0f6b62;--on-accent:#fff;--alert:#ad2a21}
@media(prefers-color-scheme:dark){:root{--text:#e5ebe9;--quiet:#9daba8;--paper:#101413;--card:#171c1b;--line:#66726f;--accent:#67cfc1;--on-accent:#06211d;--alert:#f4938a}}
*{box-sizing:border-box}
[hidden]{display:none!important}
body{font:16px/1.5 system-ui,sans-serif;max-width:26rem;margin:0 auto;padding:clamp(2rem,10vh,7rem) 1rem 2rem;color:var(--text);background:var(--paper);overflow-wrap:anywhere}
.brand{display:flex;align-items:center;gap:.5rem;margin:0 0 2rem;font-weight:600}
.brand svg{width:1.5rem;color:var(--accent)}
h1{font-size:1.5rem;line-height:1.25;margin:0 0 1rem}
a{color:var(--accent)}
label{display:block;margin:1rem 0}
input{display:block;width:100%;margin-top:.25rem;padding:.6rem;font:inherit;color:inherit;background:var(--card);border:1px solid var(--line);border-radius:6px}
input[aria-invalid]{border-color:var(--alert)}
input[readonly]{background:transparent}
button{display:block;width:100%;min-height:2.75rem;padding:.6rem 1rem;font:inherit;font-weight:600;border:1px solid transparent;border-radius:6px;background:var(--accent);color:var(--on-accent);cursor:pointer}
button.second{background:transparent;color:var(--accent);border-color:var(--accent)}
button:disabled{opacity:.6;cursor:default}
[tabindex="-1"]:focus{outline:0}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
code{font:.9em ui-monospace,monospace}
.quiet{color:var(--quiet)}
.or{display:flex;align-items:center;gap:.75rem;margin:1.25rem 0 0;color:var(--quiet)}
.or::before,.or::after{content:"";flex:1;border-top:1px solid var(--line);opacity:.5}
.secret{font-family:ui-monospace,monospace}
[role=alert]{color:var(--alert)}`

/** The same as the dashboard's, whose colours these pages share (`dashboard/app.css`). */
const brand =
  '<p class="brand"><svg aria-hidden="true" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="currentColor"/><path d="M8 25V13.5L16 7l8 6.5V25h-5.5v-6.5a2.5 2.5 0 0 0-5 0V25z" fill="var(--card)"/></svg>Freehold</p>'

/**
 * A small page of our own that is in no cache and in no frame, and runs no script but `script`; its policy lets in style and script by their
 * hashes (CSP Level 3, section 6.7.3) and nothing else. `content` is HTML, the title is not escaped.
 */
export function page(status: number, title: string, content: string, { script, connect }: PageExtras = {}): Response {
  const policy = [
    "default-src 'none'",
    `style-src ${hashSource(style)}`,
    ...(script === undefined ? ["form-action 'self'"] : [`script-src ${hashSource(script)}`, "form-action 'none'"]),
    ...(script === undefined ? [] : [`connect-src ${["'self'", connect].filter(Boolean).join(" ")}`]),
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ]
  const html = `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark"><title>${title} · Freehold</title><style>${style}</style><main>${brand}<h1 id="title" tabindex="-1">${title}</h1>${content}</main>${script === undefined ? "" : `<script>${script}</script>`}</html>`
  const headers = {
    "content-type": "text/html; charset=utf-8",
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "content-security-policy": policy.join("; "),
  }
  return new Response(html, { status, headers })
}

const hashSource = (text: string) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`
