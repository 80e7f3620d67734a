import { mkdir, mkdtemp } from "node:fs/promises"
import { join } from "node:path"
import { freePort } from "../../lab/ports"
import { acceptsConnections } from "../../lab/process"
import { type Daemon, startDaemon } from "../daemon"
import { listedKeys, seedFolder } from "./seed"

/** Something that keeps files by their names; plain HTTP on 127.0.0.1. */
export type StorageServer = {
  readonly name: string
  readonly pid: number
  readonly port: number
  /** Where and with what a key is written or read. */
  request(method: "GET" | "PUT", key: string): Promise<{ url: string; path: string; headers: Record<string, string> }>
  /** Reads the list of the hundred thousand; answers how many names it has seen. */
  list(): Promise<number>
  /** Longest time that its event loop did nothing else since the last call, where it can say so. */
  held?(): Promise<{ mostMs: number; p99Ms: number }>
  stop(): Promise<void>
}

const local = (port: number) => ({
  port,
  request: async (_: string, key: string) => ({ url: `http://127.0.0.1:${port}/${key}`, path: `/${key}`, headers: {} }),
})

/** The core behind nothing but Bun.serve. */
export async function startCoreServer(parent: string): Promise<StorageServer> {
  const folder = await mkdtemp(join(parent, "core-"))
  const port = await freePort()
  const program = join(import.meta.dir, "core-server.ts")
  const daemon = await startDaemon({
    name: "core",
    command: [process.execPath, program, join(folder, "data"), String(port)],
    folder,
    ownsFolder: true,
    ready: async (output) => (await output()).includes("listening"),
    readyTimeoutMs: 60_000,
  })
  const list = async () => {
    let count = 0
    for (let after: string | undefined = ""; after !== undefined;) {
      const query = after === "" ? "" : `?after=${encodeURIComponent(after)}`
      const page = (await (await fetch(`http://127.0.0.1:${port}/${query}`)).json()) as { objects: unknown[]; next?: string }
      count += page.objects.length
      after = page.next
    }
    return count
  }
  const held = async () => (await (await fetch(`http://127.0.0.1:${port}/held`)).json()) as { mostMs: number; p99Ms: number }
  return { name: "freehold", pid: daemon.pid, ...local(port), list, held, stop: () => daemon.stop() }
}

/** nginx with two workers and WebDAV, sending from files by the kernel. It flushes nothing to disk. */
export async function startNginxDav(parent: string): Promise<StorageServer> {
  const folder = await mkdtemp(join(parent, "nginx-"))
  const port = await freePort()
  await mkdir(join(folder, "files/kept"), { recursive: true })
  await seedFolder(join(folder, "files/list"))
  const config = `daemon off;
user root;
worker_processes 2;
pid ${folder}/nginx.pid;
error_log ${folder}/nginx.err;
events { worker_connections 1024; }
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 1000000000;
  client_max_body_size 0;
  client_body_temp_path ${folder}/incoming;
  server {
    listen 127.0.0.1:${port};
    root ${folder}/files;
    location / { dav_methods PUT DELETE; create_full_put_path on; autoindex on; autoindex_format json; }
  }
}
`
  await Bun.write(join(folder, "nginx.conf"), config)
  const daemon = await started("nginx", ["nginx", "-p", folder, "-c", join(folder, "nginx.conf")], folder, port)
  const list = async () => ((await (await fetch(`http://127.0.0.1:${port}/list/`)).json()) as unknown[]).length
  return { name: "nginx", pid: daemon.pid, ...local(port), list, stop: () => daemon.stop() }
}

/** rclone as it is by itself, on a folder. It flushes nothing to disk. */
export async function startRclone(parent: string): Promise<StorageServer> {
  const folder = await mkdtemp(join(parent, "rclone-"))
  const port = await freePort()
  await mkdir(join(folder, "files/kept"), { recursive: true })
  await seedFolder(join(folder, "files/list"))
  const command = [
    "rclone",
    "serve",
    "webdav",
    join(folder, "files"),
    "--addr",
    `127.0.0.1:${port}`,
    "--config",
    join(folder, "rclone.conf"),
  ]
  const daemon = await started("rclone", command, folder, port)
  const list = async () => {
    const res = await fetch(`http://127.0.0.1:${port}/list/`, { method: "PROPFIND", headers: { depth: "1" } })
    return (await res.text()).split("<D:response>").length - 2
  }
  return { name: "rclone", pid: daemon.pid, ...local(port), list, stop: () => daemon.stop() }
}

async function started(name: string, command: string[], folder: string, port: number): Promise<Daemon> {
  return startDaemon({
    name,
    command,
    folder,
    ownsFolder: true,
    ready: () => acceptsConnections("127.0.0.1", port),
    readyTimeoutMs: 30_000,
  })
}

/** Throws when a list is not whole. */
export async function timedList(server: StorageServer): Promise<number> {
  const began = performance.now()
  const count = await server.list()
  if (count !== listedKeys) throw new Error(`${server.name} listed ${count} of ${listedKeys} keys`)
  return (performance.now() - began) / 1000
}
