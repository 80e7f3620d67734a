import { UsageError, parseScopes } from "./arguments"
import { listIn } from "./client"
import { type Call, type Command, runCommands } from "./command"
import type { CommandIo } from "./io"
import { fields, printable, table } from "./output"
import { type ApiToken, newToken, ownScopes, tokenTable } from "./tokens"

type ServiceAccount = { id: string; name: string; scopes: Record<string, string[]>; token_count: number; created_at: number }

const path = (id: string | undefined) => `/api/service-accounts/${encodeURIComponent(id ?? "")}`

const commands: Record<string, Command> = {
  ls: {
    async run({ api, show }) {
      show(await api.get<ServiceAccount[]>("/api/service-accounts"), (answer) => {
        const rows = listIn<ServiceAccount>(answer).map((account) => [account.id, account.name, account.token_count, scopeText(account)])
        return table(["ID", "NAME", "TOKENS", "SCOPES"], rows, 'no service accounts; "freehold service-accounts create" makes one')
      })
    },
  },
  create: {
    flags: { name: "text", scope: "list" },
    async run(call) {
      const name = call.flags.required("name")
      const scopes = await wantedScopes(call)
      call.show(await call.api.post<ServiceAccount>("/api/service-accounts", { name, scopes }), describe)
    },
  },
  rm: {
    rest: [1, 1],
    async run({ api, show, rest }) {
      show(await api.delete(path(rest[0])), () => `${printable(rest[0])} removed, and its tokens with it\n`)
    },
  },
  scopes: {
    flags: { scope: "list" },
    rest: [1, 1],
    async run(call) {
      const { api, show, flags, rest } = call
      if (!flags.has("scope")) return show(await api.get<ServiceAccount>(path(rest[0])), describe)
      const scopes = await wantedScopes(call)
      show(
        await api.put(`${path(rest[0])}/scopes`, { scopes }),
        () => `${printable(rest[0])} now has ${printable(scopeText({ scopes }))}\n`,
      )
    },
  },
  token: {
    flags: { name: "text", "expires-in": "text" },
    rest: [2, 2],
    async run({ api, show, flags, rest: [action, id] }) {
      const onlyForCreate = ["name", "expires-in"].find((flag) => flags.has(flag))
      if (action !== "create" && onlyForCreate) throw new UsageError(`--${onlyForCreate} goes with token create only`)
      if (action === "create") {
        const body = { name: flags.required("name"), expires_in: flags.text("expires-in") }
        return show(await api.post<ApiToken>(`${path(id)}/tokens`, body), newToken)
      }
      if (action === "ls") return show(await api.get<ApiToken[]>(`${path(id)}/tokens`), tokenTable)
      if (action !== "rm") throw new UsageError(`unknown command "${action}": token is followed by create, ls or rm`)
      show(await api.delete(`/api/tokens/${encodeURIComponent(id ?? "")}`), () => `${printable(id)} revoked\n`)
    },
  },
}

/** Accounts for machines, each with scopes and tokens: `ls`, `create`, `rm`, `scopes`, `token create|ls|rm` (also said `tokens`). */
export const run = (args: string[], io: CommandIo): Promise<number> =>
  runCommands("service-accounts", commands, args[0] === "tokens" ? ["token", ...args.slice(1)] : args, io)

async function wantedScopes({ api, flags }: Call): Promise<Record<string, string[]>> {
  const wanted = parseScopes(flags.list("scope"))
  if (Object.keys(wanted).length === 0) throw new UsageError("--scope is missing")
  return ownScopes(api, wanted)
}

const scopeText = ({ scopes }: { scopes: Record<string, string[]> }) =>
  Object.entries(scopes ?? {})
    .map(([key, actions]) => `${key}=${actions.join(",")}`)
    .join(" ")

const describe = (account: ServiceAccount) =>
  fields({ id: account.id, name: account.name, scopes: scopeText(account), tokens: String(account.token_count ?? 0) })
