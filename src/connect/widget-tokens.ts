import { AppError } from "../errors"
import type { ApplicationRow } from "../db/connect-schema"
import type { ApplicationStore } from "./application-store"
import { invalid, parseConnectionHost, type Principal } from "./model"

/** Signs and checks tokens; `expiresAt` in Unix milliseconds. */
export type TokenSigner = {
  sign(claims: Record<string, unknown>, expiresAt: number): Promise<string>
  verify(token: string): Promise<Record<string, unknown> | undefined>
}

const lifetimeMs = 60 * 60_000
const kind = "connect_widget"

/** Tokens with which a browser drives the widget: an hour, one application, and one hostname where it is said (connect-api.md section 3.1). */
export class WidgetTokens {
  constructor(
    private signer: TokenSigner,
    private store: ApplicationStore,
    private baseDomain: string,
    private now: () => number,
  ) {}

  /** Throws `invalid` for a domain that is none. */
  async mint(application: ApplicationRow, body: Record<string, unknown>) {
    const hostname = body.domain === undefined || body.domain === null ? undefined : parseConnectionHost(body.domain, this.baseDomain)
    const expiresAt = this.now() + lifetimeMs
    const claims = { type: kind, sub: application.id, ...(hostname === undefined ? {} : { dom: hostname }) }
    return { auth_token: await this.signer.sign(claims, expiresAt), expires_at: new Date(expiresAt).toISOString() }
  }

  /** Whom a token speaks for, or undefined. `origin` is that of a page elsewhere, which the application has to name: else `forbidden`. */
  async authenticate(token: string, origin: string | null): Promise<Principal | undefined> {
    const claims = await this.signer.verify(token)
    if (claims?.type !== kind || typeof claims.sub !== "string") return undefined
    const application = await this.store.byId(claims.sub)
    if (application === undefined) return undefined
    const origins = JSON.parse(application.allowedOrigins) as string[]
    if (origin !== null && !origins.includes(origin))
      throw new AppError("forbidden", `pages of ${origin} may not use this application: add the origin to its allowed_origins`)
    return {
      kind: "widget",
      personId: application.personId,
      isAdmin: false,
      environment: application.environment,
      applicationId: application.id,
      ...(typeof claims.dom === "string" ? { hostname: claims.dom } : {}),
      scopes: new Set(["connections:read", "connections:write"]),
    }
  }
}

/** Throws `forbidden` where a widget token is bound to another hostname. */
export function mayTouch(principal: Principal, hostname: string): void {
  if (principal.hostname !== undefined && principal.hostname !== hostname)
    throw new AppError("forbidden", `this token is for ${principal.hostname} only`)
}

/** The application that a body names, which a widget token need not name. Throws `invalid`. */
export function namedApplication(principal: Principal, raw: unknown): string {
  if ((raw === undefined || raw === null || raw === "") && principal.applicationId !== undefined) return principal.applicationId
  if (typeof raw !== "string" || raw === "") throw invalid("application_id is required")
  return raw
}
