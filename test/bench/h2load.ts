import { runCommand } from "../lab/process"
import type { Server } from "./server"

export type H2loadResult = { requestsPerSecond: number; succeeded: number; failed: number; protocol: string; tls: string }

/** Runs h2load with these words against a name of a server; throws when it does not end in time or its answers were no successes. */
export async function runH2load(server: Server, options: { host: string; args: string[]; limitSeconds: number }): Promise<H2loadResult> {
  const url = `https://${options.host}:${server.port}/`
  const command = ["h2load", ...options.args, "--connect-to", `${server.address}:${server.port}`, url]
  const text = await runCommand(command, { limitMs: options.limitSeconds * 1000 })
  const [, succeeded = 0, failed = 0, errored = 0, timedOut = 0] =
    /(\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout/.exec(text)?.map(Number) ?? []
  const answered = Number(/status codes: (\d+) 2xx/.exec(text)?.[1])
  if (!(answered > 0) || answered < succeeded) throw new Error(`h2load against ${server.name} failed:\n${text}`)
  return {
    requestsPerSecond: Number(/finished in .*?, ([\d.]+) req\/s/.exec(text)?.[1]),
    succeeded,
    failed: failed + errored + timedOut,
    protocol: /^Application protocol: (\S+)/m.exec(text)?.[1] ?? "none",
    tls: /^TLS Protocol: (\S+)/m.exec(text)?.[1] ?? "none",
  }
}
