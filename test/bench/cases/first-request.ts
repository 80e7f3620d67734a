import { Database } from "bun:sqlite"
import { freePort, mayListen } from "../../lab/ports"
import { acceptsConnections, startProcess } from "../../lab/process"
import { pebbleObstacle, startPebble } from "../../lab/pebble"
import { type Bench, type Case, startOurs } from "../bench"
import { clientTls } from "../client-tls"
import { freePorts } from "../../e2e/appliance"
import { compare, interleave } from "../measure"
import { settle } from "../memory"
import { startCaddy } from "../peers/caddy"
import { atMost } from "../report"
import { hostname } from "../seed"
import type { Server } from "../server"

const below = "first.test"
const caddyAddress = "127.0.0.2"

/**
 * From the ClientHello to the first byte of the answer, for a verified name that has no certificate yet. Pebble knocks at one port only, so both
 * servers have the same port at different loopback addresses, and its test DNS leads Caddy's names to Caddy.
 */
export const firstRequest: Case = {
  name: "first-request",
  async run(bench) {
    const obstacle =
      pebbleObstacle() ?? (Bun.which("pebble-challtestsrv") && Bun.which("caddy") ? undefined : "pebble or caddy is not installed")
    if (obstacle !== undefined) return bench.add({ case: "first-request", peer: "caddy", reason: obstacle })
    const ports = await freePorts("127.0.0.1")
    if (!(await mayListen(caddyAddress, ports.https))) throw new Error(`port ${ports.https} of ${caddyAddress} is taken`)
    const dns = await startTestDns(bench)
    const pebble = bench.undo.keep(await startPebble({ dns: dns.address, httpPort: ports.http, tlsPort: ports.https }))
    const visits = 1 + bench.runs * 3
    const ours = await startOurs(bench, {
      names: visits,
      below,
      issuer: pebble.directory,
      ports,
      settings: {
        FREEHOLD_ACME_DIRECTORY: pebble.directory,
        FREEHOLD_ACME_CA_FILE: pebble.caFile,
        FREEHOLD_ACME_EMAIL: "bench@first.test",
      },
    })
    await settle(ours.pid)
    // It orders for verified names at its start, so they had certificates then, which go now; none was asked for, so none is in its memory.
    const store = new Database(`${ours.dataDir}/freehold.db`)
    store.run("DELETE FROM certificates WHERE hostname LIKE ?", [`h%.${below}`])
    store.close()
    const acme = { directory: pebble.directory, caFile: pebble.caFile }
    const caddy = bench.undo.keep(await startCaddy({ ...bench, address: caddyAddress, port: ports.https, acme }))
    const ca = await pebble.rootCertificate()
    const next = new Map<string, number>()
    const visit = async (server: Server) => {
      const number = (next.get(server.name) ?? 0) + 1
      next.set(server.name, number)
      const host = server === ours ? hostname(number, below) : `c${number}.caddy.${below}`
      if (server === caddy) await dns.point(host, caddyAddress)
      const seconds = (await firstByteMs(server, host, ca)) / 1000
      bench.say(`${server.name} ${host} ${seconds.toFixed(3)} s`)
      return seconds
    }
    // The first of each makes the account.
    for (const server of [ours, caddy]) await visit(server)
    const figures = await interleave([ours, caddy], bench.runs * 3, visit)
    bench.add(compare({ case: "first-request", peer: "caddy", unit: "s", goal: atMost(1) }, figures))
  },
}

/** Answers 127.0.0.1 for every name but those that were pointed elsewhere. */
async function startTestDns(bench: Bench): Promise<{ address: string; point(host: string, address: string): Promise<void> }> {
  const [port, control] = [await freePort(), await freePort()]
  const off = ["-http01", "", "-https01", "", "-tlsalpn01", "", "-defaultIPv6", ""]
  const command = ["pebble-challtestsrv", ...off, "-dns01", `127.0.0.1:${port}`, "-management", `127.0.0.1:${control}`]
  const ready = () => acceptsConnections("127.0.0.1", control)
  bench.undo.keep(await startProcess({ name: "pebble-challtestsrv", command, ready }))
  const point = async (host: string, address: string) => {
    const body = JSON.stringify({ host: `${host}.`, addresses: [address] })
    const res = await fetch(`http://127.0.0.1:${control}/add-a`, { method: "POST", body })
    if (!res.ok) throw new Error(`pebble-challtestsrv answered ${res.status}`)
  }
  return { address: `127.0.0.1:${port}`, point }
}

/** One request over a new connection; the clock starts when TCP stands, just before the ClientHello leaves. */
async function firstByteMs(server: Server, host: string, ca: string): Promise<number> {
  const heard = Promise.withResolvers<number>()
  const limit = setTimeout(() => heard.reject(new Error(`${server.name} did not answer for ${host} in 30 s`)), 30_000)
  let began = 0
  const socket = await Bun.connect({
    hostname: server.address,
    port: server.port,
    tls: clientTls(host, ca),
    socket: {
      open: () => void (began = performance.now()),
      handshake: (open, _isAuthorized, error) =>
        error ? heard.reject(error) : void open.write(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`),
      data: (_socket, chunk) =>
        chunk.toString("latin1", 0, 12) === "HTTP/1.1 200"
          ? heard.resolve(performance.now() - began)
          : heard.reject(new Error(chunk.toString("latin1", 0, 40))),
      close: () => heard.reject(new Error(`${server.name} closed the connection for ${host}`)),
      error: (_socket, error) => heard.reject(error),
    },
  })
  try {
    return await heard.promise
  } finally {
    clearTimeout(limit)
    socket.terminate()
  }
}
