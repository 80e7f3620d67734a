import { Elysia } from "elysia"
import { AppError } from "../errors"
import { escapeHtml } from "../html"
import { page, readForm } from "./page"
import type { ResetLinks } from "./reset-links"

const title = "Choose a password"

/**
 * The one-time link to a new password: a page without scripts for a person, and the same address as JSON for a script. `letIn` hears whose
 * link was used.
 */
export const resetRoutes = (links: ResetLinks, letIn: (request: Request, person: { user_id: string; username: string }) => void) =>
  new Elysia({ name: "reset-routes" })
    .get("/reset/:secret", async ({ params }) => {
      const username = await links.owner(params.secret)
      if (username !== undefined) return page(200, title, form(username, ""))
      return page(404, "This link is over", "<p>A link works once and for 24 hours. An administrator makes a new one.</p>")
    })
    .post(
      "/reset/:secret",
      async ({ request, params }) => {
        const { isForm, input } = await readForm(request)
        try {
          const reply = await links.use(params.secret, input)
          letIn(request, reply)
          if (!isForm) return reply
          return page(
            200,
            "Ready",
            `<p>The password of <b>${escapeHtml(reply.username)}</b> is set, and every session ended. Sign in anew.</p>`,
          )
        } catch (error) {
          if (!isForm || !(error instanceof AppError)) throw error
          const username = await links.owner(params.secret)
          if (error.code === "invalid" && username !== undefined) return page(400, title, form(username, error.message))
          return page(404, "This link is over", `<p role="alert">${escapeHtml(error.message)}</p>`)
        }
      },
      { parse: "none" },
    )

const form = (username: string, problem: string) => `${problem === "" ? "" : `<p role="alert">${escapeHtml(problem)}</p>`}
<form method="post"><label>User name <input name="username" autocomplete="username" value="${escapeHtml(username)}" readonly></label>
<label>New password, at least 10 characters <input name="password" type="password" autocomplete="new-password" required minlength="10" maxlength="256" autofocus></label>
<button>Set the password</button></form>`
