import { join } from "node:path"
import { runCommand } from "../lab/process"
import type { Server } from "./server"

export type WrkResult = { requestsPerSecond: number; failed: number }

/**
 * Runs wrk against a name of a server. wrk takes the TLS server name from the URL and asks the system to resolve it, so it runs in a mount
 * namespace of its own, in which /etc/hosts is a file of ours. Throws when an answer was no success.
 */
export async function runWrk(
  server: Server,
  options: { folder: string; host: string; connections: number; threads?: number; seconds: number; headers?: string[] },
): Promise<WrkResult> {
  const hosts = join(options.folder, `hosts-${server.name}`)
  await Bun.write(hosts, `${server.address} ${options.host}\n`)
  const { threads = 1, connections, seconds } = options
  const headers = (options.headers ?? []).flatMap((header) => ["-H", header])
  const url = `https://${options.host}:${server.port}/`
  const wrk = ["wrk", `-t${threads}`, `-c${connections}`, `-d${seconds}`, "--timeout", "10", ...headers, url]
  const namespace = process.getuid?.() === 0 ? ["unshare", "-m"] : ["unshare", "-rm"]
  const command = [...namespace, "sh", "-c", 'mount --bind "$1" /etc/hosts && shift && exec "$@"', "sh", hosts, ...wrk]
  const text = await runCommand(command, { limitMs: (seconds + 20) * 1000 })
  const requestsPerSecond = Number(/^Requests\/sec: +([\d.]+)/m.exec(text)?.[1])
  const errors = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(text)
  const non2xx = Number(/Non-2xx or 3xx responses: (\d+)/.exec(text)?.[1] ?? 0)
  const failed = non2xx + (errors ?? []).slice(1).reduce((sum, count) => sum + Number(count), 0)
  if (!(requestsPerSecond > 0) || non2xx > 0) throw new Error(`wrk against ${server.name} failed:\n${text}`)
  return { requestsPerSecond, failed }
}
