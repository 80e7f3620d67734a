import type { Principal, TokenName } from "../accounts/model"
import { sessionNumber } from "../accounts/sessions"
import type { AuditEntry } from "../audit/model"

/** What the audit needs of the rest of the house. */
export type RequestAuditNeeds = {
  /** Writes an entry; never rejects. */
  record: (entry: AuditEntry) => Promise<void>
  /** Whom the guards recognised in a request. */
  who: (request: Request) => Principal | undefined
  /** Whom the connect API let in with a key or a widget's token. */
  whoElse?: (request: Request) => Pick<AuditEntry, "personId" | "username" | "tokenKind" | "tokenId"> | undefined
  /** The token of a request in which they recognised nobody, where it was good once. */
  refusedToken: (request: Request) => Promise<TokenName | undefined>
  address: (request: Request) => string
}

type Account = { user_id: string; username: string }
type Note = {
  action: string
  target: string | undefined
  made?: { id?: string; personId?: string; username?: string }
  /** Whose account a login is for. */
  tried?: Account
}

const mutating = new Set(["POST", "PUT", "PATCH", "DELETE"])
const denials = new Set([401, 403, 429])
/** Questions that are posted: a widget asks them every few seconds. */
const looks = new Set(["POST /v1/email/records", "POST /c/:secret/check"])
const isLook = ({ action, target }: Note) => looks.has(action) || (target?.endsWith(":check") ?? false)
/** Every page asks who is signed in when it opens; without any token that is no attempt at anything. */
const isGreeting = ({ headers }: Request, { action }: Note) =>
  action === "GET /api/session" && !headers.has("authorization") && !headers.has("cookie")
const maxTargetLength = 200

/**
 * Decides what of a request is put on record: every one that changes something and every one that is denied, of all families. Taken are the
 * route and the ids in the path; never a query, a header, a body or a path segment that is a secret.
 */
export class RequestAudit {
  private notes = new WeakMap<Request, Note>()

  constructor(private needs: RequestAuditNeeds) {}

  /** Says which route a request has found. */
  routed(request: Request, route: string, params: Record<string, string>): void {
    // In the order of the path, which the router does not keep.
    const names = Array.from(route.matchAll(/:(\w+)|\*/g), ([whole, name]) => name ?? whole).filter((name) => name !== "secret")
    const target = names.flatMap((name) => params[name] || []).join("/")
    const pattern = route.length > 1 ? route.replace(/\/$/, "") : route
    this.notes.set(request, { action: `${request.method} ${pattern}`, target: target === "" ? undefined : target })
  }

  /** Takes from what a handler answers the id of the thing it made, and of the person it let in. */
  handled(request: Request, value: unknown): void {
    const note = this.notes.get(request)
    if (note === undefined || !mutating.has(request.method)) return
    const answer = isObject(value) && isObject(value.response) ? value.response : value
    // A page says nothing of the kind, and must not undo what its route has said.
    if (!isObject(answer) || answer instanceof Response) return
    const [personId, username] = [word(answer.user_id), word(answer.username)]
    note.made = { id: word(answer.id) ?? personId, personId, username }
  }

  /** Says whom a request without a token of theirs speaks for, where its answer does not. */
  letIn = (request: Request, { user_id: personId, username }: Account): void => {
    const note = this.notes.get(request)
    if (note !== undefined) note.made = { personId, username }
  }

  /** Says whose account a login is for. Where it comes to nothing, that account is its target: who it was, nobody knows. */
  tried = (request: Request, account: Account): void => {
    const note = this.notes.get(request)
    if (note !== undefined) note.tried = account
  }

  /**
   * Puts the request on record now that its answer is known. A request that found no route had nothing to change or to be denied. `isAct` says
   * of a request that looks as if it only read that it does more, as the opening of a terminal.
   */
  async finished(request: Request, status: number, isAct = mutating.has(request.method)): Promise<void> {
    const note = this.notes.get(request)
    const isDenied = denials.has(status)
    if (note === undefined || !(isDenied || (isAct && !isLook(note))) || isGreeting(request, note)) return
    const outcome = isDenied ? "denied" : status < 400 ? "allowed" : "failed"
    const principal = this.needs.who(request)
    const other = principal === undefined ? this.needs.whoElse?.(request) : undefined
    const account = outcome === "allowed" ? undefined : note.tried?.user_id
    const target = note.target ?? (principal === undefined && other === undefined ? account : note.made?.id)
    const refused = principal === undefined && other === undefined ? await this.needs.refusedToken(request) : undefined
    await this.needs.record({
      ...(other ?? actor(principal, note, outcome === "allowed")),
      ...(refused === undefined ? {} : { tokenKind: refused.kind, tokenId: shownId(refused) }),
      address: this.needs.address(request),
      action: note.action,
      target: target?.slice(0, maxTargetLength) ?? null,
      outcome,
      status,
    })
  }
}

/** A login has no token yet: whom it let in, its answer says, or the password that was right. */
function actor(
  principal: Principal | undefined,
  { made, tried }: Note,
  isAllowed: boolean,
): Pick<AuditEntry, "personId" | "username" | "tokenKind" | "tokenId"> {
  if (principal === undefined) {
    const account = isAllowed && made?.personId === undefined ? { personId: tried?.user_id, username: tried?.username } : made
    return { personId: account?.personId ?? null, username: account?.username ?? null, tokenKind: null, tokenId: null }
  }
  return { personId: principal.personId, username: principal.username, tokenKind: principal.kind, tokenId: tokenIdOf(principal) }
}

function tokenIdOf(principal: Principal): string | null {
  if (principal.kind === "api_token") return principal.tokenId
  return principal.sessionId === undefined ? null : shownId({ kind: "session", id: principal.sessionId })
}

/** Of a session the number under which its person sees it in the settings. */
const shownId = ({ kind, id }: TokenName) => (kind === "session" ? String(sessionNumber(id)) : id)

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null

/** Ids and names are short words; anything else in their place is left out. */
function word(value: unknown): string | undefined {
  if (typeof value === "number") return String(value)
  return typeof value === "string" && /^[\w.-]{1,64}$/.test(value) ? value : undefined
}
