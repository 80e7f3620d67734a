import { mkdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { askServer, findProgram } from "../dns"
import { freePort } from "../ports"
import { startProcess, temporaryFolder, waitUntil } from "../process"
import { emptyZone, knotIsIdle, type ZoneServer, zoneServerAt } from "./zone-server"

// Name servers that take updates only from who has a key: one key for the tests' own hands, which may do all, and those of the accounts under test.

export type Key = { name: string; algorithm: "hmac-sha256" | "hmac-sha384" | "hmac-sha512"; secret: string }

export type KeyedServer = {
  zones: string[]
  /** May update `updatable`, and asks for nothing else. */
  keys: Key[]
  updatable: string[]
  /** Only the keys may ask at all. */
  isPrivate?: boolean
  /** Where it listens, if not at a free port of 127.0.0.1. */
  at?: Place
}

type Place = { address: string; port: number }

const admin: Key = {
  name: "admin.test",
  algorithm: "hmac-sha256",
  secret: Buffer.from("the-tests-own-hands-and-nobody-else").toString("base64"),
}
const adminKey = `${admin.algorithm}:${admin.name}:${admin.secret}`

/** Knot on a loopback port; what it asks of queries is up to its own rules, which know no `isPrivate`. */
export async function startKeyedKnot({ zones, keys, updatable, at }: KeyedServer): Promise<ZoneServer> {
  const { folder, port, address } = await place("keyed-knot", zones, at)
  const keyBlock = ({ name, algorithm, secret }: Key) => `  - id: "${name}"\n    algorithm: ${algorithm}\n    secret: "${secret}"\n`
  const ids = keys.map(({ name }) => `"${name}"`).join(", ")
  const zoneBlock = (zone: string) => {
    const acl = updatable.includes(zone) ? "[tests, accounts]" : "[tests]"
    return `  - domain: "${zone}"\n    file: "${join(folder.path, zone)}"\n    acl: ${acl}\n    zonefile-sync: -1\n    journal-content: none\n`
  }
  const config = `server:
  rundir: "${folder.path}"
  listen: ${address}@${port}
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
database:
  storage: "${folder.path}"
log:
  - target: stderr
    any: info
key:
${[admin, ...keys].map(keyBlock).join("")}acl:
  - id: tests
    key: "${admin.name}"
    action: [update, transfer]
  - id: accounts
    key: [${ids}]
    action: update
zone:
${zones.map(zoneBlock).join("")}`
  const file = join(folder.path, "knot.conf")
  await writeFile(file, config)
  const stop = await start("knotd", [findProgram("knotd") ?? "knotd", "-c", file], { folder, address, port, zones })
  return zoneServerAt({ address, port, key: adminKey }, { afterUpdate: knotIsIdle(join(folder.path, "knot.sock")), stop })
}

/** BIND on a loopback port, in the foreground, without a control channel. */
export async function startKeyedBind({ zones, keys, updatable, isPrivate = false, at }: KeyedServer): Promise<ZoneServer> {
  const { folder, port, address } = await place("keyed-bind", zones, at)
  await mkdir(join(folder.path, "cache"))
  const keyBlock = ({ name, algorithm, secret }: Key) => `key "${name}" { algorithm ${algorithm}; secret "${secret}"; };\n`
  const list = (of: Key[]) => of.map(({ name }) => `key "${name}";`).join(" ")
  const zoneBlock = (zone: string) =>
    `zone "${zone}" { type primary; file "${join(folder.path, zone)}"; allow-update { ${list(updatable.includes(zone) ? [admin, ...keys] : [admin])} }; };\n`
  const config = `options {
  directory "${join(folder.path, "cache")}";
  pid-file none;
  session-keyfile none;
  managed-keys-directory "${folder.path}";
  listen-on port ${port} { ${address}; };
  listen-on-v6 { none; };
  recursion no;
  dnssec-validation no;
  notify no;
  allow-transfer { key "${admin.name}"; };
  allow-query { ${isPrivate ? list([admin, ...keys]) : "any;"} };
};
controls { };
${[admin, ...keys].map(keyBlock).join("")}${zones.map(zoneBlock).join("")}`
  const file = join(folder.path, "named.conf")
  await writeFile(file, config)
  const stop = await start("named", [findProgram("named") ?? "named", "-g", "-n", "1", "-c", file], { folder, address, port, zones })
  return zoneServerAt({ address, port, key: adminKey }, { stop })
}

async function place(name: string, zones: string[], at?: Place) {
  const { address, port } = at ?? { address: "127.0.0.1", port: await freePort("127.0.0.1") }
  const folder = await temporaryFolder(name)
  for (const zone of zones) await writeFile(join(folder.path, zone), `$ORIGIN ${zone}.\n$TTL 300\n${emptyZone(zone, address).join("\n")}\n`)
  return { folder, address, port }
}

async function start(
  name: string,
  command: string[],
  at: { folder: { remove(): Promise<void> }; address: string; port: number; zones: string[] },
): Promise<() => Promise<void>> {
  const { folder, address, port, zones } = at
  try {
    const isServed = async () => {
      const answers = await Promise.all(zones.map((zone) => askServer(address, zone, "SOA", port)))
      return answers.every((answer) => answer.includes("hostmaster") || answer === "REFUSED")
    }
    const server = await startProcess({ name, command, ready: () => isServed() })
    await waitUntil(isServed, { what: `${name} to serve its zones` })
    return async () => {
      await server.stop()
      await folder.remove()
    }
  } catch (error) {
    await folder.remove()
    throw error
  }
}
