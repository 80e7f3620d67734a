import { mkdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { loopbackBlock, mayListen } from "./ports"
import { type LabProcess, acceptsConnections, runCommand, startProcess, temporaryFolder, waitUntil } from "./process"

/** Which of the two name servers of the customers' zones a change goes to. */
export type NameServer = 1 | 2 | "both"

export type RecordKind = "A" | "AAAA" | "CNAME" | "TXT" | "MX" | "NS" | "CAA" | "SRV"

/** A private DNS: root, TLD `test`, and zones under it on two name servers that can be made to disagree; all at port 53, all real Knot. */
export interface DnsLab {
  /** For `FREEHOLD_DNS_ROOTS`: the address of the root server. */
  readonly roots: string
  readonly addresses: { root: string; tld: string; ns1: string; ns2: string }
  /** A loopback address of this lab's block that it does not use itself; `host` is 10 to 254. */
  spareAddress(host: number): string
  /** Adds one record; a TXT value is plain text of any length. Visible when the promise resolves. */
  publish(server: NameServer, name: string, type: RecordKind, value: string): Promise<void>
  /** Removes one record, a whole record set (no value) or a whole name (no type). */
  remove(server: NameServer, name: string, type?: RecordKind, value?: string): Promise<void>
  /** Changes what the TLD says about a zone: its delegation, or the DS records of one. */
  delegate(change: "add" | "del", zone: string, type: "NS" | "DS" | "A", value?: string): Promise<void>
  /** DS records that fit the keys of a signed zone, as Knot's own tool makes them. */
  signersOf(zone: string): Promise<string[]>
  /** What one address says, as `kdig +short` prints it, or the response code when it is not NOERROR; no recursion. */
  ask(address: string, name: string, type: string): Promise<string>
  stop(): Promise<void>
}

/** One hour for records and for denials (SOA minimum, RFC 2308 section 4), so that recursive caches hold what they once heard. */
const ttlSeconds = 3600

/** Why this machine cannot run the lab, as a reason to skip; undefined when it can. */
export async function dnsLabObstacle(): Promise<string | undefined> {
  for (const program of ["knotd", "knsupdate", "kdig", "setpriv"]) {
    if (findProgram(program) === undefined) return `${program} is not installed`
  }
  if (!(await mayListen("127.53.53.53", 53))) return "port 53 of a loopback address is not ours to use (root needed)"
  return undefined
}

/**
 * Starts the four servers; `zones` must lie directly under `test`. Those in `signedZones` are signed by Knot, and served by the first name server only,
 * since two that sign by themselves have different keys.
 */
export async function startDns(options: { zones?: string[]; signedZones?: string[] } = {}): Promise<DnsLab> {
  const { zones = ["customer.test"], signedZones = [] } = options
  const block = await loopbackBlock(53, 9)
  const addresses = { root: block.address(1), tld: block.address(2), ns1: block.address(3), ns2: block.address(4) }
  const folder = await temporaryFolder("dns")
  const servers: LabProcess[] = []
  const stop = async () => {
    await Promise.all(servers.map((server) => server.stop()))
    await folder.remove()
  }

  const both = { ns1: addresses.ns1, ns2: addresses.ns2 }
  const rootZone = [
    soa(".", "a.root-servers.net."),
    ". NS a.root-servers.net.",
    `a.root-servers.net. A ${addresses.root}`,
    "test. NS ns.nic.test.",
    `ns.nic.test. A ${addresses.tld}`,
  ]
  const tldZone = [
    soa("test.", "ns.nic.test."),
    "test. NS ns.nic.test.",
    `ns.nic.test. A ${addresses.tld}`,
    ...zones.flatMap((zone) => nameServers(zone, both)),
    ...signedZones.flatMap((zone) => nameServers(zone, { ns1: addresses.ns1 })),
  ]
  const customerZones = zones.map((zone) => ({
    name: zone,
    lines: [soa(`${zone}.`, `ns1.${zone}.`), ...nameServers(zone, both)],
  }))
  const signed = signedZones.map((zone) => ({
    name: zone,
    lines: [soa(`${zone}.`, `ns1.${zone}.`), ...nameServers(zone, { ns1: addresses.ns1 })],
    isSigned: true,
  }))
  const at53 = (address: string) => ({ address, port: 53 })
  const wanted = [
    startKnot(folder.path, "root", at53(addresses.root), [{ name: ".", lines: rootZone }]),
    startKnot(folder.path, "tld", at53(addresses.tld), [{ name: "test", lines: tldZone }]),
    startKnot(folder.path, "ns1", at53(addresses.ns1), [...customerZones, ...signed]),
    startKnot(folder.path, "ns2", at53(addresses.ns2), customerZones),
  ]
  const started = await Promise.allSettled(wanted)
  for (const result of started) if (result.status === "fulfilled") servers.push(result.value)
  const failed = started.find((result) => result.status === "rejected")
  if (failed) {
    await stop()
    throw failed.reason
  }

  const update = async (server: NameServer, name: string, change: string) => {
    const zone = [...zones, ...signedZones].find((candidate) => name === candidate || name.endsWith(`.${candidate}`))
    if (zone === undefined) throw new Error(`${name} lies in none of ${[...zones, ...signedZones].join(", ")}`)
    const isOnBoth = server === "both" && !signedZones.includes(zone)
    const targets = isOnBoth ? [addresses.ns1, addresses.ns2] : [server === 2 ? addresses.ns2 : addresses.ns1]
    for (const target of targets) {
      await runCommand(["knsupdate", "-t", "5"], { input: `server ${target} 53\nzone ${zone}.\n${change}\nsend\nquit\n` })
    }
  }
  return {
    roots: addresses.root,
    addresses,
    spareAddress: (host) => block.address(host),
    publish: (server, name, type, value) => update(server, name, `update add ${name}. ${ttlSeconds} ${type} ${presentation(type, value)}`),
    remove: (server, name, type, value) => {
      const data = type === undefined ? "" : ` ${type}${value === undefined ? "" : ` ${presentation(type, value)}`}`
      return update(server, name, `update del ${name}.${data}`)
    },
    delegate: async (change, zone, type, value) => {
      const data = value === undefined ? "" : ` ${presentation(type, value)}`
      const line = change === "add" ? `update add ${zone}. ${ttlSeconds} ${type}${data}` : `update del ${zone}. ${type}${data}`
      await runCommand(["knsupdate", "-t", "5"], { input: `server ${addresses.tld} 53\nzone test.\n${line}\nsend\nquit\n` })
    },
    signersOf: async (zone) => {
      const out = await runCommand(["keymgr", "-c", join(folder.path, "ns1", "knot.conf"), zone, "ds"], {
        environment: { PATH: `${process.env.PATH ?? ""}:/usr/sbin` },
      })
      return [...out.matchAll(/ DS (\d+ \d+ \d+ [0-9a-f]+)/gi)].map((match) => (match[1] ?? "").toLowerCase())
    },
    ask: askServer,
    stop,
  }
}

/** One query to one server without recursion: `kdig +short` output, or the response code when it is not NOERROR. */
export async function askServer(address: string, name: string, type: string, port = 53): Promise<string> {
  const command = ["kdig", `@${address}`, "-p", String(port), "+norecurse", "+retry=0", "+timeout=3", name, type]
  const full = await runCommand(command)
  const code = /status: (\w+);/.exec(full)?.[1] ?? "NO ANSWER"
  if (code !== "NOERROR") return code
  return (await runCommand([...command, "+short"])).trim()
}

/** Where a program lies, also in the folders of the administrator that a user's PATH may lack. */
export function findProgram(name: string): string | undefined {
  return Bun.which(name, { PATH: `${process.env.PATH ?? ""}:/usr/sbin:/sbin` }) ?? undefined
}

/** One name server with these zones, in a folder of its own below `parent`; anybody on loopback may update and transfer them. */
export async function startKnot(
  parent: string,
  name: string,
  at: { address: string; port: number },
  zones: { name: string; lines: string[]; isSigned?: boolean }[],
): Promise<LabProcess> {
  const { address, port } = at
  const folder = join(parent, name)
  await mkdir(folder)
  const blocks: string[] = []
  for (const [index, zone] of zones.entries()) {
    const file = join(folder, `zone-${index}`)
    await writeFile(file, `$TTL ${ttlSeconds}\n${zone.lines.join("\n")}\n`)
    const signing = zone.isSigned === true ? "    dnssec-signing: on\n    dnssec-policy: lab\n" : ""
    blocks.push(
      `  - domain: "${zone.name}"\n    file: "${file}"\n    acl: anyone-here\n    zonefile-sync: -1\n    journal-content: none\n${signing}`,
    )
  }
  const config = `server:
  rundir: "${folder}"
  listen: ${address}@${port}
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
database:
  storage: "${folder}"
log:
  - target: stderr
    any: info
acl:
  - id: anyone-here
    address: 127.0.0.0/8
    action: [update, transfer]
policy:
  - id: lab
    algorithm: ecdsap256sha256
    single-type-signing: on
zone:
${blocks.join("")}`
  const file = join(folder, "knot.conf")
  await writeFile(file, config)
  const server = await startProcess({
    name: `knotd (${name})`,
    command: [findProgram("knotd") ?? "knotd", "-c", file],
    ready: () => acceptsConnections(address, port),
  })
  try {
    for (const zone of zones) {
      const query = () => askServer(address, zone.name, "SOA", port)
      await waitUntil(async () => (await query()).includes("hostmaster"), { what: `knotd (${name}) to serve ${zone.name}` })
    }
  } catch (error) {
    await server.kill()
    throw new Error(`${String(error)}\n${server.output()}`, { cause: error })
  }
  return server
}

const soa = (zone: string, primary: string) => `${zone} SOA ${primary} hostmaster.test. 1 3600 600 604800 ${ttlSeconds}`

const nameServers = (zone: string, addresses: { ns1: string; ns2?: string }) =>
  Object.entries(addresses).flatMap(([name, address]) => [`${zone}. NS ${name}.${zone}.`, `${name}.${zone}. A ${address}`])

/** Record data as a zone file has it: TXT as quoted character-strings of at most 255 bytes (RFC 1035 section 3.3.14), names absolute. */
export function presentation(type: RecordKind | "DS", value: string): string {
  if (type === "CNAME" || type === "NS" || type === "MX" || type === "SRV") return value.endsWith(".") ? value : `${value}.`
  if (type !== "TXT") return value
  const bytes = new TextEncoder().encode(value)
  const strings: string[] = []
  for (let start = 0; start === 0 || start < bytes.length; start += 255) {
    const quoted = Array.from(bytes.subarray(start, start + 255), (byte) => {
      if (byte === 0x22 || byte === 0x5c) return `\\${String.fromCharCode(byte)}`
      return byte < 0x20 || byte > 0x7e ? `\\${String(byte).padStart(3, "0")}` : String.fromCharCode(byte)
    })
    strings.push(`"${quoted.join("")}"`)
  }
  return strings.join(" ")
}
