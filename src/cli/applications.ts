import { UsageError } from "./arguments"
import { listIn } from "./client"
import { type Command, runCommands } from "./command"
import type { CommandIo } from "./io"
import { fields, printable, table } from "./output"

type Application = {
  id: string
  name: string
  environment: string
  origin_url: string | null
  container_id: string | null
  allowed_origins: string[]
}
type Key = {
  id: string
  name: string
  last4: string
  scopes: string[]
  revoked_at: string | null
  last_used_at: string | null
  secret?: string
}
type Credential = { id: string; provider: string; created_at: string; last_used_at: string | null; last_error: string | null }

const path = (id: string | undefined, rest = "") => `/v1/applications/${encodeURIComponent(id ?? "")}${rest}`
const about = { name: "text", origin: "text", container: "text", port: "text", embed: "list" } as const

const commands: Record<string, Command> = {
  ls: {
    async run({ api, show }) {
      show(await api.get<object>("/v1/applications?limit=100"), (answer) => {
        const rows = listIn<Application>(answer, "data").map((one) => [
          one.id,
          one.name,
          one.environment,
          one.origin_url ?? one.container_id,
        ])
        return table(["ID", "NAME", "ENVIRONMENT", "LEADS TO"], rows, 'no applications; "freehold applications create" makes one')
      })
    },
  },
  create: {
    flags: { ...about, environment: "text" },
    async run({ api, show, flags }) {
      const body = { name: flags.required("name"), environment: flags.text("environment"), ...described(flags) }
      show(await api.post<Application>("/v1/applications", body), describe)
    },
  },
  update: {
    flags: about,
    rest: [1, 1],
    async run({ api, show, flags, rest }) {
      const body = { name: flags.text("name"), ...described(flags) }
      if (Object.values(body).every((value) => value === undefined)) throw new UsageError("nothing to change")
      show(await api.patch<Application>(path(rest[0]), body), describe)
    },
  },
  rm: {
    rest: [1, 1],
    async run({ api, show, rest }) {
      show(await api.delete(path(rest[0])), () => `${printable(rest[0])} removed\n`)
    },
  },
  keys: {
    rest: [1, 1],
    async run({ api, show, rest }) {
      show(await api.get<object>(path(rest[0], "/keys?limit=100")), (answer) => {
        const rows = listIn<Key>(answer, "data").map((key) => [
          key.id,
          key.name,
          `…${key.last4}`,
          key.scopes.join(" "),
          key.last_used_at,
          key.revoked_at === null ? "active" : `revoked ${key.revoked_at}`,
        ])
        return table(["ID", "NAME", "SECRET", "SCOPES", "LAST USED", "STATUS"], rows, "no keys")
      })
    },
  },
  "create-key": {
    flags: { name: "text", scope: "list" },
    rest: [1, 1],
    async run({ api, show, flags, rest }) {
      const scopes = flags.list("scope").flatMap((one) => one.split(","))
      const body = { name: flags.required("name"), ...(scopes.length === 0 ? {} : { scopes }) }
      show(
        await api.post<Key>(path(rest[0], "/keys"), body),
        (key) =>
          fields({ id: key.id, name: key.name, scopes: key.scopes.join(" "), secret: key.secret }) + "The secret is shown this once.\n",
      )
    },
  },
  "revoke-key": {
    rest: [2, 2],
    async run({ api, show, rest }) {
      show(await api.delete(path(rest[0], `/keys/${encodeURIComponent(rest[1] ?? "")}`)), () => `${printable(rest[1])} revoked\n`)
    },
  },
  credentials: {
    rest: [1, 1],
    async run({ api, show, rest }) {
      show(await api.get<object>(path(rest[0], "/credentials")), (answer) => {
        const rows = listIn<Credential>(answer, "data").map((one) => [one.id, one.provider, one.last_used_at, one.last_error])
        return table(["ID", "PROVIDER", "LAST USED", "LAST ERROR"], rows, "no DNS credentials")
      })
    },
  },
  "add-credential": {
    flags: { provider: "text", "token-stdin": "switch" },
    rest: [1, 1],
    async run({ api, show, io, flags, rest }) {
      const provider = flags.required("provider")
      // Never an argument: those are seen by every user of this machine.
      const token = (await io.readLine(flags.has("token-stdin") ? "" : `Credential for ${provider}: `, { hidden: true })).trim()
      if (token === "") throw new UsageError("a credential is needed")
      show(await api.post<Credential>(path(rest[0], "/credentials"), { provider, token }), ({ id }) => `${printable(id)} stored\n`)
    },
  },
  "rm-credential": {
    rest: [2, 2],
    async run({ api, show, rest }) {
      const address = path(rest[0], `/credentials/${encodeURIComponent(rest[1] ?? "")}`)
      show(await api.delete(address), () => `${printable(rest[1])} removed; records that were written with it stay\n`)
    },
  },
}

/** Products whose customers bring their own domains, with keys and DNS credentials. */
export const run = (args: string[], io: CommandIo): Promise<number> => runCommands("applications", commands, args, io)

function described(flags: { text(name: string): string | undefined; list(name: string): string[] }) {
  const port = flags.text("port")
  if (port !== undefined && !/^\d{1,5}$/.test(port)) throw new UsageError("--port must be a number")
  const embed = flags.list("embed")
  return {
    origin_url: flags.text("origin"),
    container_id: flags.text("container"),
    target_port: port === undefined ? undefined : Number(port),
    allowed_origins: embed.length === 0 ? undefined : embed,
  }
}

const describe = ({ id, name, environment, origin_url, container_id, allowed_origins }: Application) =>
  fields({ id, name, environment, "leads to": origin_url ?? container_id, "embedded by": allowed_origins?.join(" ") })
