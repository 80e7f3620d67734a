import { connectNeeds, type ConnectNeed } from "../connect-needs"
import { permissionTable, type Row } from "../needs"

/** Who may use a route, in words and as OpenAPI says it, and how whoever may not is refused. */
export type Who = { words: string; security: object[]; errors: Record<number, string> }

const any = [{ bearer: [] }, { cookie: [] }]
const noToken = { 401: "No token, or one that does not hold." }

/** By the tables that the permission tests hold the routes to. */
export function whoMay(route: string): Who {
  const ofConnect = connectNeeds[route]
  if (ofConnect !== undefined) return whoMayConnect(ofConnect)
  const row = permissionTable[route]
  if (row === undefined) throw new Error(`nobody says who may use ${route}`)
  return whoMayUse(row)
}

function whoMayUse({ need }: Row): Who {
  switch (need) {
    case "open":
      return { words: "Anybody, without a token.", security: [], errors: {} }
    case "challenge":
      return {
        words: "Whoever is halfway through a login, with the challenge's token.",
        security: [{ challenge: [] }],
        errors: { 401: "The challenge is over, or there is none." },
      }
    case "token":
      return { words: "A session, or any API token whatever its scopes.", security: any, errors: noToken }
    case "session":
      return {
        words: "A session. API tokens may not, whatever their scopes.",
        security: any,
        errors: { 401: "No session, or one that does not hold." },
      }
    case "admin":
      return {
        words: "An administrator's session.",
        security: any,
        errors: { 401: "No session, or one that does not hold.", 403: "No administrator." },
      }
    default:
  }
  const { scope, action, admin } = need
  if (admin === true)
    return { words: "An administrator's session.", security: any, errors: { ...noToken, 403: "No administrator's session." } }
  const [root = "", ...rest] = scope.split(".")
  const path = [root, "<user id>", ...rest].join(".").replace(":id", "<id>")
  return {
    words: `A session, or a token with \`${action}\` on \`${path}\` or on what is above it.`,
    security: any,
    errors: { ...noToken, 403: "The token lacks the scope." },
  }
}

function whoMayConnect({ anyOf, widget, admins }: ConnectNeed): Who {
  const errors = { ...noToken, 429: "Too many requests of this key or token." }
  if (admins === true)
    return { words: "An administrator's session.", security: any, errors: { ...noToken, 403: "No administrator's session." } }
  const scopes = anyOf.length === 5 ? "any scope" : `the scope ${anyOf.map((scope) => `\`${scope}\``).join(" or ")}`
  return {
    words: `A session, or an application's key with ${scopes}${widget === true ? ", or a widget token" : ""}.`,
    security: any,
    errors: {
      ...errors,
      403:
        widget === true
          ? "The key lacks the scope, or the widget token is for another hostname."
          : "The key lacks the scope, or it is a widget token.",
    },
  }
}
