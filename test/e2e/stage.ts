import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { type AcmeFront, startAcmeFront } from "../lab/acme-front"
import { type DnsLab, dnsLabObstacle, findProgram, startDns } from "../lab/dns"
import { type PebbleLab, pebbleObstacle, startPebble } from "../lab/pebble"
import { type PodmanLab, podmanObstacle, startPodman } from "../lab/podman"
import { temporaryFolder } from "../lab/process"
import { startUnbound, type UnboundLab, unboundObstacle } from "../lab/unbound"
import { type Appliance, freePorts, type Settings, startAppliance } from "./appliance"

/** The appliance among its real peers: a private DNS, a recursive resolver and, where asked for, an ACME server and a container engine. */
export type Stage = {
  dns: DnsLab
  unbound: UnboundLab
  pebble: PebbleLab
  /** What stands between the appliance and Pebble. */
  front: AcmeFront
  podman: PodmanLab
  house: Appliance
  /** Makes a name lead to the edge. */
  point(name: string): Promise<void>
  stop(): Promise<void>
}

export type Cast = { pebble?: boolean; podman?: boolean; front?: boolean }

/** Why this machine cannot set it, as a reason to skip; undefined when it can. */
export async function stageObstacle(cast: Cast): Promise<string | undefined> {
  return (
    (await dnsLabObstacle()) ??
    unboundObstacle() ??
    (cast.pebble ? pebbleObstacle() : undefined) ??
    (cast.podman ? podmanObstacle() : undefined) ??
    ["curl", "openssl"].map((name) => (findProgram(name) ? undefined : `${name} is not installed`)).find(Boolean)
  )
}

/**
 * Starts all of it, or nothing; `prepare` runs before the appliance and gives it more settings. `behindClosedPorts`: Pebble looks for answers at ports
 * where nobody is, as a CA does from outside a house that no port leads into. `front` puts an ACME front before Pebble, which it needs.
 */
export async function startStage(
  options: Cast & { behindClosedPorts?: boolean; zones?: string[]; prepare?: (dns: DnsLab, address: string) => Promise<Settings> },
): Promise<Stage> {
  const undo: (() => Promise<void>)[] = []
  const stop = async () => {
    for (const step of undo.splice(0).reverse()) await step()
  }
  const keep = <T extends { stop(): Promise<void> }>(started: T): T => {
    undo.push(() => started.stop())
    return started
  }
  try {
    const dns = keep(await startDns({ zones: options.zones }))
    const unbound = keep(await startUnbound(dns.roots))
    const address = dns.spareAddress(20)
    const ports = await freePorts(address)
    const settings: Settings = { FREEHOLD_DNS_ROOTS: dns.roots, ...(await options.prepare?.(dns, address)) }
    let pebble: PebbleLab | undefined
    let front: AcmeFront | undefined
    let trusted: string | undefined
    if (options.pebble) {
      const seen = options.behindClosedPorts ? await freePorts(address) : ports
      pebble = keep(await startPebble({ dns: unbound.dns, httpPort: seen.http, tlsPort: seen.https }))
      const folder = await temporaryFolder("trust")
      undo.push(() => folder.remove())
      trusted = join(folder.path, "pebble-root.pem")
      await writeFile(trusted, await pebble.rootCertificate())
      front = options.front ? keep(await startAcmeFront(pebble)) : undefined
      settings.FREEHOLD_ACME_DIRECTORY = front?.directory ?? pebble.directory
      settings.FREEHOLD_ACME_CA_FILE = pebble.caFile
      settings.FREEHOLD_ACME_EMAIL = "operator@customer.test"
    }
    const podman = options.podman ? keep(await startPodman()) : undefined
    if (podman) settings.FREEHOLD_CONTAINER_ENGINE = `unix://${podman.socket}`
    const house = keep(await startAppliance({ address, ports, settings, trusted }))
    return {
      dns,
      unbound,
      get pebble() {
        return pebble ?? notCast("Pebble")
      },
      get front() {
        return front ?? notCast("The ACME front")
      },
      get podman() {
        return podman ?? notCast("Podman")
      },
      house,
      point: (name) => dns.publish("both", name, "A", address),
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

function notCast(who: string): never {
  throw new Error(`${who} was not asked for`)
}
