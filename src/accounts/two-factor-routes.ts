import { Elysia } from "elysia"
import { readJsonObject } from "../body"
import type { AccountDoor } from "./routes"
import type { Attempt, Login } from "./two-factor-login"

const body = (request: Request) => readJsonObject(request, "invalid request body")
const raw = { parse: "none" } as const

/** The second step of a login, and the login by passkey (platform-api.md section 2.5). */
export const twoFactorRoutes = (login: Login, { address, tried }: Pick<AccountDoor, "address" | "tried">) => {
  const from = (request: Request): Attempt => ({ address: address(request), tried: (account) => tried(request, account) })
  return new Elysia({ name: "two-factor-routes" })
    .get("/api/login/factors", ({ request }) => login.factors(bearer(request)))
    .post("/api/login/totp", async ({ request }) => login.code(bearer(request), await body(request), from(request)), raw)
    .post("/api/login/recovery-code", async ({ request }) => login.recoveryCode(bearer(request), await body(request), from(request)), raw)
    .get("/api/webauthn/origins", () => login.keyPages())
    .post("/api/webauthn/login/begin", ({ request }) => login.beginWithKey(bearer(request)), raw)
    .post("/api/webauthn/login/finish", async ({ request }) => login.finishWithKey(await body(request), from(request)), raw)
    .post("/api/webauthn/passkey/begin", ({ request }) => login.beginWithPasskey(address(request)), raw)
    .post("/api/webauthn/passkey/finish", async ({ request }) => login.finishWithPasskey(await body(request), address(request)), raw)
}

/** Challenge tokens come in the header only: no browser sends them along by itself. */
function bearer(request: Request): string | undefined {
  return /^Bearer +(\S+)\s*$/i.exec(request.headers.get("authorization") ?? "")?.[1]
}
