import { Secret, TOTP } from "otpauth"
import { SoftwareKey } from "../../src/accounts/webauthn.fixture"
import type { Scene } from "./reference-story"

const password = "correct horse battery"

type Login = { token: string; user_id: string }
type Begun = { options: { publicKey: { challenge: string; rp: { id: string }; rpId: string } }; state: string }

/** Sets the first administrator up, and shows what a person does about their own account. */
export async function tellAccounts(scene: Scene, setupSecret: string): Promise<void> {
  const { recorder, hide } = scene
  hide(setupSecret, "SECRET")
  for (const path of ["healthz", "readyz", "livez"]) await recorder.ask(`GET /${path}`, { token: null })
  await recorder.ask("GET /setup/:secret", { at: { secret: setupSecret }, token: null })
  const first = await recorder.ask<Login>("POST /setup/:secret", {
    at: { secret: setupSecret },
    token: null,
    body: { username: "ada", password },
  })
  const ada = await recorder.ask<Login>("POST /api/login", { token: null, body: { username: "ada", password } })
  hide(ada.user_id, "a1B2c3")
  // As security keys are told it.
  hide(Buffer.from(ada.user_id).toString("base64url"), "YTFCMmMz")
  await recorder.ask("POST /api/logout", { token: first.token })
  recorder.token = ada.token
  await recorder.ask("GET /api/session")
  await recorder.ask("GET /api/webauthn/origins", { token: null })
  await recorder.ask("GET /api/events", { until: "ready" })
  await tellTokens(scene, ada.user_id)
  await recorder.ask("PUT /api/settings/profile", { body: { display_name: "Ada" } })
  await recorder.ask("POST /api/login", { token: null, body: { username: "ada", password } })
  const sessions = await recorder.ask<{ id: number; is_current: boolean }[]>("GET /api/settings/sessions")
  sessions.forEach(({ id }, index) => hide(String(id), String(index + 1)))
  await recorder.ask("DELETE /api/settings/sessions/:id", { at: { id: String(sessions.find((one) => !one.is_current)?.id) } })
  await recorder.ask("DELETE /api/settings/sessions")
  await recorder.ask("PUT /api/settings/password", { body: { current_password: password, new_password: "another long password" } })
  await recorder.ask("PUT /api/settings/password", { body: { current_password: "another long password", new_password: password } })
  await tellSecondFactors(scene)
}

async function tellTokens({ recorder, hide }: Scene, person: string): Promise<void> {
  const scopes = { [`networking.${person}.domain-mappings`]: ["read", "create"] }
  const token = await recorder.ask<{ id: string }>("POST /api/tokens", { body: { name: "deploy", scopes, expires_in: "90d" } })
  hide(token.id, "t0K3n1")
  await recorder.ask("GET /api/tokens")
  await recorder.ask("GET /api/tokens/:id/check", { at: { id: token.id }, token: null })
  const account = await recorder.ask<{ id: string }>("POST /api/service-accounts", { body: { name: "ci", scopes } })
  hide(account.id, "s3Rv1c")
  const at = { id: account.id }
  const second = await recorder.ask<{ id: string }>("POST /api/service-accounts/:id/tokens", { at, body: { name: "runner" } })
  hide(second.id, "t0K3n2")
  await recorder.ask("GET /api/service-accounts")
  await recorder.ask("GET /api/service-accounts/:id", { at })
  await recorder.ask("GET /api/service-accounts/:id/tokens", { at })
  await recorder.ask("PUT /api/service-accounts/:id/scopes", { at, body: { scopes: { [`compute.${person}.containers`]: ["read"] } } })
  await recorder.ask("DELETE /api/service-accounts/:id", { at })
  await recorder.ask("DELETE /api/tokens/:id", { at: { id: token.id } })
}

async function tellSecondFactors({ recorder, hide, base }: Scene): Promise<void> {
  await recorder.ask("GET /api/settings/two-factor")
  const { secret } = await recorder.ask<{ secret: string }>("POST /api/settings/totp/begin")
  const app = new TOTP({ secret: Secret.fromBase32(secret), digits: 6, period: 30 })
  // A code counts once, so the second is that of the next half minute, which is taken as well.
  const codes = [app.generate(), app.generate({ timestamp: Date.now() + 30_000 })]
  for (const code of codes) hide(code, "123456")
  const { recovery_codes: recovery } = await recorder.ask<{ recovery_codes: string[] }>("POST /api/settings/totp/finish", {
    body: { code: codes[0] },
  })
  const challenge = async () =>
    (await recorder.ask<{ challenge_token: string }>("POST /api/login", { token: null, body: { username: "ada", password } }))
      .challenge_token
  const token = await challenge()
  await recorder.ask("GET /api/login/factors", { token })
  await recorder.ask("POST /api/login/totp", { token, body: { code: codes[1] } })
  await recorder.ask("POST /api/login/recovery-code", { token: await challenge(), body: { code: recovery[0] } })
  const page = await challenge()
  await recorder.ask("GET /cli-2fa", { token: null, query: { challenge: page } })
  const key = new SoftwareKey(`https://${base}`)
  const adding = await recorder.ask<Begun>("POST /api/settings/keys/add/begin")
  const made = { state: adding.state, credential: key.create(adding.options.publicKey), name: "Blue key" }
  await recorder.ask("POST /api/settings/keys/add/finish", { body: made })
  const { keys } = await recorder.ask<{ keys: { id: string }[] }>("GET /api/settings/keys")
  const id = keys[0]?.id ?? ""
  await recorder.ask("POST /api/settings/keys/rename", { body: { id, name: "Green key" } })
  const asked = await recorder.ask<Begun>("POST /api/webauthn/login/begin", { token: page })
  await recorder.ask("POST /api/webauthn/login/finish", {
    token: null,
    body: { state: asked.state, credential: key.get(asked.options.publicKey) },
  })
  const { user_id: person } = await recorder.ask<Login>("GET /api/session")
  const passkey = await recorder.ask<Begun>("POST /api/webauthn/passkey/begin", { token: null })
  const proof = key.get(passkey.options.publicKey, { isVerified: true, userHandle: person })
  await recorder.ask("POST /api/webauthn/passkey/finish", { token: null, body: { state: passkey.state, credential: proof } })
  await recorder.ask("POST /api/settings/recovery-codes", { body: { current_password: password } })
  await recorder.ask("POST /api/settings/keys/delete", { body: { id } })
  await recorder.ask("POST /api/settings/totp/delete", { body: { current_password: password } })
}

type Link = { user_id: string; link: string; id: string }

/** What administrators do about people. */
export async function tellAdministration({ recorder, hide }: Scene): Promise<void> {
  const bob = await recorder.ask<Link>("POST /admin/users", { body: { username: "bob", display_name: "Bob" } })
  hide(bob.user_id, "d4E5f6")
  const at = { id: bob.user_id }
  const secretOf = ({ link }: Link) => {
    const secret = link.split("/").at(-1) ?? ""
    hide(secret, "SECRET")
    return secret
  }
  secretOf(bob)
  await recorder.ask("GET /admin/users")
  await recorder.ask("GET /admin/users/:id", { at })
  const secret = secretOf(await recorder.ask<Link>("POST /admin/users/:id/reset", { at }))
  await recorder.ask("GET /reset/:secret", { at: { secret }, token: null })
  await recorder.ask("POST /reset/:secret", { at: { secret }, token: null, body: { password } })
  const { token } = await recorder.ask<Login>("POST /api/login", { token: null, body: { username: "bob", password } })
  const app = await recorder.ask<{ secret: string }>("POST /api/settings/totp/begin", { token })
  const code = new TOTP({ secret: Secret.fromBase32(app.secret), digits: 6, period: 30 }).generate()
  await recorder.ask("POST /api/settings/totp/finish", { token, body: { code } })
  const { sessions } = await recorder.ask<{ sessions: { id: number }[] }>("GET /admin/sessions", { query: { person: "bob" } })
  const session = String(sessions[0]?.id)
  hide(session, "7")
  await recorder.ask("DELETE /admin/sessions/:id", { at: { id: session } })
  await recorder.ask("PUT /admin/users/:id/role/:role", { at: { ...at, role: "admin" } })
  await recorder.ask("POST /admin/users/:id/disable", { at })
  await recorder.ask("POST /admin/users/:id/enable", { at })
  await recorder.ask("DELETE /admin/users/:id/two-factor", { at })
  await recorder.ask("GET /storage/admin/quotas")
  await recorder.ask("GET /storage/admin/quotas/:person", { at: { person: bob.user_id } })
  await recorder.ask("PUT /storage/admin/quotas/:person", { at: { person: bob.user_id }, body: { quota_bytes: 10_000_000_000 } })
  await recorder.ask("GET /admin/users/:id/deletion", { at })
  await recorder.ask("DELETE /admin/users/:id", { at, query: { confirm: "bob" } })
  const carl = await recorder.ask<Link>("POST /admin/users", { body: { username: "carl", password } })
  hide(carl.user_id, "g7H8i9")
  await recorder.ask("DELETE /admin/users", { query: { id: carl.user_id, confirm: "carl" } })
  // What came last may not be on record yet.
  const query = { action: "POST /api/tokens", limit: "1" }
  await recorder.ask("GET /api/audit", { query: { ...query, outcome: "allowed" } })
  await recorder.ask("GET /api/audit/export", { query: { action: "POST /api/tokens" } })
}
