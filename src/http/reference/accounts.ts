import { t } from "elysia"
import { boolean, done, empty, integer, json, maybe, named, oneOf, type Operations, orNull, said, seconds, text } from "./operation"

const username = said("1 to 64 letters, digits, dots, dashes or underscores; begins with a letter or digit.", {
  pattern: "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
})
const password = said("10 to 256 characters.", { minLength: 10, maxLength: 256 })
const name = said("1 to 64 characters.", { minLength: 1, maxLength: 64 })
const expiresIn = maybe(oneOf(["30d", "90d", "365d", "never", ""], { default: "never", description: "How long it holds." }))

export const scopes = named(
  "Scopes",
  t.Record(t.String(), t.Array(t.String()), {
    description:
      "Scope → actions. A scope is `<root>.<user id>[.<resource>[.<id>]]`, such as `networking.a1B2c3.domain-mappings`; a broader one covers what lies below it, for the actions it lists.",
  }),
)

export const login = named(
  "Login",
  t.Object({
    token: maybe(said("The session's token, for `Authorization: Bearer`; not where a cookie keeps the session.")),
    user_id: t.String(),
    username: t.String(),
    display_name: t.String(),
    is_admin: boolean(),
  }),
)

const challenge = named(
  "Challenge",
  t.Object({
    requires_2fa: t.Literal(true),
    challenge_token: said("Goes as `Authorization: Bearer` to the second step, within five minutes."),
  }),
)

const token = named(
  "ApiToken",
  t.Object({
    id: t.String(),
    name: t.String(),
    expires_at: seconds("Unix seconds, 0 for never."),
    last_used_at: seconds("Unix seconds, 0 for never."),
    created_at: seconds(),
    scopes: maybe(orNull(scopes)),
    service_account_id: maybe(said("Of whose service account it is; its scopes hold then.")),
    token: maybe(said("The token itself, in the answer to its making and nowhere else.")),
  }),
)

const account = named(
  "ServiceAccount",
  t.Object({ id: t.String(), name: t.String(), scopes, token_count: integer(), created_at: seconds() }),
)

export const accounts: Operations = {
  "POST /api/login": {
    summary: "Sign in with a password",
    text: "With the header `X-Freehold-Session: cookie` the session is kept in a cookie that no script can read, and the answer has no token. A person with a second factor is answered a challenge instead, with which the login goes on.",
    body: t.Object({ username: t.String(), password: t.String() }),
    headers: t.Object({ "x-freehold-session": maybe(oneOf(["cookie"], { description: "Keep the session in a cookie." })) }),
    good: json(t.Union([login, challenge]), "A session, or a challenge where a second factor is asked for."),
    errors: {
      401: "The user name or the password is wrong; which of them is not said.",
      429: "More than 20 attempts of an address, or 10 for a user name, in 15 minutes; `Retry-After` says how long to wait.",
    },
  },
  "GET /api/session": {
    summary: "Who is signed in",
    good: json(t.Object({ username: t.String(), display_name: t.String(), user_id: t.String(), is_admin: boolean() })),
  },
  "POST /api/logout": { summary: "End the session", text: "Answers alike where there is none.", good: json(done) },

  "POST /api/tokens": {
    summary: "Make an API token",
    text: "The token is in this answer and nowhere else. It may do what its scopes say, and never manages accounts.",
    body: t.Object({ name, scopes, expires_in: expiresIn }),
    good: json(token),
    errors: { 400: "The name, the scopes or `expires_in` is not as above, a scope is another person's, or there are 200 tokens already." },
  },
  "GET /api/tokens": { summary: "List one's API tokens", text: "Those of service accounts too.", good: json(t.Array(token)) },
  "DELETE /api/tokens/:id": {
    summary: "Delete an API token",
    text: "It ends at once.",
    good: json(done),
    errors: { 404: "No such token of yours." },
  },
  "GET /api/tokens/:id/check": {
    summary: "Whether a token id is alive",
    text: "Takes an id, not a token, and needs no authentication. A service account's scopes are told with it.",
    good: json(t.Object({ status: t.Literal("valid"), scopes: maybe(scopes) })),
    errors: { 404: "Unknown, expired or deleted; without a body." },
  },
  "POST /api/service-accounts": {
    summary: "Make a service account",
    text: "Scopes that any number of tokens share, and that can be changed without new tokens.",
    body: t.Object({ name, scopes }),
    good: json(account),
    errors: { 400: "The name or the scopes are not as above, or there are 100 service accounts already." },
  },
  "GET /api/service-accounts": { summary: "List one's service accounts", good: json(t.Array(account)) },
  "GET /api/service-accounts/:id": {
    summary: "A service account",
    good: json(account),
    errors: { 404: "No such service account of yours." },
  },
  "PUT /api/service-accounts/:id/scopes": {
    summary: "Change what a service account may do",
    text: "Holds from the next request on for each of its tokens.",
    body: t.Object({ scopes }),
    good: json(done),
    errors: { 400: "The scopes are not as above.", 404: "No such service account of yours." },
  },
  "DELETE /api/service-accounts/:id": {
    summary: "Delete a service account",
    text: "Its tokens end at once.",
    good: json(done),
    errors: { 404: "No such service account of yours." },
  },
  "POST /api/service-accounts/:id/tokens": {
    summary: "Make a token of a service account",
    body: t.Object({ name, expires_in: expiresIn }),
    good: json(token),
    errors: { 400: "The name or `expires_in` is not as above, or there are 200 tokens already.", 404: "No such service account of yours." },
  },
  "GET /api/service-accounts/:id/tokens": {
    summary: "List the tokens of a service account",
    good: json(t.Array(token)),
    errors: { 404: "No such service account of yours." },
  },

  "GET /setup/:secret": {
    summary: "The page of the set-up link",
    text: "The link that the log shows while nobody is set up; a page without scripts.",
    params: { secret: "Of the link." },
    good: text("The page.", "text/html"),
    errors: { 404: "The link is over: it works once, for 24 hours." },
  },
  "POST /setup/:secret": {
    summary: "Create the first administrator",
    text: "As JSON, which is answered with a session, or as the form of its page, which keeps the session in a cookie.",
    params: { secret: "Of the link." },
    body: t.Object({ username, password }),
    good: json(login),
    errors: {
      303: "As a form: the session is kept in a cookie, and `Location` is `/welcome`.",
      400: "The user name or the password is not as above.",
      404: "The link is over.",
    },
  },
  "GET /reset/:secret": {
    summary: "The page of a link to a new password",
    params: { secret: "Of the link." },
    good: text("The page.", "text/html"),
    errors: { 404: "The link is over: it works once, for 24 hours, until a new one is made." },
  },
  "POST /reset/:secret": {
    summary: "Choose a password by a link",
    text: "As a form or as JSON. Ends the person's sessions and signs nobody in.",
    params: { secret: "Of the link." },
    body: t.Object({ password }),
    good: json(t.Object({ status: t.Literal("ok"), user_id: t.String(), username: t.String() })),
    errors: { 400: "The password is not as above.", 404: "The link is over." },
  },

  "PUT /api/settings/profile": {
    summary: "Change one's display name",
    body: t.Object({ display_name: said("1 to 64 characters, no control characters.", { minLength: 1, maxLength: 64 }) }),
    good: json(t.Object({ username: t.String(), display_name: t.String(), user_id: t.String() })),
    errors: { 400: "The name is not as above." },
  },
  "PUT /api/settings/password": {
    summary: "Change one's password",
    text: "All other sessions end.",
    body: t.Object({ current_password: t.String(), new_password: password }),
    good: empty(200, "Changed; the answer is empty."),
    errors: { 400: "The new password is not as above.", 401: "`current password is incorrect`, or no session.", 429: "Too many attempts." },
  },
  "GET /api/settings/sessions": {
    summary: "List one's sessions",
    text: "Newest first.",
    good: json(
      t.Array(t.Object({ id: integer(), ip_address: t.String(), created_at: seconds(), expires_at: seconds(), is_current: boolean() })),
    ),
  },
  "DELETE /api/settings/sessions": {
    summary: "End all other sessions",
    text: "All but the one that asks.",
    good: json(t.Object({ status: t.Literal("ok"), ended: integer() })),
  },
  "DELETE /api/settings/sessions/:id": { summary: "End a session", good: json(done), errors: { 404: "`session not found`." } },
}
