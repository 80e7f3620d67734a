import { rm } from "node:fs/promises"
import { join } from "node:path"
import { runCommand } from "../../lab/process"
import type { StorageServer } from "./servers"

export type LoadRequest = { method: string; path: string; headers: Record<string, string>; bodySeed?: number }
export type LoadPlan = { port: number; connections: number; bodyBytes: number; requests: LoadRequest[] }

/** Seconds that a process of its own took for the requests; throws when one was no success. */
export async function runLoad(folder: string, plan: LoadPlan): Promise<number> {
  const file = join(folder, `plan-${plan.port}.json`)
  await Bun.write(file, JSON.stringify(plan))
  const text = await runCommand([process.execPath, join(import.meta.dir, "load.ts"), file], { limitMs: 300_000 })
  await rm(file)
  return (JSON.parse(text) as { seconds: number }).seconds
}

/** Seconds of one transfer by curl; without a file it receives. */
export async function runTransfer(server: StorageServer, key: string, upload?: string): Promise<number> {
  const { url, headers } = await server.request(upload === undefined ? "GET" : "PUT", key)
  const fields = Object.entries(headers).flatMap(([name, value]) => ["-H", `${name}: ${value}`])
  const what = upload === undefined ? [] : ["-T", upload, "-H", "Expect:"]
  const began = performance.now()
  await runCommand(["curl", "-sSf", "--http1.1", "--noproxy", "*", ...fields, ...what, "-o", "/dev/null", url], { limitMs: 300_000 })
  return (performance.now() - began) / 1000
}
