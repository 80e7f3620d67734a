import { mkdir, open } from "node:fs/promises"
import { join } from "node:path"
import { freePort } from "../lab/ports"
import { acceptsConnections } from "../lab/process"
import { type Daemon, startDaemon } from "./daemon"
import type { Undo } from "./undo"

/** The applications behind all proxies; ports on 127.0.0.1. */
export type Backend = {
  /** nginx with one worker: 24 bytes at `/`, zeros at `/1GiB` and `/64MiB`. */
  small: number
  /** Swallows request bodies of any size and answers when it has all of one. */
  sink: number
  /** Echoes WebSocket messages. */
  echo: number
}

/** The names by which the proxies tell the three apart; every other name of the zone leads to `small`. */
export const sinkLabel = "sink"
export const echoLabel = "echo"

/** Starts the three servers. */
export async function startBackend(folder: string, undo: Undo): Promise<Backend> {
  const ports = { small: await freePort(), sink: await freePort(), echo: await freePort() }
  const files = await bodies(folder)
  const config = `daemon off;
master_process off;
worker_rlimit_nofile 20000;
pid ${folder}/backend.pid;
error_log ${folder}/backend.err;
events { worker_connections 16000; }
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 1000000000;
  keepalive_timeout 3600s;
  default_type application/octet-stream;
  server {
    listen 127.0.0.1:${ports.small} backlog=4096;
    root ${files};
    location = / { default_type text/plain; return 200 "hello from the back end\\n"; }
  }
}
`
  const file = join(folder, "backend.conf")
  await Bun.write(file, config)
  const started = async (name: string, command: string[], port: number): Promise<Daemon> =>
    undo.keep(await startDaemon({ name, command, folder, ready: () => acceptsConnections("127.0.0.1", port) }))
  await started("backend", ["nginx", "-p", folder, "-c", file], ports.small)
  const program = (name: string) => [process.execPath, join(import.meta.dir, name)]
  await started("sink", [...program("sink.ts"), String(ports.sink)], ports.sink)
  await started("echo", [...program("echo.ts"), String(ports.echo)], ports.echo)
  return ports
}

/** Sparse files of zeros, in the folder, which lies in memory where `scripts/bench` found room. */
async function bodies(folder: string): Promise<string> {
  const files = join(folder, "files")
  await mkdir(files)
  for (const [name, size] of Object.entries({ "1GiB": 2 ** 30, "64MiB": 2 ** 26 })) await truncate(join(files, name), size)
  return files
}

async function truncate(file: string, size: number): Promise<void> {
  const handle = await open(file, "w")
  await handle.truncate(size)
  await handle.close()
}
