import { Elysia } from "elysia"

/** A page of ours asks with this header field that its session be kept where no script can read it. */
const askedBy = "x-freehold-session"

/** Routes that let somebody in. */
const waysIn = new Set([
  "/api/login",
  "/api/login/totp",
  "/api/login/recovery-code",
  "/api/webauthn/login/finish",
  "/api/webauthn/passkey/finish",
])
const wayOut = "/api/logout"

/** Over HTTPS a prefix that other hosts cannot set (RFC 6265bis section 4.1.3.2): applications lie below the same domain. */
export const secureCookie = "__Host-token"
export const plainCookie = "token"

/**
 * Sessions of browsers: with `X-Freehold-Session: cookie` the answer of a login keeps its token in a cookie that scripts cannot read and other
 * sites cannot send along (HttpOnly, SameSite=Strict), and not in its body. A logout takes it away, whoever asks.
 */
export const sessionCookies = () =>
  new Elysia({ name: "session-cookies" }).onAfterHandle({ as: "global" }, ({ request, responseValue, set }) => {
    if (request.method !== "POST") return
    const { pathname } = new URL(request.url)
    if (pathname === wayOut) {
      set.headers["set-cookie"] = ended() as never
      return
    }
    if (!waysIn.has(pathname) || request.headers.get(askedBy) !== "cookie" || !hasToken(responseValue)) return
    const { token, ...rest } = responseValue
    set.headers["set-cookie"] = sessionCookie(request, token)
    return rest
  })

/** The cookie of a session for who asks: of a page that was loaded over HTTPS it goes over nothing else. */
export function sessionCookie(request: Request, token: string): string {
  const isSecure = request.headers.get("origin")?.startsWith("https:") === true
  return `${isSecure ? secureCookie : plainCookie}=${token}; Path=/; HttpOnly; SameSite=Strict${isSecure ? "; Secure" : ""}`
}

const ended = () => [
  `${secureCookie}=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict; Secure`,
  `${plainCookie}=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict`,
]

const hasToken = (value: unknown): value is { token: string } =>
  typeof value === "object" && value !== null && typeof (value as { token?: unknown }).token === "string"
