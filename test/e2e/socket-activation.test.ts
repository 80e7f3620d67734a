import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { connect } from "node:tls"
import { findProgram } from "../lab/dns"
import { loopbackBlock } from "../lab/ports"
import { type LabProcess, startProcess, temporaryFolder, waitUntil } from "../lab/process"
import { binary, freePorts, type Ports } from "./appliance"
import { runProgram } from "./program"

const obstacle = ["systemd-socket-activate", "setpriv", "curl"]
  .map((name) => (findProgram(name) ? undefined : `${name} is not installed`))
  .find(Boolean)
const hostname = "net.freehold.localhost"

/** Holds the sockets as systemd does, and starts the program again when it has ended; systemd names the process that they are for. */
const keeper = `while :; do sh -c 'LISTEN_PID=$$ exec setpriv --pdeathsig KILL -- "$0" serve --config "$1"' "$0" "$1"; done`

describe.skipIf(obstacle !== undefined)(`socket activation${obstacle ? ` (skipped: ${obstacle})` : ""}`, () => {
  const undo: (() => unknown)[] = []
  let address: string
  let ports: Ports
  let keeping: LabProcess
  const output = () => keeping.output()
  const times = (text: string) => output().split(text).length - 1

  beforeAll(async () => {
    const folder = await temporaryFolder("activation")
    undo.push(() => folder.remove())
    address = (await loopbackBlock(8080, 1)).address(1)
    ports = await freePorts(address)
    const config = join(folder.path, "freehold.toml")
    const settings = [
      `data_dir = "${folder.path}/data"`,
      `api_listen = "${address}:${ports.api}"`,
      // Ports that could not be opened: what is handed over is used instead.
      `https_listen = "192.0.2.1:1"`,
      `http_listen = "192.0.2.1:2"`,
      "edge_workers = 2",
      `container_engine = "none"`,
      // Of what was written only the end is kept.
      `access_log = "off"`,
    ]
    await writeFile(config, `${settings.join("\n")}\n`)
    const sockets = ["--fdname=https:http", "-l", `${address}:${ports.https}`, "-l", `${address}:${ports.http}`]
    keeping = await startProcess({
      name: "systemd-socket-activate",
      command: ["systemd-socket-activate", ...sockets, "sh", "-c", keeper, await binary(), config],
      ready: (said) => said().split("Listening on").length === 3,
    })
    undo.push(() => keeping.stop())
  })
  afterAll(async () => {
    for (const step of undo.splice(0).reverse()) await step()
  })

  /** The status of a visit over a connection of its own; rejects when the connection is refused, cut or silent for long. */
  const visit = (): Promise<number> => {
    const { promise, resolve, reject } = Promise.withResolvers<number>()
    const socket = connect({ host: address, port: ports.https, servername: hostname, rejectUnauthorized: false })
    let text = ""
    socket.setTimeout(20_000, () => socket.destroy(new Error("nothing came for 20 seconds")))
    socket.on("secureConnect", () => socket.write(`GET /livez HTTP/1.1\r\nHost: ${hostname}\r\nConnection: close\r\n\r\n`))
    socket.on("data", (chunk: Buffer) => void (text += chunk.toString("latin1")))
    socket.on("error", reject)
    socket.on("close", () => (text === "" ? reject(new Error("cut off without an answer")) : resolve(Number(text.slice(9, 12)))))
    return promise
  }

  /** The process that listens now: the shell's only child. */
  const child = async () => Number((await readFile(`/proc/${keeping.pid}/task/${keeping.pid}/children`, "utf8")).trim().split(" ")[0])

  test("the first visitor starts it, and is served through the sockets that were handed over", async () => {
    expect(output()).not.toContain("freehold is up")
    expect(await visit()).toBe(200)
    expect(output()).toContain('"message":"the edge listens","threads":1,"handedOver":["https","http"]')
    expect(output()).toContain("edge_workers does not count")
    expect(output()).toContain(`"http":${ports.http},"https":${ports.https}`)
    const plain = await runProgram(["curl", "-si", "--connect-to", `::${address}:${ports.http}`, `http://${hostname}/x`])
    expect(plain.out).toContain(`Location: https://${hostname}:${ports.https}/x`)
  })

  test("restarts refuse and cut nobody: whoever comes meanwhile waits", async () => {
    await waitUntil(() => times("freehold is up") === 1, { what: "the first start" })
    const visiting = new AbortController()
    const statuses: number[] = []
    const faults: unknown[] = []
    const visitors = Array.from({ length: 4 }, async () => {
      while (!visiting.signal.aborted)
        await visit().then(
          (status) => statuses.push(status),
          (error) => faults.push(error),
        )
    })
    for (const starts of [2, 3]) {
      await Bun.sleep(200)
      process.kill(await child(), "SIGTERM")
      await waitUntil(() => times("freehold is up") === starts, { limitMs: 20_000, what: `start ${starts}` })
    }
    await Bun.sleep(200)
    visiting.abort()
    await Promise.all(visitors)
    expect(faults).toEqual([])
    expect(statuses.length).toBeGreaterThan(20)
    expect(new Set(statuses)).toEqual(new Set([200]))
  })
})

const shell = findProgram("sh") === undefined ? "sh is not installed" : undefined
describe.skipIf(shell !== undefined)("sockets that cannot be used", () => {
  const start = async (names: string, count: number) => {
    const folder = await temporaryFolder("bad-sockets")
    try {
      const program = await binary()
      const settings = `FREEHOLD_DATA_DIR=${folder.path}/data FREEHOLD_CONTAINER_ENGINE=none FREEHOLD_HTTP_LISTEN=127.0.0.1:0 FREEHOLD_API_LISTEN=127.0.0.1:0`
      const sockets = `LISTEN_FDS=${count} LISTEN_FDNAMES=${names} LISTEN_PID=$$`
      return await runProgram(["sh", "-c", `exec 3</dev/null 4</dev/null; ${sockets} ${settings} exec "$0" serve`, program], {
        folder: folder.path,
      })
    } finally {
      await folder.remove()
    }
  }

  test.each([
    ["web", 1, 2, 'descriptor 3 is named "web": its unit must say FileDescriptorName=https or =http'],
    ["", 1, 2, 'descriptor 3 is named ""'],
    ["https:https", 2, 2, 'descriptor 4 is named "https" like the one before it'],
    ["https", 1, 1, "the socket that systemd handed over for https, descriptor 3, cannot be listened on"],
  ])("%p stops the start with the number and the reason", async (names, count, exitCode, message) => {
    const { code, err } = await start(names, count)
    expect([code, err]).toEqual([exitCode, expect.stringContaining(message)])
  })
})
