import { createSocket } from "node:dgram"
import { createServer } from "node:net"
import type { Verdict } from "./check"
import { holderOf, inWords } from "../listener-holders"

export type FreePortNeeds = { what: string; setting: string; listen: { host: string | undefined; port: number }; protocol?: "tcp" | "udp" }

/** Whether a listener of an appliance that is not running could listen: its port is taken for a moment, and given back. */
export async function checkFreePort({ what, setting, listen, protocol = "tcp" }: FreePortNeeds): Promise<Verdict> {
  const { host, port } = listen
  const place = `${protocol === "udp" ? "UDP " : ""}port ${port}${host === undefined ? "" : ` of ${host}`}`
  if (port === 0) return { status: "ok", verdict: `${what} takes any port that is free.` }
  const code = await (protocol === "tcp" ? tryTcp(host, port) : tryUdp(host, port))
  if (code === undefined) return { status: "ok", verdict: `${what}: ${place} is free.` }
  if (code === "EADDRINUSE") {
    const { holder } = holderOf(port, protocol)
    if (holder?.name === "systemd") return { status: "ok", verdict: `${what}: systemd holds ${place} for Freehold.` }
    return {
      status: "bad",
      verdict: `${what}: ${inWords(holder)} holds ${place}, so Freehold cannot start.`,
      remedy: `End ${holder === undefined ? "that program" : holder.name}, or give Freehold another port by FREEHOLD_${setting.toUpperCase()}.`,
    }
  }
  if (code === "EACCES")
    return {
      status: "warn",
      verdict: `${what}: this user may not listen at ${place}.`,
      remedy: "Let systemd give the service AmbientCapabilities=CAP_NET_BIND_SERVICE, as the unit of Freehold does.",
    }
  return {
    status: "bad",
    verdict: `${what}: nobody can listen at ${place} (${code}).`,
    remedy: `Set FREEHOLD_${setting.toUpperCase()} to an address that this machine has.`,
  }
}

/** The code of the fault, if there is one. */
function tryTcp(host: string | undefined, port: number): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>()
  const server = createServer()
  server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
  server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)))
  return promise
}

function tryUdp(address: string | undefined, port: number): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>()
  const socket = createSocket(address?.includes(":") ? "udp6" : "udp4")
  socket.once("error", (error: NodeJS.ErrnoException) => {
    socket.close()
    resolve(error.code ?? error.message)
  })
  socket.bind({ address, port, exclusive: true }, () => socket.close(() => resolve(undefined)))
  return promise
}
