import { Elysia } from "elysia"
import { AppError } from "../errors"
import { escapeHtml } from "../html"
import { page, readForm } from "./page"
import type { LoginReply, People } from "./people"

const title = "Create the first account"

/** Where the form leads who was set up by it. */
const welcome = "/welcome"

/**
 * The one-time set-up link: a page without scripts for a person, and the same address as JSON for a script. `letIn` hears who was made by the form,
 * and answers the `Set-Cookie` that keeps their session.
 */
export const setupRoutes = (
  people: People,
  address: (request: Request) => string,
  letIn: (request: Request, person: LoginReply) => string,
) =>
  new Elysia({ name: "setup-routes" })
    .get("/setup/:secret", async ({ params }) => ((await people.isSetupSecret(params.secret)) ? ask(200) : over()))
    .post(
      "/setup/:secret",
      async ({ request, params }) => {
        const { isForm, input } = await readForm(request)
        try {
          const reply = await people.setUp(params.secret, input, address(request))
          if (!isForm) return reply
          const headers = { location: welcome, "set-cookie": letIn(request, reply), "cache-control": "no-store" }
          return new Response(null, { status: 303, headers })
        } catch (error) {
          if (!isForm || !(error instanceof AppError)) throw error
          return error.code === "invalid" ? ask(400, String((input as { username?: unknown }).username ?? ""), error.message) : over()
        }
      },
      { parse: "none" },
    )

const over = () =>
  page(
    404,
    "This link is over",
    '<p>A set-up link works once and for 24 hours. If the first account is yours, <a href="/">go to the dashboard</a>; while nobody is set up, a restart of Freehold prints a new link.</p>',
  )

/** The page of the form. Its posts have to name their origin, which tells how the session is kept, so the policy of referrers is looser than on other pages. */
function ask(status: number, username = "", problem = ""): Response {
  const response = page(status, title, form(username, problem))
  response.headers.set("referrer-policy", "same-origin")
  return response
}

function form(username: string, problem: string): string {
  const isPassword = problem.startsWith("password")
  const wrong = (isIt: boolean) => (problem !== "" && isIt ? ' aria-invalid="true" aria-describedby="problem" autofocus' : "")
  return `<p class="quiet">This person administers the server. Everything else is set up from the dashboard, which comes next.</p>
${problem === "" ? "" : `<p role="alert" id="problem">${escapeHtml(sentence(problem))}</p>`}
<form method="post"><label>User name <input name="username" autocomplete="username" autocapitalize="none" spellcheck="false" required maxlength="64" value="${escapeHtml(username)}"${problem === "" ? " autofocus" : wrong(!isPassword)}></label>
<label>Password, at least 10 characters <input name="password" type="password" autocomplete="new-password" required minlength="10" maxlength="256"${wrong(isPassword)}></label>
<button>Create administrator</button></form>`
}

const sentence = (text: string) => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`
