import { runCommand } from "../lab/process"
import type { Server } from "./server"

export type Transfer = { host: string; path: string; connections: number; caFile: string; upload?: string; limitSeconds?: number }

/** Seconds that curl took for as many equal transfers at the same time as there are connections, over HTTP/1.1; throws when one failed. */
export async function runCurl(server: Server, transfer: Transfer): Promise<number> {
  const { host, path, connections, caFile, upload } = transfer
  const url = `https://${host}:${server.port}${path}`
  const one = upload === undefined ? ["-o", "/dev/null", url] : ["-T", upload, "-o", "/dev/null", url]
  const all = Array.from({ length: connections }, () => one).flat()
  const parallel = connections > 1 ? ["--parallel", "--parallel-immediate", "--parallel-max", String(connections)] : []
  const command = ["curl", "--silent", "--show-error", "--fail", "--http1.1", "--noproxy", "*", "--cacert", caFile, "-H", "Expect:"]
  command.push("--resolve", `${host}:${server.port}:${server.address}`, ...parallel, ...all)
  const began = performance.now()
  await runCommand(command, { limitMs: (transfer.limitSeconds ?? 120) * 1000 })
  return (performance.now() - began) / 1000
}
