import { t } from "elysia"
import { login } from "./accounts"
import { anything, boolean, done, empty, integer, json, maybe, oneOf, type Operations, said, seconds, text } from "./operation"

const ceremony = t.Object({
  options: t.Object({
    publicKey: anything("As WebAuthn's own JSON, for `parseRequestOptionsFromJSON` or `parseCreationOptionsFromJSON`."),
  }),
  state: said("Comes back with the credential."),
})
const proof = t.Object({ state: t.String(), credential: anything("What the browser's credential says by `toJSON`.") })
const code = t.Object({ code: t.String() })
const current = t.Object({ current_password: t.String() })
const limited = { 429: "Too many attempts; `Retry-After` says how long to wait." }
const over = "`ceremony session not found or expired`."

export const secondFactors: Operations = {
  "GET /api/login/factors": {
    summary: "How a login may go on",
    good: json(
      t.Object({
        factors: t.Array(oneOf(["webauthn", "totp", "recovery_code"])),
        username: t.String(),
        page: said("Where a browser can go on with it."),
      }),
    ),
  },
  "POST /api/login/totp": {
    summary: "Go on with a code of the authenticator app",
    body: code,
    good: json(login),
    errors: { 401: "`invalid code`: wrong, used already, or more than 30 seconds off; or the challenge is over.", ...limited },
  },
  "POST /api/login/recovery-code": {
    summary: "Go on with a recovery code",
    text: "The code is used up.",
    body: code,
    good: json(login),
    errors: { 401: "`invalid code`, or the challenge is over.", ...limited },
  },
  "GET /api/webauthn/origins": {
    summary: "Where a browser's page can ask for a security key",
    good: json(t.Object({ page: said("The one to go to from elsewhere."), origins: t.Array(t.String()) })),
  },
  "POST /api/webauthn/login/begin": {
    summary: "Ask a security key to go on with a login",
    good: json(ceremony),
    errors: { 400: "`no security key is registered: use a code`." },
  },
  "POST /api/webauthn/login/finish": {
    summary: "Go on with what the security key said",
    body: proof,
    good: json(login),
    errors: { 400: over, 401: "`authentication failed`.", ...limited },
  },
  "POST /api/webauthn/passkey/begin": { summary: "Ask for a passkey to sign in with", good: json(ceremony), errors: limited },
  "POST /api/webauthn/passkey/finish": {
    summary: "Sign in with a passkey",
    text: "For a key that verified its user: two factors in one.",
    body: proof,
    good: json(login),
    errors: { 400: over, 401: "`authentication failed`." },
  },
  "GET /cli-2fa": {
    summary: "The page at which a login of the command line goes on",
    query: t.Object({
      challenge: said("The challenge's token."),
      cb: maybe(said("Where the session's token is sent: `http://127.0.0.1:<port>` with whatever path and query.")),
    }),
    good: text("The page.", "text/html"),
    errors: { 400: "There is no challenge, or `cb` is not of the reader's own machine." },
  },
  "GET /api/settings/two-factor": {
    summary: "How one's second factors stand",
    good: json(t.Object({ enabled: boolean(), keys: integer(), totp: boolean(), recovery_codes_left: integer() })),
  },
  "GET /api/settings/keys": {
    summary: "List one's security keys",
    good: json(
      t.Object({
        keys: t.Array(
          t.Object({
            id: t.String(),
            name: t.String(),
            authenticator_type: t.String(),
            created_at: seconds(),
            last_used_at: seconds("Unix seconds, 0 for never."),
          }),
        ),
      }),
    ),
  },
  "POST /api/settings/keys/add/begin": {
    summary: "Begin to register a security key",
    good: json(ceremony),
    errors: { 400: "`security key limit reached (20)`." },
  },
  "POST /api/settings/keys/add/finish": {
    summary: "Register a security key",
    body: t.Composite([proof, t.Object({ name: maybe(said("1 to 64 characters.", { maxLength: 64 })) })]),
    good: empty(200, "Registered; the answer is empty."),
    errors: { 400: `\`registration failed\`, or ${over}`, 409: "The key is registered already." },
  },
  "POST /api/settings/keys/rename": {
    summary: "Rename a security key",
    body: t.Object({ id: t.String(), name: said("1 to 64 characters.", { minLength: 1, maxLength: 64 }) }),
    good: empty(200, "Renamed; the answer is empty."),
    errors: { 400: "The name is not as above.", 404: "`key not found`." },
  },
  "POST /api/settings/keys/delete": {
    summary: "Delete a security key",
    text: "Without the last factor a password is enough.",
    body: t.Object({ id: t.String() }),
    good: empty(200, "Deleted; the answer is empty."),
    errors: { 404: "`key not found`." },
  },
  "POST /api/settings/totp/begin": {
    summary: "Begin to set up an authenticator app",
    good: json(t.Object({ secret: said("Base32."), uri: said("An `otpauth:` address, for a QR code.") })),
    errors: { 409: "`an authenticator app is already set up: remove it first`." },
  },
  "POST /api/settings/totp/finish": {
    summary: "Turn the authenticator app on",
    text: "With a code that it shows.",
    body: code,
    good: json(
      t.Object({
        status: t.Literal("ok"),
        recovery_codes: maybe(t.Array(t.String(), { description: "Ten, shown once; where there were none." })),
      }),
    ),
    errors: { 400: "`code does not match: check the clock of the device`." },
  },
  "POST /api/settings/totp/delete": {
    summary: "Remove the authenticator app",
    body: current,
    good: json(done),
    errors: { 401: "`current password is incorrect`, or no session.", 404: "There is none.", ...limited },
  },
  "POST /api/settings/recovery-codes": {
    summary: "Make new recovery codes",
    text: "Ten, shown once; the earlier ones end.",
    body: current,
    good: json(t.Object({ recovery_codes: t.Array(t.String()) })),
    errors: { 401: "`current password is incorrect`, or no session.", 409: "There is no second factor.", ...limited },
  },
}
