import { Elysia } from "elysia"
import { AppError } from "../errors"
import { escapeHtml } from "../html"
import { page, readForm } from "./page"
import type { People } from "./people"

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
        const { isForm, input } = await readForm(request)
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

const form = (problem: string) => `${problem === "" ? "" : `<p role="alert">${escapeHtml(problem)}</p>`}
<form method="post"><label>User name <input name="username" autocomplete="username" required maxlength="64" autofocus></label>
<label>Password, at least 10 characters <input name="password" type="password" autocomplete="new-password" required minlength="10" maxlength="256"></label>
<button>Create administrator</button></form>`
