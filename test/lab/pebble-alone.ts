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
    const stop = async () => {
      await pebble.stop()
      await nameServer.stop()
    }
    // By name, as a directory is elsewhere; its certificate is good for both.
    const directoryUrl = pebble.directory.replace("127.0.0.1", "localhost")
    return { directoryUrl, caPem: await readFile(pebble.caFile, "utf8"), httpPort, tlsPort, rootPem: () => pebble.rootCertificate(), stop }
  } catch (error) {
    await nameServer.stop()
    throw error
  }
}
