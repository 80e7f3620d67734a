import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { findProgram } from "./dns"
import { freePort } from "./ports"
import { acceptsConnections, runCommand, startProcess, temporaryFolder } from "./process"

/** A caching recursive resolver that starts at a private root. */
export interface UnboundLab {
  /** `ip:port`, as Pebble's `-dnsserver` wants it. */
  readonly dns: string
  readonly address: string
  readonly port: number
  /** What the resolver says: `kdig +short` output, or the response code when it is not NOERROR. */
  ask(name: string, type: string): Promise<string>
  stop(): Promise<void>
}

/** Why this machine cannot run it, as a reason to skip; undefined when it can. */
export function unboundObstacle(): string | undefined {
  return findProgram("unbound") === undefined ? "unbound is not installed" : undefined
}

/** Starts unbound with `roots` (addresses, comma-separated, asked at port 53) as its only root hints. */
export async function startUnbound(roots: string): Promise<UnboundLab> {
  const address = "127.0.0.1"
  const port = await freePort(address)
  const folder = await temporaryFolder("unbound")
  const hints = roots
    .split(",")
    .map((root, index) => `. 3600000 NS r${index}.root-servers.net.\nr${index}.root-servers.net. 3600000 A ${root.trim()}\n`)
  await writeFile(join(folder.path, "root.hints"), hints.join(""))
  // RFC 6761 names such as `test` are answered by unbound itself unless its built-in zone is taken away.
  const config = `server:
  directory: "${folder.path}"
  chroot: ""
  username: ""
  pidfile: ""
  use-syslog: no
  verbosity: 1
  interface: ${address}@${port}
  access-control: 127.0.0.0/8 allow
  do-ip6: no
  do-not-query-localhost: no
  module-config: "iterator"
  root-hints: "${join(folder.path, "root.hints")}"
  local-zone: "test." nodefault
  num-threads: 1
  outgoing-range: 256
  num-queries-per-thread: 128
  so-sndbuf: 0
  cache-max-negative-ttl: 3600
remote-control:
  control-enable: no
`
  const file = join(folder.path, "unbound.conf")
  await writeFile(file, config)
  try {
    const unbound = await startProcess({
      name: "unbound",
      command: [findProgram("unbound") ?? "unbound", "-d", "-p", "-c", file],
      ready: () => acceptsConnections(address, port),
    })
    return {
      dns: `${address}:${port}`,
      address,
      port,
      ask: async (name, type) => {
        const command = ["kdig", `@${address}`, "-p", String(port), "+retry=0", "+timeout=5", name, type]
        const code = /status: (\w+);/.exec(await runCommand(command))?.[1] ?? "NO ANSWER"
        return code === "NOERROR" ? (await runCommand([...command, "+short"])).trim() : code
      },
      stop: async () => {
        await unbound.stop()
        await folder.remove()
      },
    }
  } catch (error) {
    await folder.remove()
    throw error
  }
}
