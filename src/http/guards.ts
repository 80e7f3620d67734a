import type { Authenticator } from "../accounts/authenticator"
import type { Principal } from "../accounts/model"
import { covers } from "../accounts/scopes"
import { AppError } from "../errors"

const networkingActions: Record<string, string> = { GET: "read", HEAD: "read", DELETE: "delete" }

/** Who is it, and may they: the one place where tokens are read from requests and scopes are checked. */
export class Guards {
  /** `isAllowedOrigin` is the CORS policy: pages of other origins may not act with a cookie that the browser sends along by itself. */
  constructor(
    private authenticator: Authenticator,
    private isAllowedOrigin: (origin: string) => boolean,
  ) {}

  /** Any accepted token. Throws `unauthorized`. */
  async principal(request: Request): Promise<Principal> {
    const { token, isCookie } = presentedToken(request)
    if (isCookie && this.isForeignAction(request)) throw new AppError("unauthorized", "unauthorized")
    return this.authenticator.authenticate(token)
  }

  private isForeignAction(request: Request): boolean {
    const origin = request.headers.get("origin")
    if (origin === null || request.method === "GET" || request.method === "HEAD") return false
    const isOwn = URL.canParse(origin) && new URL(origin).host === request.headers.get("host")
    return !isOwn && !this.isAllowedOrigin(origin)
  }

  /** A person's own session; API tokens cannot manage accounts, whatever their scopes. */
  async session(request: Request): Promise<Principal & { kind: "session" }> {
    const principal = await this.principal(request)
    if (principal.kind !== "session") throw new AppError("unauthorized", "unauthorized")
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

  /** The scope gate of the networking API; the action is the method's. */
  networking = async (request: Request, resource: "domains" | "domain-mappings", id: string | undefined): Promise<Principal> => {
    const principal = await this.principal(request)
    const path = ["networking", principal.personId, resource, ...(id === undefined ? [] : [id])]
    if (!allows(principal, path, networkingActions[request.method] ?? "create")) {
      throw new AppError("forbidden", `forbidden: missing ${path.join(".")} scope`)
    }
    return principal
  }

  /** The scope gate of the compute API. */
  compute = async (request: Request, resource: string, id: string | undefined, action: string): Promise<Principal> => {
    const principal = await this.principal(request)
    const path = ["compute", principal.personId, resource, ...(id === undefined ? [] : [id])]
    if (!allows(principal, path, action)) throw new AppError("forbidden", "forbidden: insufficient token scope")
    return principal
  }
}

function allows(principal: Principal, path: string[], action: string): boolean {
  return principal.kind === "session" || covers(principal.scopes, { path, action })
}

/** The bearer token, else the cookie named `token`. A header of another scheme does not hide the cookie. */
function presentedToken(request: Request): { token: string | undefined; isCookie: boolean } {
  const header = request.headers.get("authorization")
  const bearer = header === null ? null : /^Bearer +(\S+)\s*$/i.exec(header)
  if (bearer !== null) return { token: bearer[1], isCookie: false }
  for (const pair of (request.headers.get("cookie") ?? "").split(";")) {
    const [name, value] = pair.trim().split("=", 2)
    if (name === "token" && value) return { token: value, isCookie: true }
  }
  return { token: undefined, isCookie: false }
}
