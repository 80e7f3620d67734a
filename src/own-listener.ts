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

function ownAddresses(): Set<string> {
  const found = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
  return new Set(found.map(({ address }) => parseIp(address.replace(/%.*$/, ""))?.text ?? address))
}
