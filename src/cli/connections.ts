import { type FlagKind, parseSpan } from "./arguments"
import { type ApiClient, ApiError, listIn, waitFor } from "./client"
import { type Command, runCommands } from "./command"
import type { CommandIo } from "./io"
import { fields, printable, table } from "./output"
import { watchRequests } from "./watched-requests"

type DnsRecord = { host: string; type: string; value: string; priority?: number }
type Connection = {
  id: string
  hostname: string
  application_id: string
  state: string
  provider: string | null
  error_code: string | null
  error_detail: string | null
  desired_records?: DnsRecord[]
  ownership_challenge?: { name: string; type: string; value: string }
}
type Checked = {
  state: string
  records: (DnsRecord & { propagated: boolean; observed_value: string | null; explanation?: string })[]
  ownership?: { detail: string }
  error_detail: string | null
}

const path = (id: string, verb = "") => `/v1/connections/${encodeURIComponent(id)}${verb}`
const waiting: Record<string, FlagKind> = { wait: "switch", timeout: "text" }

const commands: Record<string, Command> = {
  ls: {
    flags: { state: "text", hostname: "text" },
    async run({ api, show, flags }) {
      const query = new URLSearchParams({ limit: "100" })
      for (const name of ["state", "hostname"]) if (flags.text(name) !== undefined) query.set(name, flags.text(name) ?? "")
      show(await api.get<object>(`/v1/connections?${query}`), (answer) => {
        const rows = listIn<Connection>(answer, "data").map((one) => [one.id, one.hostname, one.state, one.provider, one.error_detail])
        return table(["ID", "HOSTNAME", "STATE", "PROVIDER", "WHAT IS WRONG"], rows, "no connections")
      })
    },
  },
  add: {
    flags: { application: "text", origin: "text", ...waiting },
    rest: [1, 1],
    async run(call) {
      const { api, flags, rest, show, json, io } = call
      const body = { application_id: flags.required("application"), hostname: rest[0], origin_url: flags.text("origin") }
      const made = await api.post<Connection>("/v1/connections", body)
      if (!flags.has("wait")) return show(made, describe)
      if (!json) io.out(describe(made))
      return waitUntilLive(call, made.id)
    },
  },
  get: {
    rest: [1, 1],
    async run({ api, show, rest }) {
      show(await api.get<Connection>(path(await find(api, rest[0] ?? ""))), describe)
    },
  },
  verify: {
    rest: [1, 1],
    async run({ api, show, rest }) {
      show(
        await api.post<Connection>(path(await find(api, rest[0] ?? ""), "/verify")),
        ({ hostname, state }) => `${printable(hostname)}: ${state}\n`,
      )
    },
  },
  check: {
    flags: waiting,
    rest: [1, 1],
    async run(call) {
      const id = await find(call.api, call.rest[0] ?? "")
      if (call.flags.has("wait")) return waitUntilLive(call, id)
      const checked = await call.api.post<Checked>(path(id, "/records:check"))
      call.show(checked, describeCheck)
      return checked.state === "live" ? 0 : 1
    },
  },
  apply: {
    rest: [1, 1],
    async run({ api, show, rest }) {
      show(
        await api.post<Connection>(path(await find(api, rest[0] ?? ""), "/records:apply")),
        ({ hostname }) => `records of ${printable(hostname)} written\n`,
      )
    },
  },
  timeline: {
    rest: [1, 1],
    async run({ api, io, rest }) {
      const id = await find(api, rest[0] ?? "")
      const decoder = new TextDecoder()
      for await (const bytes of api.stream(path(id, "/timeline?format=text"))) io.out(decoder.decode(bytes, { stream: true }))
    },
  },
  rm: {
    rest: [1, 1],
    async run({ api, show, rest }) {
      show(
        await api.delete(path(await find(api, rest[0] ?? ""))),
        () => `${printable(rest[0])} archived; its name is free, its DNS records stay\n`,
      )
    },
  },
  watch: {
    rest: [1, 1],
    async run(call) {
      await watchRequests(call, path(await find(call.api, call.rest[0] ?? ""), "/requests"))
    },
  },
}

/** Customers' hostnames on their way to being live. Exit code 1 while one that was asked about is not live. */
export const run = (args: string[], io: CommandIo): Promise<number> => runCommands("connections", commands, args, io)

/** Looks again and again; people see each state that is new. */
async function waitUntilLive({ api, io, flags, json, show }: Parameters<Command["run"]>[0], id: string): Promise<number> {
  const limitMs = parseSpan("--timeout", flags.text("timeout") ?? "10m")
  let last: Checked | undefined
  const done = await waitFor(limitMs, async () => {
    const checked = await api.post<Checked>(path(id, "/records:check"))
    if (!json && (checked.state !== last?.state || checked.ownership?.detail !== last?.ownership?.detail)) io.out(describeCheck(checked))
    last = checked
    return checked.state === "live" ? checked : undefined
  })
  if (json && last !== undefined) show(last, () => "")
  if (done === undefined) io.err("error: not live in time; the server goes on looking by itself\n")
  return done === undefined ? 1 : 0
}

/** Ids are UUIDs; whatever has a dot is a hostname, of which the newest connection is meant. */
async function find(api: ApiClient, text: string): Promise<string> {
  if (!text.includes(".")) return text
  const answer = await api.get<object>(`/v1/connections?hostname=${encodeURIComponent(text)}`)
  const found = listIn<Connection>(answer, "data").find(({ state }) => state !== "archived")
  if (found === undefined) throw new ApiError(404, `there is no connection of ${text}`)
  return found.id
}

function describe(connection: Connection): string {
  const {
    id,
    hostname,
    application_id: application,
    state,
    provider,
    error_detail,
    desired_records = [],
    ownership_challenge: proof,
  } = connection
  const head = fields({ id, hostname, application, state, provider, "what is wrong": error_detail })
  const records = [...(proof === undefined ? [] : [{ host: proof.name, type: proof.type, value: proof.value }]), ...desired_records]
  const rows = records.map((record: DnsRecord) => [record.host, record.type, record.priority, record.value])
  const isOpen = !["live", "drifted", "archived"].includes(state)
  return isOpen ? `${head}records to publish:\n${table(["NAME", "TYPE", "PRIORITY", "VALUE"], rows, "none")}` : head
}

function describeCheck({ state, records, ownership, error_detail }: Checked): string {
  const lines = records.map(({ host, type, propagated, explanation, observed_value }) => {
    const found = explanation ?? (observed_value === null ? "nothing there" : `found ${observed_value}`)
    return `  ${propagated ? "ok " : "-- "} ${printable(host)} ${type}: ${printable(found)}`
  })
  if (ownership !== undefined) lines.unshift(`  --  ownership: ${printable(ownership.detail)}`)
  if (error_detail !== null) lines.push(`  ${printable(error_detail)}`)
  return `${printable(state)}\n${lines.map((line) => `${line}\n`).join("")}`
}
