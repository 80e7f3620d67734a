import { readFile } from "node:fs/promises"
import { findProgram } from "./dns"
import { pebbleObstacle, startPebble } from "./pebble"
import { freePort } from "./ports"
import { acceptsConnections, startProcess } from "./process"

/** A real ACME server for which every name leads to 127.0.0.1; its directory is trusted through `caPem` only. */
export type LonePebble = {
  directoryUrl: string
  caPem: string
  /** Where Pebble knocks to validate, on 127.0.0.1. */
  httpPort: number
  tlsPort: number
  rootPem(): Promise<string>
  /** Adds a TXT record to what Pebble sees of a name, until the returned function takes away all of that name's. */
  showTxt(name: string, value: string): Promise<() => Promise<void>>
  stop(): Promise<void>
}

/** True where Debian's `pebble` package and what the lab needs beside it are installed. */
export const hasPebble = pebbleObstacle() === undefined && findProgram("pebble-challtestsrv") !== undefined

/** Starts Pebble, which refuses one good nonce in five, and its test DNS on free ports. */
export async function startLonePebble(options: { eab?: { kid: string; hmac: string } } = {}): Promise<LonePebble> {
  const [dns, control, httpPort, tlsPort] = [await freePort(), await freePort(), await freePort(), await freePort()]
  const off = ["-http01", "", "-https01", "", "-tlsalpn01", ""]
  const nameServer = await startProcess({
    name: "pebble-challtestsrv",
    command: ["pebble-challtestsrv", ...off, "-dns01", `127.0.0.1:${dns}`, "-management", `127.0.0.1:${control}`, "-defaultIPv6", ""],
    ready: () => acceptsConnections("127.0.0.1", control),
  })
  try {
    const pebble = await startPebble({ dns: `127.0.0.1:${dns}`, httpPort, tlsPort, nonceRejectPercent: 20, ...options })
    const tell = async (what: string, body: object) => {
      const res = await fetch(`http://127.0.0.1:${control}/${what}`, { method: "POST", body: JSON.stringify(body) })
      if (!res.ok) throw new Error(`pebble-challtestsrv answered ${res.status} to ${what}`)
    }
    const showTxt = async (name: string, value: string) => {
      await tell("set-txt", { host: `${name}.`, value })
      return () => tell("clear-txt", { host: `${name}.` })
    }
    const stop = async () => {
      await pebble.stop()
      await nameServer.stop()
    }
    // By name, as a directory is elsewhere; its certificate is good for both.
    const directoryUrl = pebble.directory.replace("127.0.0.1", "localhost")
    const caPem = await readFile(pebble.caFile, "utf8")
    return { directoryUrl, caPem, httpPort, tlsPort, rootPem: () => pebble.rootCertificate(), showTxt, stop }
  } catch (error) {
    await nameServer.stop()
    throw error
  }
}
