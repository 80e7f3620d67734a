import { mkdtemp } from "node:fs/promises"
import { join } from "node:path"
import { binary, freePorts, type Ports } from "../e2e/appliance"
import { startDaemon } from "./daemon"
import { type Seed, seedDataFolder } from "./seed"
import type { Server } from "./server"

/** Without a seed the data folder is empty, or the one that is given. */
export type FreeholdOptions = (Omit<Seed, "dataDir"> | { backend?: undefined }) & {
  folder: string
  /** A data folder that was seeded before, which outlives the server; else one is made and filled. */
  dataDir?: string
  address?: string
  settings?: Record<string, string>
  ports?: Ports
}

export type Freehold = Server & { ports: Ports; dataDir: string; url: string; startMs: number }

/** The compiled binary on a seeded data folder, with its access log in a file. */
export async function startFreehold(options: FreeholdOptions): Promise<Freehold> {
  const { address = "127.0.0.1" } = options
  const folder = await mkdtemp(join(options.folder, "freehold-"))
  const dataDir = options.dataDir ?? join(folder, "data")
  if (options.dataDir === undefined && options.backend !== undefined) await seedDataFolder({ ...options, dataDir })
  await Bun.write(join(folder, "freehold.toml"), "")
  const ports = options.ports ?? (await freePorts(address))
  const environment = {
    FREEHOLD_DATA_DIR: dataDir,
    FREEHOLD_API_LISTEN: `${address}:${ports.api}`,
    FREEHOLD_HTTP_LISTEN: `${address}:${ports.http}`,
    FREEHOLD_HTTPS_LISTEN: `${address}:${ports.https}`,
    FREEHOLD_CONTAINER_ENGINE: "none",
    FREEHOLD_ACME_DIRECTORY: "internal",
    FREEHOLD_ALLOW_UPSTREAMS: "127.0.0.0/8",
    ...options.settings,
  }
  const without = Object.keys(process.env).flatMap((name) =>
    /^(FREEHOLD_.*|NOTIFY_SOCKET)$/.test(name) && !(name in environment) ? ["-u", name] : [],
  )
  const began = performance.now()
  const daemon = await startDaemon({
    name: "freehold",
    command: ["env", ...without, await binary(), "serve", "--config", join(folder, "freehold.toml")],
    environment,
    folder,
    ownsFolder: true,
    ready: async (output) => (await output()).includes("freehold is up"),
    readyTimeoutMs: 60_000,
  })
  const startMs = Math.round(performance.now() - began)
  const { pid, outputFile: accessLog, stop } = daemon
  return {
    name: "freehold",
    address,
    port: ports.https,
    pid,
    ports,
    dataDir,
    url: `http://${address}:${ports.api}`,
    startMs,
    accessLog,
    stop,
  }
}
