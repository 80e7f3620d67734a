import { UsageError } from "./arguments"
import { type ApiClient, ApiError, listIn } from "./client"
import { type Command, runCommands } from "./command"
import type { CommandIo } from "./io"
import { printable, table } from "./output"

type WrittenRecord = {
  name: string
  type: string
  value: string
  priority?: number
  hostname: string
  purpose: string
  written_for: object | null
  written_with: { provider: string }
  written_at: string
  stands: boolean | null
}
type RecordPage = { data: WrittenRecord[]; next_cursor: string | null }
type OwnedDomain = { id: string; zones: string[]; created_at?: string }

const path = (id: string | undefined) => `/api/domains/${encodeURIComponent(id ?? "")}`
const withZones = (domain: OwnedDomain) => `${printable(domain.id)} can edit ${printable(listIn<string>(domain.zones).join(", "))}\n`

/** An id as it is, and a zone's name as the first owned domain that has it. */
async function find(api: ApiClient, text: string): Promise<string> {
  if (!text.includes(".")) return text
  const found = listIn<OwnedDomain>(await api.get<object>("/api/domains"), "connections").find(({ zones }) => zones.includes(text))
  if (found === undefined) throw new ApiError(404, `no owned domain has the zone ${text}`)
  return found.id
}

const stands = ({ stands: is, written_for: holder }: WrittenRecord) =>
  `${is === null ? "not looked at" : is ? "stands" : "missing"}${holder === null ? ", left behind" : ""}`

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
  records: {
    flags: { check: "switch", cursor: "text" },
    rest: [1, 1],
    async run({ api, show, flags, rest }) {
      const at = `${path(await find(api, rest[0] ?? ""))}/records`
      if (flags.has("check")) await api.post(`${at}/check`)
      const query = new URLSearchParams({ limit: "100", ...(flags.has("cursor") ? { cursor: flags.text("cursor") ?? "" } : {}) })
      show(await api.get<RecordPage>(`${at}?${query}`), (page) => {
        const rows = listIn<WrittenRecord>(page, "data").map((one) => [
          one.name,
          one.type,
          one.priority === undefined ? one.value : `${one.priority} ${one.value}`,
          `${one.hostname} (${one.purpose})`,
          one.written_with.provider,
          one.written_at,
          stands(one),
        ])
        const more = page.next_cursor === null ? "" : `older ones: --cursor ${printable(page.next_cursor)}\n`
        return table(["NAME", "TYPE", "VALUE", "FOR", "PROVIDER", "WRITTEN", "STATE"], rows, "no records were written in its zones") + more
      })
    },
  },
}

/** Zones whose DNS the server may edit: `ls`, `add`, `rm`, `refresh`, `records`. */
export const run = (args: string[], io: CommandIo): Promise<number> => runCommands("domains", commands, args, io)
