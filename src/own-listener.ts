import { networkInterfaces } from "node:os"
import { type IpAddress, parseIp } from "./ip-address"

/** Something of ours that listens; `0.0.0.0` and `::` stand for every address of this machine. */
export type OwnListener = { address: string; port: number }

/** Whether one of the listeners answers at this address and port; looks at the machine's addresses of this moment. */
export function isOwnListener(listeners: readonly OwnListener[], address: IpAddress, port: number): boolean {
  return listeners.some((own) => {
    if (own.port !== port) return false
    const at = parseIp(own.address)
    return at?.value === 0n ? ownAddresses().has(address.text) : at?.text === address.text
  })
}

/** The listeners, and what leads to them from outside: behind a router no interface has the public addresses, and they lead here all the same. */
export function ownPlaces(
  listeners: readonly OwnListener[],
  outside: { publicIpv4?: string | undefined; publicIpv6?: string | undefined },
): OwnListener[] {
  const ports = new Set([80, 443, ...listeners.map(({ port }) => port)])
  const addresses = [outside.publicIpv4, outside.publicIpv6].filter((address) => address !== undefined)
  return [...listeners, ...addresses.flatMap((address) => [...ports].map((port) => ({ address, port })))]
}

function ownAddresses(): Set<string> {
  const found = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
  return new Set(found.map(({ address }) => parseIp(address.split("%", 1)[0] ?? "")?.text ?? address))
}
