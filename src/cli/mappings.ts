import { type FlagKind, type Flags, UsageError, parseNumber, parseSpan } from "./arguments"
import { type ApiClient, ApiError, listIn, waitFor } from "./client"
import { type Call, type Command, runCommands } from "./command"
import type { CommandIo } from "./io"
import { fields, printable, table } from "./output"
import { watchRequests } from "./watched-requests"

type Mapping = {
  id: string
  domain: string
  container_id: string
  target_port: number
  http?: string
  upstream_protocol?: string
  access_log?: boolean
  status: string
  verify_name: string
  verify_token: string
  acme_challenge?: { name: string; type: string; value: string }
  dns_automated?: boolean
}
type Verdict = { status: string; detail?: string }

const defaultWait = "10m"
const optionFlags: Record<string, FlagKind> = {
  http: "text",
  "upstream-protocol": "text",
  "access-log": "switch",
  "no-access-log": "switch",
}
const path = (id: string) => `/api/domain-mappings/${encodeURIComponent(id)}`

const commands: Record<string, Command> = {
  ls: {
    async run({ api, show }) {
      show(await api.get<object>("/api/domain-mappings"), (answer) => {
        const rows = listIn<Mapping>(answer, "domains").map((m) => [m.id, m.domain, m.container_id, m.target_port, m.status])
        return table(["ID", "HOSTNAME", "CONTAINER", "PORT", "STATUS"], rows, 'no mappings; "freehold mappings add" makes one')
      })
    },
  },
  add: {
    flags: { container: "text", port: "text", ...optionFlags, wait: "switch", timeout: "text" },
    rest: [1, 1],
    async run(call) {
      const { api, io, flags, rest, json, show } = call
      const container_id = flags.required("container")
      const target_port = parseNumber("--port", flags.required("port"), 1, 65535)
      const limitMs = parseSpan("--timeout", flags.text("timeout") ?? defaultWait)
      const asked = { container_id, domain: rest[0], target_port, ...options(flags) }
      const mapping = await api.post<Mapping>("/api/domain-mappings", asked)
      if (!flags.has("wait") || mapping.status === "verified") return show(mapping, describe)
      if (!json) io.out(describe(mapping))
      const verdict = await waitUntilVerified(call, mapping.id, limitMs)
      if (json) show({ ...mapping, ...verdict }, () => "")
      return verdict.status === "verified" ? 0 : 1
    },
  },
  update: {
    flags: optionFlags,
    rest: [1, 1],
    async run({ api, flags, rest, show }) {
      const change = options(flags)
      if (Object.values(change).every((value) => value === undefined)) {
        throw new UsageError("nothing to change: give --http, --upstream-protocol, --access-log or --no-access-log")
      }
      const { id } = await find(api, rest[0] ?? "")
      show(await api.patch<Mapping>(path(id), change), describe)
    },
  },
  rm: {
    rest: [1, 1],
    async run({ api, show, rest }) {
      const { id } = await find(api, rest[0] ?? "")
      show(await api.delete(path(id)), () => `${printable(rest[0])} removed\n`)
    },
  },
  verify: {
    flags: { wait: "switch", timeout: "text" },
    rest: [1, 1],
    async run(call) {
      const { api, io, flags, rest, json, show } = call
      const limitMs = parseSpan("--timeout", flags.text("timeout") ?? defaultWait)
      const found = await find(api, rest[0] ?? "")
      const verdict = await api.post<Verdict>(`${path(found.id)}/verify`)
      if (verdict.status === "verified" || !flags.has("wait")) {
        show(verdict, () => describeVerdict(rest[0] ?? "", verdict))
        if (!json && verdict.status !== "verified") io.out(await recordToPublish(api, found))
        return verdict.status === "verified" ? 0 : 1
      }
      if (!json) io.out(describeVerdict(rest[0] ?? "", verdict) + (await recordToPublish(api, found)))
      const last = await waitUntilVerified(call, found.id, limitMs, verdict)
      if (json) show(last, () => "")
      return last.status === "verified" ? 0 : 1
    },
  },
  watch: {
    rest: [1, 1],
    async run(call) {
      const { id } = await find(call.api, call.rest[0] ?? "")
      await watchRequests(call, `${path(id)}/requests`)
    },
  },
}

/** Hostname → container port: `ls`, `add`, `update`, `rm`, `verify`, `watch`. Exit code 1 while a mapping that was to be verified is not. */
export const run = (args: string[], io: CommandIo): Promise<number> => runCommands("mappings", commands, args, io)

/** What the flags choose about the traffic, as the API's fields; undefined where nothing is said. */
function options(flags: Flags): Pick<Mapping, "http" | "upstream_protocol" | "access_log"> {
  const [on, off] = [flags.has("access-log"), flags.has("no-access-log")]
  if (on && off) throw new UsageError("--access-log does not go with --no-access-log")
  return { http: flags.text("http"), upstream_protocol: flags.text("upstream-protocol"), access_log: on || off ? on : undefined }
}

/** Asks the server to look again and again; people see each detail that is new. */
async function waitUntilVerified(call: Call, id: string, limitMs: number, first?: Verdict): Promise<Verdict> {
  let last = first
  const tell = (verdict: Verdict) => {
    const isNew = verdict.status !== last?.status || verdict.detail !== last?.detail
    if (!call.json && isNew) call.io.out(describeVerdict(id, verdict))
    last = verdict
  }
  const done = await waitFor(limitMs, async () => {
    const verdict = await call.api.post<Verdict>(`${path(id)}/verify`)
    tell(verdict)
    return verdict.status === "verified" ? verdict : undefined
  })
  if (done) return done
  call.io.err(`error: not verified within ${Math.round(limitMs / 1_000)} seconds; the server goes on looking by itself\n`)
  return last ?? { status: "pending" }
}

/** A hostname has a dot, an id has none: only hostnames need the list, so a token for one mapping alone can name it by id. */
async function find(api: ApiClient, text: string): Promise<{ id: string; mapping?: Mapping }> {
  if (!text.includes(".")) return { id: text }
  const host = text.toLowerCase().replace(/\.$/, "")
  const mapping = listIn<Mapping>(await api.get("/api/domain-mappings"), "domains").find(({ domain }) => domain === host)
  if (mapping === undefined) throw new ApiError(404, `${text} is not mapped`)
  return { id: mapping.id, mapping }
}

/** The TXT record that proves the name; empty when this token may not read mappings. */
async function recordToPublish(api: ApiClient, found: { id: string; mapping?: Mapping }): Promise<string> {
  if (found.mapping) return txtRecord(found.mapping)
  try {
    const mapping = listIn<Mapping>(await api.get("/api/domain-mappings"), "domains").find(({ id }) => id === found.id)
    return mapping === undefined ? "" : txtRecord(mapping)
  } catch (error) {
    if (error instanceof ApiError && error.status === 403) return ""
    throw error
  }
}

const txtRecord = (mapping: Mapping) =>
  `publish this TXT record to prove that the name is yours:\n${fields({ "  name": mapping.verify_name, "  value": mapping.verify_token })}`

function describe(mapping: Mapping): string {
  const { id, domain, container_id, target_port, status, http, upstream_protocol, access_log } = mapping
  const about = fields({
    id,
    hostname: domain,
    container: container_id,
    port: target_port,
    http,
    "upstream protocol": upstream_protocol,
    "access log": access_log === undefined ? undefined : access_log ? "on" : "off",
    status,
  })
  if (mapping.dns_automated) return `${about}its DNS record was made for you\n`
  const challenge = challengeRecord(mapping)
  return status === "verified" ? about + challenge : about + txtRecord(mapping) + challenge
}

/** The record that delegates the challenges of a wildcard, which has no certificate without; other names have theirs over a port too. */
function challengeRecord({ domain, acme_challenge: record }: Mapping): string {
  if (record === undefined || !domain.startsWith("*.")) return ""
  const { name, value } = record
  return `and this ${record.type} record, so that its certificate can be had:\n${fields({ "  name": name, "  value": value })}`
}

const describeVerdict = (name: string, { status, detail }: Verdict) =>
  `${printable(name)}: ${printable(status)}${detail ? ` - ${printable(detail)}` : ""}\n`
