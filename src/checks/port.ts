import { connect } from "node:net"
import { parseIp } from "../ip-address"
import { kindOfAddress } from "../special-addresses"
import type { Verdict } from "./check"

export type PortNeeds = {
  protocol: "HTTP" | "HTTPS"
  /** Where the world expects it. */
  publicPort: number
  /** Where it really is. */
  listener: { host: string | undefined; port: number }
  setting: string
}

/** Whether our own listener is where the world looks for it. */
export async function checkPort({ protocol, publicPort, listener, setting }: PortNeeds): Promise<Verdict> {
  const { host, port } = listener
  const address = host === undefined ? undefined : parseIp(host)
  const place = address === undefined || address.value === 0n ? "on every address" : `at ${address.text}`
  const served = `${protocol} is served ${place}, port ${port}`
  if (address !== undefined && kindOfAddress(address) === "loopback") {
    return {
      status: "warn",
      verdict: `${served}, which this machine alone can reach.`,
      remedy: `Set ${setting}=:${publicPort} and restart Freehold, so that others reach it too.`,
    }
  }
  if (port === publicPort) return { status: "ok", verdict: `${served}.` }
  const isHeld = await accepts("127.0.0.1", publicPort)
  return {
    status: "warn",
    verdict: `${served}; ${isHeld ? `another program of this machine holds port ${publicPort}` : `nobody of this machine listens at port ${publicPort}`}.`,
    remedy: `${isHeld ? `Lead port ${publicPort} of your router to port ${port} of this machine, or end that program and set` : "Set"} ${setting}=:${publicPort}, and restart Freehold.`,
  }
}

/** Whether somebody takes connections there. */
export function accepts(host: string, port: number, limitMs = 1500): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const socket = connect({ host, port })
  socket.setTimeout(limitMs, () => resolve(false))
  socket.once("connect", () => resolve(true))
  socket.once("error", () => resolve(false))
  return promise.finally(() => socket.destroy())
}
