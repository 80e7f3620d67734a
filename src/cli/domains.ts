import { UsageError } from "./arguments"
import { listIn } from "./client"
import { type Command, runCommands } from "./command"
import type { CommandIo } from "./io"
import { printable, table } from "./output"

type OwnedDomain = { id: string; zones: string[]; created_at?: string }

const path = (id: string | undefined) => `/api/domains/${encodeURIComponent(id ?? "")}`
const withZones = (domain: OwnedDomain) => `${printable(domain.id)} can edit ${printable(listIn<string>(domain.zones).join(", "))}\n`

const commands: Record<string, Command> = {
  ls: {
    async run({ api, show }) {
      show(await api.get<object>("/api/domains"), (answer) => {
        const rows = listIn<OwnedDomain>(answer, "connections").map(({ id, zones, created_at }) => [id, zones?.join(" "), created_at])
        return table(["ID", "ZONES", "CREATED"], rows, 'no owned domains; "freehold domains add" connects one')
      })
    },
  },
  add: {
    flags: { "token-stdin": "switch" },
    rest: [0, 1],
    async run({ api, show, io, flags, rest }) {
      if (flags.has("token-stdin") && rest.length > 0) throw new UsageError("--token-stdin and a token as an argument exclude each other")
      const token = rest[0] ?? (await io.readLine(flags.has("token-stdin") ? "" : "Cloudflare API token: ", { hidden: true })).trim()
      if (token === "") throw new UsageError("a Cloudflare API token is needed")
      show(await api.post<OwnedDomain>("/api/domains", { token }), withZones)
    },
  },
  rm: {
    rest: [1, 1],
    async run({ api, show, rest }) {
      show(await api.delete(path(rest[0])), () => `${printable(rest[0])} removed; its mappings and DNS records stay\n`)
    },
  },
  refresh: {
    rest: [1, 1],
    async run({ api, show, rest }) {
      show(await api.post<OwnedDomain>(`${path(rest[0])}/refresh`), withZones)
    },
  },
}

/** Zones whose DNS the server may edit: `ls`, `add`, `rm`, `refresh`. */
export const run = (args: string[], io: CommandIo): Promise<number> => runCommands("domains", commands, args, io)
