import { Elysia } from "elysia"
import { readJsonObject } from "../body"
import type { Principal } from "./model"
import type { People, Tried } from "./people"
import type { Tokens } from "./tokens"
import type { Login } from "./two-factor-login"

/** What the account routes need of the request: who is signed in, and from where. */
export type AccountDoor = {
  session: (request: Request) => Promise<Principal & { kind: "session" }>
  /** The session of a request that may have none. */
  maybeSession: (request: Request) => Promise<string | undefined>
  address: (request: Request) => string
  /** Hears whose account a login is for, for the record. */
  tried: (request: Request, account: Parameters<Tried>[0]) => void
}

const body = (request: Request) => readJsonObject(request, "invalid request body")

/** Auth API: login, session, tokens and service accounts (platform-api.md section 2). Errors are `{"error": "…"}`. */
export const accountRoutes = (login: Login, people: People, tokens: Tokens, door: AccountDoor) => {
  const personId = async (request: Request) => (await door.session(request)).personId
  return new Elysia({ name: "account-routes" })
    .post(
      "/api/login",
      async ({ request }) => login.password(await body(request), door.address(request), (account) => door.tried(request, account)),
      { parse: "none" },
    )
    .get("/api/session", async ({ request }) => {
      const { username, displayName, personId, isAdmin } = await door.session(request)
      return { username, display_name: displayName, user_id: personId, is_admin: isAdmin }
    })
    .post(
      "/api/logout",
      async ({ request }) => {
        await people.logout(await door.maybeSession(request))
        return { status: "ok" }
      },
      { parse: "none" },
    )
    .post("/api/tokens", async ({ request }) => tokens.create(await personId(request), await body(request)), { parse: "none" })
    .get("/api/tokens", async ({ request }) => tokens.list(await personId(request)))
    .delete("/api/tokens/:id", async ({ request, params }) => tokens.delete(await personId(request), params.id))
    .get("/api/tokens/:id/check", async ({ params }) => {
      const found = await tokens.check(params.id)
      return found === undefined ? new Response(null, { status: 404 }) : found
    })
    .post("/api/service-accounts", async ({ request }) => tokens.createAccount(await personId(request), await body(request)), {
      parse: "none",
    })
    .get("/api/service-accounts", async ({ request }) => tokens.accounts(await personId(request)))
    .get("/api/service-accounts/:id", async ({ request, params }) => tokens.account(await personId(request), params.id))
    .put(
      "/api/service-accounts/:id/scopes",
      async ({ request, params }) => tokens.setScopes(await personId(request), params.id, await body(request)),
      {
        parse: "none",
      },
    )
    .delete("/api/service-accounts/:id", async ({ request, params }) => tokens.deleteAccount(await personId(request), params.id))
    .post(
      "/api/service-accounts/:id/tokens",
      async ({ request, params }) => tokens.createAccountToken(await personId(request), params.id, await body(request)),
      { parse: "none" },
    )
    .get("/api/service-accounts/:id/tokens", async ({ request, params }) => tokens.accountTokens(await personId(request), params.id))
}
