import type { Authenticator } from "../accounts/authenticator"
import type { Principal } from "../accounts/model"
import { covers } from "../accounts/scopes"
import { AppError } from "../errors"

const networkingActions: Record<string, string> = { GET: "read", HEAD: "read", DELETE: "delete" }

/** Who is it, and may they: the one place where tokens are read from requests and scopes are checked. */
export class Guards {
  constructor(private authenticator: Authenticator) {}

  /** Any accepted token. Throws `unauthorized`. */
  principal(request: Request): Promise<Principal> {
    return this.authenticator.authenticate(presentedToken(request))
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
export function presentedToken(request: Request): string | undefined {
  const header = request.headers.get("authorization")
  const bearer = header === null ? null : /^Bearer +(\S+)\s*$/i.exec(header)
  if (bearer !== null) return bearer[1]
  for (const pair of (request.headers.get("cookie") ?? "").split(";")) {
    const [name, value] = pair.trim().split("=", 2)
    if (name === "token" && value) return value
  }
  return undefined
}
