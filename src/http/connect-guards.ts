import { createHash } from "node:crypto"
import type { Keys } from "../connect/keys"
import { type Principal, type Scope, scopes } from "../connect/model"
import type { Usage } from "../connect/usage"
import type { WidgetTokens } from "../connect/widget-tokens"
import { AppError } from "../errors"
import { type Guards, isOwnPage, presentedToken } from "./guards"
import { RateLimit } from "./rate-limit"

/** Whom the audit trail names for a request of the connect API. */
export type ConnectActor = { personId: string; username: string | null; tokenKind: "api_key" | "widget_token"; tokenId: string | null }

/** Who asks the connect API: the one place where API keys and widget tokens are read and their scopes checked; a person's session may do everything. */
export class ConnectGuards {
  private recognised = new WeakMap<Request, ConnectActor>()
  private ofKeys = new RateLimit(500, 100)
  /** A widget asks every few seconds, and its token is in the hands of a browser. */
  private ofWidgets = new RateLimit(60, 5)

  constructor(
    private guards: Guards,
    private keys: Keys,
    private widgetTokens: WidgetTokens,
    private usage: Usage,
  ) {}

  /** Throws `unauthorized`, `rate_limited`, or `forbidden` where the token has none of the scopes, or is a widget's and `widget` does not say that one may. */
  guard = async (request: Request, anyOf: readonly Scope[], options: { widget?: boolean } = {}): Promise<Principal> => {
    const principal = await this.principal(request)
    if (principal.kind === "widget" && options.widget !== true)
      throw new AppError("forbidden", "a widget token may not do this: use an API key on your server")
    if (!anyOf.some((scope) => principal.scopes.has(scope))) throw new AppError("forbidden", `this needs the scope ${anyOf.join(" or ")}`)
    return principal
  }

  /** The key or widget token that a request was let in with; undefined for sessions and for what was refused. */
  who = (request: Request): ConnectActor | undefined => this.recognised.get(request)

  private async principal(request: Request): Promise<Principal> {
    const { token, isCookie } = presentedToken(request)
    if (token !== undefined && !isCookie) {
      const key = token.startsWith("sk_") ? await this.keys.authenticate(token) : undefined
      if (key !== undefined) {
        this.ofKeys.take(key.keyId ?? "")
        this.usage.noteCall(key.personId)
        this.recognised.set(request, { personId: key.personId, username: null, tokenKind: "api_key", tokenId: key.keyId ?? null })
        return key
      }
      const widget = await this.widgetTokens.authenticate(token, foreignOrigin(request))
      if (widget !== undefined) {
        this.ofWidgets.take(createHash("sha256").update(token).digest("base64"))
        this.recognised.set(request, {
          personId: widget.personId,
          username: null,
          tokenKind: "widget_token",
          tokenId: widget.applicationId ?? null,
        })
        return widget
      }
    }
    // Whatever else there is may only be a session: API tokens of the other documents have no scopes for this one.
    const { personId, isAdmin } = await this.guards.session(request)
    return { kind: "session", personId, isAdmin, environment: undefined, applicationId: undefined, scopes: new Set(scopes) }
  }
}

/** The origin of the page that asks, where it is not a page of this very host. */
function foreignOrigin(request: Request): string | null {
  const origin = request.headers.get("origin")
  if (origin === null) return null
  return isOwnPage(request, origin) ? null : origin
}
