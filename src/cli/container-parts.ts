import { UsageError, parseNumber } from "./arguments"
import { listIn } from "./client"
import type { Command } from "./command"
import { registriesCommand } from "./container-registries"
import { instanceTypesCommand } from "./container-types"
import { linesOf } from "./lines"
import { fields, printable, table } from "./output"

/** A container as the API shows it. */
export type Container = {
  id: string
  name: string
  status: string
  hostname?: string
  status_detail?: string
  image?: string
  address?: string
  memory_mb?: number
  memory_used_mb?: number
  storage_gb?: number
  storage_used_gb?: number
  instance_type?: string
  restart_policy?: string
  command?: string[]
  mount_paths?: string[]
  created_at?: string
}

type Rule = { port: number; target_port: number; problem?: string }
type Volume = { id: string; path: string; mounted: boolean; created_at: string }
type Sample = { time: string; cpu_percent: number | null; memory_bytes: number | null; processes: number | null } & Record<
  "received_bytes_per_second" | "sent_bytes_per_second",
  number | null
>

const maxLineChars = 64 * 1024

/** Where the API has a container. */
export const path = (id: string | undefined) => `/compute/containers/${encodeURIComponent(id ?? "")}`

/** What belongs to containers: logs, stats, mounts, volumes, ingress rules, images, registries, sizes, and those that Freehold did not make. */
export const partCommands: Record<string, Command> = {
  logs: {
    flags: { follow: "switch", tail: "text", since: "text" },
    rest: [1, 1],
    async run({ api, flags, io, rest }) {
      const query = new URLSearchParams({ follow: String(flags.has("follow")) })
      const tail = flags.text("tail")
      if (tail !== undefined) query.set("tail", String(parseNumber("--tail", tail, 0, 10_000)))
      const since = flags.text("since")
      if (since !== undefined) query.set("since", since)
      for await (const line of linesOf(api.stream(`${path(rest[0])}/logs?${query}`), maxLineChars)) {
        // Empty lines only say that the stream lives.
        if (line !== "") io.out(`${printable(line)}\n`)
      }
    },
  },
  stats: {
    rest: [1, 1],
    async run({ api, show, rest }) {
      show(await api.get<object>(`${path(rest[0])}/stats`), (answer) => {
        const rows = listIn<Sample>(answer, "samples")
          .slice(-20)
          .map((one) => [
            one.time,
            one.cpu_percent === null ? "" : `${one.cpu_percent} %`,
            amount(one.memory_bytes),
            amount(one.received_bytes_per_second),
            amount(one.sent_bytes_per_second),
            one.processes,
          ])
        return table(["TIME", "CPU", "MEMORY", "RECEIVED/S", "SENT/S", "PROCESSES"], rows, "nothing was measured yet")
      })
    },
  },
  mounts: {
    rest: [1, 17],
    async run({ api, show, rest: [id, ...paths] }) {
      const at = `${path(id)}/mounts`
      const answer = paths.length === 0 ? await api.get<object>(at) : await api.put<object>(at, { mount_paths: paths })
      show(answer, (one) =>
        listIn<string>(one, "mount_paths")
          .map((mounted) => `${printable(mounted)}\n`)
          .join(""),
      )
    },
  },
  volumes: {
    rest: [1, 3],
    async run({ api, show, rest }) {
      const [verb, id, volume] = rest.length === 1 ? ["ls", ...rest] : rest
      if (verb === "rm" && volume !== undefined) {
        const answer = await api.delete(`${path(id)}/volumes/${encodeURIComponent(volume)}`)
        return show(answer, () => `${printable(volume)} and everything in it removed\n`)
      }
      if (verb !== "ls" || volume !== undefined) throw new UsageError("volumes is followed by ID, ls ID or rm ID VOLUME")
      show(await api.get<object>(`${path(id)}/volumes`), (answer) => {
        const rows = listIn<Volume>(answer, "volumes").map((one) => [one.id, one.path, one.mounted ? "yes" : "no", one.created_at])
        return table(["ID", "PATH", "MOUNTED", "CREATED"], rows, "nothing is kept")
      })
    },
  },
  ingress: {
    rest: [1, 3],
    async run({ api, show, rest }) {
      const [verb, id, rule] = rest.length === 1 ? ["ls", ...rest] : rest
      const at = `${path(id)}/ingress`
      const line = (one: Rule) => [one.port, one.target_port, one.problem]
      const lines = (rules: Rule[]) => table(["PORT", "CONTAINER PORT", "PROBLEM"], rules.map(line), "no port is open to the world")
      if (verb === "add" && rule !== undefined) return show(await api.post<Rule>(at, parseRule(rule)), (one) => lines([one]))
      if (verb === "rm" && rule !== undefined)
        return show(await api.delete(`${at}/${parseNumber("the port", rule, 1, 65_535)}`), () => `port ${printable(rule)} closed\n`)
      if (verb !== "ls" || rule !== undefined)
        throw new UsageError("ingress is followed by ID, ls ID, add ID PORT[=CONTAINER_PORT] or rm ID PORT")
      show(await api.get<object>(at), (answer) => lines(listIn<Rule>(answer, "rules")))
    },
  },
  images: {
    async run({ api, show }) {
      show(await api.get<object>("/compute/images"), (answer) => {
        const rows = listIn<{ image: string; source: string; size_bytes?: number }>(answer)
        return table(
          ["IMAGE", "SOURCE", "SIZE"],
          rows.map((one) => [one.image, one.source, amount(one.size_bytes ?? null)]),
          "no images",
        )
      })
    },
  },
  adopt: {
    flags: { name: "text" },
    rest: [0, 1],
    async run({ api, flags, show, rest }) {
      if (rest[0] !== undefined) {
        const body = { engine_id: rest[0], name: flags.text("name") }
        return show(await api.post<Container>("/compute/admin/adopt", body), describe)
      }
      show(await api.get<object>("/compute/admin/foreign-containers"), (answer) => {
        const rows = listIn<Record<string, string>>(answer, "containers").map((one) => [one.name, one.image, one.state, one.engine_id])
        return table(["NAME", "IMAGE", "STATE", "ENGINE ID"], rows, "every container of the engine is Freehold's")
      })
    },
  },
  release: {
    flags: { "delete-mappings": "switch" },
    rest: [1, 1],
    async run({ api, flags, show, rest }) {
      const body = flags.has("delete-mappings") ? { delete_mappings: true } : {}
      const answer = await api.post<object>(`${path(rest[0])}/release`, body)
      show(answer, () => `${printable(rest[0])} released: the engine's container goes on as it is\n`)
    },
  },
  registries: registriesCommand,
  "instance-types": instanceTypesCommand,
}

function amount(bytes: number | null): string {
  if (bytes === null) return ""
  if (bytes < 1024) return `${bytes} B`
  return bytes < 1024 ** 2 ? `${(bytes / 1024).toFixed(1)} KB` : `${(bytes / 1024 ** 2).toFixed(1)} MB`
}

/** `PORT` or `PORT=CONTAINER_PORT`; throws UsageError. */
export function parseRule(text: string): { port: number; target_port?: number } {
  const [port = "", target, extra] = text.split("=")
  if (extra !== undefined) throw new UsageError(`an ingress rule is PORT or PORT=CONTAINER_PORT, not "${text}"`)
  return {
    port: parseNumber("the port", port, 1, 65_535),
    ...(target === undefined ? {} : { target_port: parseNumber("the container's port", target, 1, 65_535) }),
  }
}

/** A container as lines for people. */
export const describe = (container: Container) =>
  fields({
    id: container.id,
    name: container.name,
    status: container.status,
    hostname: container.hostname,
    image: container.image,
    address: container.address,
    memory: container.memory_mb ? `${container.memory_mb} MB` : undefined,
    "memory used": container.memory_used_mb === undefined ? undefined : `${container.memory_used_mb} MB`,
    storage: container.storage_gb ? `${container.storage_gb} GB` : undefined,
    "storage used": container.storage_used_gb === undefined ? undefined : `${container.storage_used_gb} GB`,
    type: container.instance_type,
    command: container.command?.join(" "),
    restart: container.restart_policy,
    mounts: container.mount_paths?.join(", "),
    detail: container.status_detail,
    created: container.created_at,
  })
