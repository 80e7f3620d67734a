import { parseIp } from "../ip-address"
import { kindOfAddress } from "../special-addresses"
import type { Verdict } from "./check"
import { holderOf, inWords } from "../listener-holders"

export type PortNeeds = {
  protocol: "HTTP" | "HTTPS"
  /** Where the world expects it. */
  publicPort: number
  /** Where it really is. */
  listener: { host: string | undefined; port: number }
  setting: string
}

/** Whether our own listener is where the world looks for it. */
export function checkPort({ protocol, publicPort, listener, setting }: PortNeeds): Verdict {
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
  const { isHeld, holder } = holderOf(publicPort)
  return {
    status: "warn",
    verdict: `${served}; ${isHeld ? `${inWords(holder)} holds port ${publicPort}` : `nobody of this machine listens at port ${publicPort}`}.`,
    remedy: `${isHeld ? `Lead port ${publicPort} of your router to port ${port} of this machine, or end that program and set` : "Set"} ${setting}=:${publicPort}, and restart Freehold.`,
  }
}
