import { AppError } from "../errors"
import { type IpAddress, isInRange, parseIp } from "../ip-address"
import { isOwnListener, type OwnListener } from "../own-listener"
import { type AddressKind, inWords, kindOfAddress, meantAddress } from "../special-addresses"

export type UpstreamNeeds = {
  /** Ranges in which everything is allowed. */
  allowUpstreams: string[]
  ownListeners: () => OwnListener[]
}

/** Where no application of the house stands. */
const nowhere: ReadonlySet<AddressKind> = new Set(["unspecified", "loopback", "link-local", "multicast", "broadcast", "reserved"])

/** Which addresses and ports an `external` container may have, so that the edge is led neither into this machine nor back to itself. */
export class UpstreamRule {
  constructor(private needs: UpstreamNeeds) {}

  /** The address in canonical form and the port map; throws `invalid`, naming the field and its rule. */
  parse(body: Record<string, unknown>): { address: string; ports: Record<string, number> } {
    const { address: raw } = body
    if (raw === undefined || raw === null || raw === "") throw new AppError("invalid", "address is required")
    const address = typeof raw === "string" ? parseIp(raw.trim()) : undefined
    if (address === undefined) throw new AppError("invalid", "address must be an IPv4 or IPv6 address")
    if (!this.isAllowed(address)) {
      const kind = kindOfAddress(address)
      if (kind !== undefined && nowhere.has(kind)) throw notAllowed(`address ${address.text} is ${inWords(kind)}`)
    }
    const ports = parsePortMap(body.ports)
    const own = this.ownPort(address, ports)
    if (own !== undefined) {
      throw notAllowed(
        `address ${address.text} with container port ${own.containerPort} is Freehold's own listener at port ${own.port}: ` +
          `lead "${own.containerPort}" to another port in ports`,
      )
    }
    return { address: address.text, ports }
  }

  /** True when some container port leads back to Freehold: this machine's addresses and listeners may change after a container was made. */
  leadsToUs(text: string, ports: Record<string, number>): boolean {
    const address = parseIp(text)
    return address !== undefined && this.ownPort(address, ports) !== undefined
  }

  /**
   * Why an origin may not stand at this address and port, or undefined where it may. People who are no administrators reach the public internet
   * only: what else is in the house is not theirs to publish.
   */
  problem(text: string, port: number, isAdmin: boolean): string | undefined {
    const address = parseIp(text)
    if (address === undefined) return `${text} is not an IP address`
    if (this.isAllowed(address)) return undefined
    const kind = kindOfAddress(address)
    if (kind !== undefined && (!isAdmin || nowhere.has(kind)))
      return `${address.text} is ${inWords(kind)}, which is refused unless FREEHOLD_ALLOW_UPSTREAMS covers it`
    return isOwnListener(this.needs.ownListeners(), meantAddress(address), port)
      ? `${address.text} port ${port} is Freehold's own listener`
      : undefined
  }

  private isAllowed(address: IpAddress): boolean {
    return this.needs.allowUpstreams.some((cidr) => isInRange(address, cidr))
  }

  private ownPort(address: IpAddress, ports: Record<string, number>): { containerPort: number; port: number } | undefined {
    if (this.isAllowed(address)) return undefined
    const own = this.needs.ownListeners()
    for (const { port } of own) {
      const candidates = [port, ...Object.keys(ports).map(Number)].filter(isContainerPort)
      const containerPort = candidates.find((candidate) => (ports[candidate] ?? candidate) === port)
      if (containerPort !== undefined && isOwnListener(own, meantAddress(address), port)) return { containerPort, port }
    }
    return undefined
  }
}

/** 80, 443 or 8000 to 8999: what a mapping may name as its target port. */
function isContainerPort(port: number): boolean {
  return port === 80 || port === 443 || (port >= 8000 && port <= 8999)
}

function parsePortMap(raw: unknown): Record<string, number> {
  if (raw === undefined || raw === null) return {}
  if (typeof raw !== "object" || Array.isArray(raw)) throw new AppError("invalid", 'ports must be an object such as {"80": 32400}')
  const ports: Record<string, number> = {}
  for (const [key, value] of Object.entries(raw)) {
    if (!/^[1-9]\d{1,3}$/.test(key) || !isContainerPort(Number(key)))
      throw new AppError("invalid", `ports: "${key.slice(0, 20)}" must be 80, 443, or 8000-8999`)
    if (typeof value !== "number" || !Number.isInteger(value) || value < 1 || value > 65_535)
      throw new AppError("invalid", `ports: the real port of "${key}" must be a whole number from 1 to 65535`)
    ports[key] = value
  }
  return ports
}

function notAllowed(why: string): AppError {
  return new AppError("invalid", `${why}, which is refused unless FREEHOLD_ALLOW_UPSTREAMS covers it`)
}
