import type { Authenticator } from "../accounts/authenticator"
import type { Principal, TokenName } from "../accounts/model"
import { covers, type ScopeRoot } from "../accounts/scopes"
import { withoutBlanks } from "../blanks"
import { AppError } from "../errors"
import { plainCookie, secureCookie } from "./session-cookie"

const networkingActions: Record<string, string> = { GET: "read", HEAD: "read", DELETE: "delete" }

/** Who is it, and may they: the one place where tokens are read from requests and scopes are checked. */
export class Guards {
  private recognised = new WeakMap<Request, Principal>()
  private refused = new WeakMap<Request, string>()

  /**
   * `isAllowedOrigin` is the CORS policy: pages of other origins may not act with a cookie that the browser sends along by itself. `isContainerPage`
   * says which of the allowed ones are applications of anybody: they lie below the base domain, and a cookie does nothing for them at all.
   */
  constructor(
    private authenticator: Authenticator,
    private isAllowedOrigin: (origin: string) => boolean,
    private isContainerPage: (origin: string) => boolean,
  ) {}

  /** Any accepted token; `takesQuery` where one in the address counts too, for what only reads. Throws `unauthorized`. */
  async principal(request: Request, takesQuery = false): Promise<Principal> {
    const { token, isCookie } = (takesQuery ? queryToken(request) : undefined) ?? presentedToken(request)
    if (token !== undefined) this.refused.set(request, token)
    if (isCookie && this.isForeignAction(request)) throw new AppError("unauthorized", "unauthorized")
    const principal = await this.authenticator.authenticate(token)
    this.refused.delete(request)
    this.recognised.set(request, principal)
    return principal
  }

  /** Whom a request that came by here speaks for, whatever became of it; undefined where its token was not accepted. */
  who = (request: Request): Principal | undefined => this.recognised.get(request)

  /** Which token a request brought that was not accepted, where it is one that we have made. */
  refusedToken = async (request: Request): Promise<TokenName | undefined> => {
    const token = this.refused.get(request)
    return token === undefined ? undefined : this.authenticator.nameOf(token)
  }

  private isForeignAction(request: Request): boolean {
    const origin = request.headers.get("origin")
    if (origin !== null && this.isContainerPage(origin)) return true
    const onlyReads = (request.method === "GET" || request.method === "HEAD") && !isWebSocket(request)
    if (origin === null || onlyReads) return false
    return !isOwnPage(request, origin) && !this.isAllowedOrigin(origin)
  }

  /** A person's own session; API tokens cannot manage accounts, whatever their scopes. */
  async session(request: Request): Promise<Principal & { kind: "session" }> {
    const principal = await this.principal(request)
    if (principal.kind !== "session") throw new AppError("unauthorized", "unauthorized")
    return principal
  }

  /** An administrator's session. Throws `unauthorized` or `forbidden`. */
  admin = async (request: Request): Promise<Principal & { kind: "session" }> => {
    const principal = await this.session(request)
    if (!principal.isAdmin) throw new AppError("forbidden", "forbidden")
    return principal
  }

  /** The id of the session a request carries, or undefined for everything else it may carry. */
  async maybeSession(request: Request): Promise<string | undefined> {
    try {
      return (await this.session(request)).sessionId
    } catch (error) {
      if (error instanceof AppError && error.code === "unauthorized") return undefined
      throw error
    }
  }

  /** The scope gate of the networking API; the action is the method's where none is named, and every method that neither reads nor deletes is a `create`. */
  networking = (
    request: Request,
    resource: "domains" | "domain-mappings",
    id: string | undefined,
    action = networkingActions[request.method] ?? "create",
  ): Promise<Principal> => this.scoped(request, "networking", resource, id, action)

  /** The scope gate of the compute API; without a resource the need is one for all of compute. */
  compute = (request: Request, resource: string | undefined, id: string | undefined, action: string): Promise<Principal> =>
    this.scoped(request, "compute", resource, id, action)

  /** Administration of compute: an administrator's session, whatever the scopes of a token. Throws `unauthorized`, or `forbidden` for every other token that holds. */
  computeAdmin = async (request: Request): Promise<Principal & { kind: "session" }> => {
    const principal = await this.principal(request)
    if (principal.kind !== "session" || !principal.isAdmin) throw new AppError("forbidden", "forbidden")
    return principal
  }

  /** The scope gate of the storage API, to which links and frames of stock clients bring a token as `?token=`. */
  storage = (request: Request, resource: "namespaces" | "files" | "registry", id: string | undefined, action: string): Promise<Principal> =>
    this.scoped(request, "storage", resource, id, action, true)

  private async scoped(
    request: Request,
    root: ScopeRoot,
    resource: string | undefined,
    id: string | undefined,
    action: string,
    takesQuery = false,
  ): Promise<Principal> {
    const principal = await this.principal(request, takesQuery)
    const path = [root, principal.personId]
    if (resource !== undefined) path.push(resource)
    if (resource !== undefined && id !== undefined) path.push(id)
    if (principal.kind === "session" || covers(principal.scopes, { path, action })) return principal
    throw new AppError(
      "forbidden",
      root === "networking" ? `forbidden: missing ${path.join(".")} scope` : "forbidden: insufficient token scope",
    )
  }
}

/**
 * The bearer token, else the cookie of a session (`session-cookie.ts`): that which no other host can have set first. A header of another scheme does not
 * hide it. Over HTTPS a browser's plain cookie does not count: an application below the base domain can set one for all of it, and would so sign its
 * visitors in as somebody else.
 */
export function presentedToken(request: Request): { token: string | undefined; isCookie: boolean } {
  const header = request.headers.get("authorization")
  const bearer = header === null ? null : /^Bearer +(\S+)\s*$/i.exec(header)
  if (bearer !== null) return { token: bearer[1], isCookie: false }
  const cookies = new Map<string, string>()
  for (const pair of (request.headers.get("cookie") ?? "").split(";")) {
    // Only what RFC 6265 section 4.2.1 puts there: a browser lets other hosts set a name with a Unicode blank before our prefix, which trim() would take away.
    const [name = "", value] = withoutBlanks(pair).split("=", 2)
    if (value && !cookies.has(name)) cookies.set(name, value)
  }
  const token = cookies.get(secureCookie) ?? (mayBeTossed(request) ? undefined : cookies.get(plainCookie))
  return { token, isCookie: token !== undefined }
}

/** The token in the address of a GET or HEAD; a bearer token hides it, and it hides a cookie, as with sockets. */
function queryToken(request: Request): { token: string; isCookie: false } | undefined {
  if (request.method !== "GET" && request.method !== "HEAD") return undefined
  const { token: bearer, isCookie } = presentedToken(request)
  if (bearer !== undefined && !isCookie) return undefined
  const token = new URL(request.url).searchParams.get("token")
  return token === null || token === "" ? undefined : { token, isCookie: false }
}

/** Whether a page of this origin came from the host that is asked. What was loaded in clear, anybody on the way may have written. */
export function isOwnPage(request: Request, origin: string): boolean {
  if (!URL.canParse(origin)) return false
  const { host, protocol } = new URL(origin)
  return host === request.headers.get("host") && (request.headers.get("x-forwarded-proto") !== "https" || protocol === "https:")
}

/** Browsers alone send Fetch Metadata (W3C), and to pages that are not HTTPS only on this machine. */
const mayBeTossed = (request: Request) =>
  request.headers.get("x-forwarded-proto") === "https" && request.headers.get("sec-fetch-site") !== null

const isWebSocket = (request: Request) => request.headers.get("upgrade")?.toLowerCase() === "websocket"
