import { UsageError, parseMemory, parseNumber, parsePortMap, parseSpan, parseStorage } from "./arguments"
import { listIn, waitFor } from "./client"
import { type Call, type Command, runCommands } from "./command"
import { execCommand } from "./exec"
import type { CommandIo } from "./io"
import { type Container, describe, parseRule, partCommands, path } from "./container-parts"
import { sshCommand } from "./container-ssh"
import { printable, table } from "./output"

const defaultWait = "5m"
const waitFlags = { wait: "switch", timeout: "text" } as const
const engineFlags = {
  image: "text",
  memory: "text",
  storage: "text",
  "instance-type": "text",
  env: "list",
  restart: "text",
  pids: "text",
  "pull-policy": "text",
} as const
const firstFlags = { mount: "list", "no-mounts": "switch", ssh: "switch", ingress: "list" } as const
const mostWords = 200

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
    flags: { name: "text", address: "text", "port-map": "list", ...engineFlags, ...firstFlags, ...waitFlags },
    rest: [0, mostWords],
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
  exec: execCommand,
  stop: {
    rest: [1, 1],
    async run({ api, show, rest }) {
      show(await api.post<Container>(`${path(rest[0])}/stop`), describe)
    },
  },
  rebuild: {
    flags: { ...engineFlags, ...waitFlags },
    rest: [1, mostWords],
    async run(call) {
      const limitMs = parseSpan("--timeout", call.flags.text("timeout") ?? defaultWait)
      const body = engineBody(call, call.rest.slice(1))
      return finish(call, await call.api.post<Container>(`${path(call.rest[0])}/rebuild`, body), limitMs)
    },
  },
  ...partCommands,
  ssh: sshCommand,
}

/** Applications that names can be mapped to, with what belongs to them. */
export const run = (args: string[], io: CommandIo): Promise<number> =>
  runCommands("containers", commands, args[0] === "logs" ? args.map((arg) => (arg === "-f" ? "--follow" : arg)) : args, io)

function engineBody({ flags, rest }: Call, words = rest): object {
  const memory = flags.text("memory")
  const storage = flags.text("storage")
  const pids = flags.text("pids")
  const ingress = flags.list("ingress")
  const mounts = flags.has("no-mounts") ? [] : flags.list("mount")
  return {
    image: flags.text("image"),
    memory_mb: memory === undefined ? undefined : parseMemory(memory),
    storage_gb: storage === undefined ? undefined : parseStorage(storage),
    instance_type: flags.text("instance-type"),
    env: flags.has("env") ? parseEnv(flags.list("env")) : undefined,
    command: words.length > 0 ? words : undefined,
    restart_policy: flags.text("restart"),
    pids_limit: pids === undefined ? undefined : parseNumber("--pids", pids, 8, 32_768),
    pull_policy: flags.text("pull-policy"),
    mount_paths: flags.has("no-mounts") || mounts.length > 0 ? mounts : undefined,
    enable_ssh: flags.has("ssh") ? true : undefined,
    ingress_rules: ingress.length > 0 ? ingress.map(parseRule) : undefined,
  }
}

function parseEnv(texts: string[]): Record<string, string> {
  const env: Record<string, string> = {}
  for (const text of texts) {
    const at = text.indexOf("=")
    if (at < 1) throw new UsageError(`--env is NAME=VALUE, not "${text}"`)
    env[text.slice(0, at)] = text.slice(at + 1)
  }
  return env
}

function externalBody({ flags, rest }: Call): object {
  if (rest.length > 0) throw new UsageError("a command does not go with --address: an external container runs elsewhere")
  for (const flag of [...Object.keys(engineFlags), "mount", "no-mounts", "ssh"]) {
    if (flags.has(flag)) throw new UsageError(`--${flag} does not go with --address: an external container runs elsewhere`)
  }
  const ingress = flags.list("ingress")
  return {
    address: flags.required("address"),
    ports: parsePortMap(flags.list("port-map")),
    ingress_rules: ingress.length > 0 ? ingress.map(parseRule) : undefined,
  }
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
