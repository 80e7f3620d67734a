import { UsageError, parseScopes } from "./arguments"
import { type ApiClient, ApiError, listIn } from "./client"
import { type Command, runCommands } from "./command"
import type { CommandIo } from "./io"
import { date, fields, printable, table } from "./output"

export type ApiToken = {
  id: string
  name: string
  expires_at: number
  last_used_at: number
  created_at: number
  service_account_id?: string
  token?: string
}

const commands: Record<string, Command> = {
  ls: {
    async run({ api, show }) {
      show(await api.get<ApiToken[]>("/api/tokens"), tokenTable)
    },
  },
  create: {
    flags: { name: "text", scope: "list", "expires-in": "text" },
    async run({ api, show, flags }) {
      const name = flags.required("name")
      const wanted = parseScopes(flags.list("scope"))
      if (Object.keys(wanted).length === 0) throw new UsageError("--scope is missing")
      const expires_in = flags.text("expires-in")
      show(await api.post<ApiToken>("/api/tokens", { name, scopes: await ownScopes(api, wanted), expires_in }), newToken)
    },
  },
  rm: {
    rest: [1, 1],
    async run({ api, show, rest }) {
      show(await api.delete(`/api/tokens/${encodeURIComponent(rest[0] ?? "")}`), () => `${printable(rest[0])} revoked\n`)
    },
  },
  check: {
    rest: [1, 1],
    token: "none",
    async run({ api, show, rest }) {
      try {
        const answer = await api.get(`/api/tokens/${encodeURIComponent(rest[0] ?? "")}/check`)
        show(answer, () => `${printable(rest[0])} is valid\n`)
      } catch (error) {
        if (!(error instanceof ApiError) || error.status !== 404) throw error
        throw new ApiError(404, `${rest[0]} is not a valid token: unknown, revoked or expired`)
      }
    },
  },
}

/** API tokens of the person who is logged in: `ls`, `create`, `rm`, `check`. */
export const run = (args: string[], io: CommandIo): Promise<number> => runCommands("tokens", commands, args, io)

export function tokenTable(answer: ApiToken[]): string {
  const rows = listIn<ApiToken>(answer).map((token) => [
    token.id,
    token.name,
    token.service_account_id,
    date(token.expires_at, "never"),
    date(token.last_used_at, "never"),
  ])
  return table(["ID", "NAME", "SERVICE ACCOUNT", "EXPIRES", "LAST USED"], rows, "no tokens")
}

/** What a person sees of a new token: the one time that the token itself is shown. */
export function newToken(token: ApiToken): string {
  const about = fields({ id: token.id, name: token.name, expires: date(token.expires_at, "never"), token: token.token })
  return `${about}keep the token now: it is not shown again\n`
}

/** Scopes with `me` in the place of the user id replaced by the caller's own, which only a session may ask for. */
export async function ownScopes(api: ApiClient, scopes: Record<string, string[]>): Promise<Record<string, string[]>> {
  if (!Object.keys(scopes).some((key) => key.split(".")[1] === "me")) return scopes
  const { user_id } = (await api.get<{ user_id?: string } | undefined>("/api/session")) ?? {}
  if (!user_id) throw new ApiError(200, "the server did not say who is logged in, so that `me` in a scope has no meaning")
  const own: Record<string, string[]> = {}
  for (const [key, actions] of Object.entries(scopes)) {
    const parts = key.split(".")
    if (parts[1] === "me") parts[1] = user_id
    const name = parts.join(".")
    own[name] = [...new Set([...(own[name] ?? []), ...actions])]
  }
  return own
}
