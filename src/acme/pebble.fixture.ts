import { mkdtemp, rm } from "node:fs/promises"
import { connect, createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { InternalCa } from "./internal-ca"

/** A running Pebble and its DNS, for tests: a real ACME server whose directory is trusted through `caPem` only. */
export type Pebble = {
  directoryUrl: string
  caPem: string
  /** Where Pebble knocks to validate, on 127.0.0.1. */
  httpPort: number
  tlsPort: number
  rootPem(): Promise<string>
  stop(): Promise<void>
}

/** True where Debian's `pebble` package is installed. */
export const hasPebble = Bun.which("pebble") !== null && Bun.which("pebble-challtestsrv") !== null

/** Starts both processes on free ports and waits until they answer. */
export async function startPebble(settings: Record<string, unknown> = {}): Promise<Pebble> {
  const folder = await mkdtemp(join(tmpdir(), "pebble-"))
  const [listen, management, httpPort, tlsPort, dns, control] = (await freePorts(6)) as [number, number, number, number, number, number]
  const ca = new InternalCa({ load: async () => undefined, save: async () => {} })
  const own = await ca.issue("localhost")
  await Bun.write(join(folder, "cert.pem"), own.chainPem)
  await Bun.write(join(folder, "key.pem"), own.keyPem)
  const pebble = {
    listenAddress: `127.0.0.1:${listen}`,
    managementListenAddress: `127.0.0.1:${management}`,
    certificate: join(folder, "cert.pem"),
    privateKey: join(folder, "key.pem"),
    httpPort,
    tlsPort,
    ...settings,
  }
  await Bun.write(join(folder, "config.json"), JSON.stringify({ pebble }))
  const silent = { stdout: "ignore", stderr: "ignore" } as const
  const off = ["-http01", "", "-https01", "", "-tlsalpn01", ""]
  const nameServer = Bun.spawn(
    ["pebble-challtestsrv", ...off, "-dns01", `127.0.0.1:${dns}`, "-management", `127.0.0.1:${control}`, "-defaultIPv6", ""],
    silent,
  )
  const server = Bun.spawn(["pebble", "-config", join(folder, "config.json"), "-dnsserver", `127.0.0.1:${dns}`], {
    ...silent,
    env: { ...process.env, PEBBLE_VA_NOSLEEP: "1", PEBBLE_WFE_NONCEREJECT: "20" },
  })
  const caPem = await ca.rootPem()
  const stop = async () => {
    for (const child of [server, nameServer]) child.kill()
    await Promise.all([server.exited, nameServer.exited])
    await rm(folder, { recursive: true, force: true })
  }
  try {
    await Promise.all([listen, management, control].map(answering))
  } catch (error) {
    await stop()
    throw error
  }
  const rootPem = async () => (await fetch(`https://localhost:${management}/roots/0`, { tls: { ca: caPem } })).text()
  return { directoryUrl: `https://localhost:${listen}/dir`, caPem, httpPort, tlsPort, rootPem, stop }
}

/** Ports that were free a moment ago, all different. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer()
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
      return server
    }),
  )
  const ports = servers.map((server) => (server.address() as { port: number }).port)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}

/** Resolves once something accepts connections at the port; throws after ten seconds. */
async function answering(port: number): Promise<void> {
  for (const end = Date.now() + 10_000; Date.now() < end; await Bun.sleep(20)) {
    const accepted = await new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1")
      socket.once("connect", () => resolve(true))
      socket.once("error", () => resolve(false))
      socket.once("close", () => resolve(false))
      setTimeout(() => socket.destroy(), 1000).unref()
    }).catch(() => false)
    if (accepted) return
  }
  throw new Error(`nothing answers at 127.0.0.1:${port}`)
}
