import { readText } from "../body"
import { AppError } from "../errors"

const pageHeaders = {
  "content-type": "text/html; charset=utf-8",
  "cache-control": "no-store",
  "referrer-policy": "no-referrer",
  "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'",
}

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

/** Text made safe to stand in a page or in a quoted attribute. */
export const escapeHtml = (text: string) => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`)

/** A small page of our own that runs no scripts, is in no cache and in no frame; `content` is HTML, the title is not escaped. */
export function page(status: number, title: string, content: string): Response {
  const style =
    "body{font:16px/1.5 system-ui,sans-serif;max-width:24rem;margin:12vh auto;padding:0 1rem;color:#1d2430;background:#fff}h1{font-size:1.4rem}label{display:block;margin:1rem 0}input{display:block;width:100%;box-sizing:border-box;padding:.6rem;font:inherit;border:1px solid #8a93a3;border-radius:6px}button{padding:.6rem 1rem;font:inherit;border:0;border-radius:6px;background:#1f5fd0;color:#fff}[role=alert]{color:#a4161a}"
  const html = `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title} · Freehold</title><style>${style}</style><h1>${title}</h1>${content}</html>`
  return new Response(html, { status, headers: pageHeaders })
}
