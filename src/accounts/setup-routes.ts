import { Elysia } from "elysia"
import { readText } from "../body"
import { AppError } from "../errors"
import type { People } from "./people"

const pageHeaders = {
  "content-type": "text/html; charset=utf-8",
  "cache-control": "no-store",
  "referrer-policy": "no-referrer",
  "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'",
}

/** The one-time set-up link: a page without scripts for a person, and the same address as JSON for a script. */
export const setupRoutes = (people: People, address: (request: Request) => string) =>
  new Elysia({ name: "setup-routes" })
    .get("/setup/:secret", async ({ params }) => {
      if (await people.isSetupSecret(params.secret)) return page(200, "Create the first account", form(""))
      return page(
        404,
        "This link is over",
        "<p>A set-up link works once and for 24 hours. A restart prints a new one while nobody is set up.</p>",
      )
    })
    .post(
      "/setup/:secret",
      async ({ request, params }) => {
        const text = await readText(request)
        const isForm = request.headers.get("content-type")?.startsWith("application/x-www-form-urlencoded") ?? false
        const input = isForm ? Object.fromEntries(new URLSearchParams(text)) : parseObject(text)
        try {
          const reply = await people.setUp(params.secret, input, address(request))
          if (!isForm) return reply
          return page(
            200,
            "Ready",
            `<p>The account <b>${escapeHtml(reply.username)}</b> exists. Sign in from a shell with <code>freehold login</code>.</p>`,
          )
        } catch (error) {
          if (!isForm || !(error instanceof AppError)) throw error
          return page(error.code === "invalid" ? 400 : 404, "Create the first account", form(error.message))
        }
      },
      { parse: "none" },
    )

function parseObject(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new AppError("invalid", "invalid request body")
  }
}

const form = (problem: string) => `${problem === "" ? "" : `<p role="alert">${escapeHtml(problem)}</p>`}
<form method="post"><label>User name <input name="username" autocomplete="username" required maxlength="64" autofocus></label>
<label>Password, at least 10 characters <input name="password" type="password" autocomplete="new-password" required minlength="10" maxlength="256"></label>
<button>Create administrator</button></form>`

const escapeHtml = (text: string) => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`)

function page(status: number, title: string, content: string): Response {
  const style =
    "body{font:16px/1.5 system-ui,sans-serif;max-width:24rem;margin:12vh auto;padding:0 1rem;color:#1d2430;background:#fff}h1{font-size:1.4rem}label{display:block;margin:1rem 0}input{display:block;width:100%;box-sizing:border-box;padding:.6rem;font:inherit;border:1px solid #8a93a3;border-radius:6px}button{padding:.6rem 1rem;font:inherit;border:0;border-radius:6px;background:#1f5fd0;color:#fff}[role=alert]{color:#a4161a}"
  const html = `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title} · Freehold</title><style>${style}</style><h1>${title}</h1>${content}</html>`
  return new Response(html, { status, headers: pageHeaders })
}
