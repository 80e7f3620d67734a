import { UsageError, parseMemory, parsePortMap, parseSpan } from "./arguments"
import { listIn, waitFor } from "./client"
import { type Call, type Command, runCommands } from "./command"
import type { CommandIo } from "./io"
import { fields, printable, table } from "./output"

type Container = {
  id: string
  name: string
  status: string
  hostname?: string
  status_detail?: string
  image?: string
  address?: string
  memory_mb?: number
  instance_type?: string
  created_at?: string
}

const defaultWait = "5m"
const path = (id: string | undefined) => `/compute/containers/${encodeURIComponent(id ?? "")}`
const waitFlags = { wait: "switch", timeout: "text" } as const

const commands: Record<string, Command> = {
  ls: {
    async run({ api, show }) {
      show(await api.get<object>("/compute/containers"), (answer) => {
        const rows = listIn<Container>(answer, "containers").map((c) => [c.id, c.name, c.status, c.hostname])
        return table(["ID", "NAME", "STATUS", "HOSTNAME"], rows, 'no containers; "freehold containers create" makes one')
      })
    },
  },
  create: {
    flags: { name: "text", image: "text", memory: "text", "instance-type": "text", address: "text", "port-map": "list", ...waitFlags },
    async run(call) {
      const { api, flags } = call
      const name = flags.required("name")
      const limitMs = parseSpan("--timeout", flags.text("timeout") ?? defaultWait)
      const body = flags.has("address") || flags.has("port-map") ? externalBody(call) : engineBody(call)
      return finish(call, await api.post<Container>("/compute/containers", { name, ...body }), limitMs)
    },
  },
  get: {
    rest: [1, 1],
    async run({ api, show, rest }) {
      show(await api.get<Container>(path(rest[0])), describe)
    },
  },
  rm: {
    rest: [1, 1],
    async run({ api, show, rest }) {
      show(await api.delete(path(rest[0])), () => `${printable(rest[0])} removed\n`)
    },
  },
  start: {
    flags: waitFlags,
    rest: [1, 1],
    async run(call) {
      const limitMs = parseSpan("--timeout", call.flags.text("timeout") ?? defaultWait)
      return finish(call, await call.api.post<Container>(`${path(call.rest[0])}/start`), limitMs)
    },
  },
  stop: {
    rest: [1, 1],
    async run({ api, show, rest }) {
      show(await api.post<Container>(`${path(rest[0])}/stop`), describe)
    },
  },
}

/** Applications that names can be mapped to: `ls`, `create`, `get`, `rm`, `start`, `stop`. */
export const run = (args: string[], io: CommandIo): Promise<number> => runCommands("containers", commands, args, io)

function engineBody({ flags }: Call): object {
  const memory = flags.text("memory")
  return {
    image: flags.text("image"),
    memory_mb: memory === undefined ? undefined : parseMemory(memory),
    instance_type: flags.text("instance-type"),
  }
}

function externalBody({ flags }: Call): object {
  for (const flag of ["image", "memory", "instance-type"]) {
    if (flags.has(flag)) throw new UsageError(`--${flag} does not go with --address: an external container runs elsewhere`)
  }
  return { address: flags.required("address"), ports: parsePortMap(flags.list("port-map")) }
}

/** With `--wait`, follows the container until it runs or has failed. */
async function finish(call: Call, started: Container, limitMs: number): Promise<number> {
  if (!call.flags.has("wait")) {
    call.show(started, describe)
    return 0
  }
  let last = started
  const settled = (container: Container) => ["running", "failed"].includes(container.status)
  if (!settled(started)) {
    await waitFor(limitMs, async () => {
      last = await call.api.get<Container>(path(started.id))
      return settled(last) ? last : undefined
    })
  }
  call.show(last, describe)
  if (last.status === "running") return 0
  const why =
    last.status === "failed"
      ? (last.status_detail ?? "it failed to start")
      : `still ${last.status} after ${Math.round(limitMs / 1_000)} seconds`
  call.io.err(`error: container ${printable(last.id)} does not run: ${printable(why)}\n`)
  return 1
}

const describe = (container: Container) =>
  fields({
    id: container.id,
    name: container.name,
    status: container.status,
    hostname: container.hostname,
    image: container.image,
    address: container.address,
    memory: container.memory_mb ? `${container.memory_mb} MB` : undefined,
    type: container.instance_type,
    created: container.created_at,
  })
