import { join } from "node:path"
import { addressesOf, mirrorName, publicOf } from "../checks/addresses"
import { type Check, limited } from "../checks/check"
import { kindOfDomain } from "../checks/domain-kind"
import { checkFreePort } from "../checks/free-port"
import { examineServedHostname } from "../checks/served-hostname"
import { checkStore, storedName } from "../checks/store"
import type { Config } from "../config"
import { migrations } from "../db/migrations/list"
import type { Lookup } from "../dns/lookup"
import { findEngine } from "../engine/sockets"
import type { Origin } from "../given-settings"
import { silentLog } from "../log"
import { problemInWords } from "../problem-words"
import type { SettingKey } from "../settings"
import { resolveHere } from "./checkup"
import { Dns } from "./dns"
import { machineChecks, readCaa } from "./machine-checks"

export type StoppedNeeds = {
  config: Config
  origin: (key: SettingKey) => Origin | undefined
  hostname: string | undefined
  now: () => number
}

/** What can be said of an appliance that does not run: its ports, its machine, and its data folder, in which nothing is changed. Throws `invalid`. */
export async function examineStopped({ config, origin, hostname, now }: StoppedNeeds): Promise<Check[]> {
  const dns = new Dns({ config: { current: config }, hosts: [], challengeKey: "", publicAddresses: () => [], log: silentLog })
  try {
    let asked: Promise<Lookup> | undefined
    const mirror = () => (asked ??= dns.lookup(mirrorName, "TXT"))
    if (hostname !== undefined) return await examineName(hostname, { config, lookup: dns.lookup, mirror, now })
    return await Promise.all([
      ...listeners(config),
      limited("store", () => checkStore(storeOf(config), Object.keys(migrations))),
      ...machineChecks({ config, origin, lookup: dns.lookup, mirror, engine: findEngine(config.containerEngine), now }),
    ])
  } finally {
    await dns.stop()
  }
}

const storeOf = ({ dataDir }: Config) => join(dataDir, "freehold.db")

function listeners({ httpListen, httpsListen, apiListen, sshListen, dnsListen }: Config): Promise<Check>[] {
  const tcp = [
    { name: "http-port", what: "HTTP", setting: "http_listen", listen: httpListen },
    { name: "https-port", what: "HTTPS", setting: "https_listen", listen: httpsListen },
    { name: "api-port", what: "The API", setting: "api_listen", listen: apiListen },
    { name: "ssh-port", what: "SSH", setting: "ssh_listen", listen: sshListen },
    { name: "dns-port", what: "DNS", setting: "dns_listen", listen: dnsListen },
    { name: "dns-udp-port", what: "DNS", setting: "dns_listen", listen: dnsListen, protocol: "udp" as const },
  ]
  return tcp.flatMap(({ name, listen, ...needs }) =>
    listen === undefined ? [] : [limited(name, () => checkFreePort({ ...needs, listen }))],
  )
}

function examineName(
  hostname: string,
  { config, lookup, mirror, now }: { config: Config; lookup: Dns["lookup"]; mirror: () => Promise<Lookup>; now: () => number },
): Promise<Check[]> {
  const { privateZones, publicIpv4, publicIpv6 } = config
  const configured = [publicIpv4, publicIpv6].filter((address) => address !== undefined)
  const known = addressesOf(configured, { answers: [] })
  return examineServedHostname(hostname, {
    privateZones,
    lookup,
    resolve: resolveHere,
    publicAddresses: async () => (publicOf(known).length > 0 ? publicOf(known) : publicOf(addressesOf(configured, await mirror()))),
    ownAddresses: () => known.own,
    lanAddresses: () => known.lan,
    caa: (name) => readCaa(name, kindOfDomain(name, privateZones), { config, lookup }),
    now,
    edge: undefined,
    certificate: async (name) => {
      const store = storeOf(config)
      const found = storedName(store, name) ?? storedName(store, name.replace(/^[^.]+/, "*"))
      if (found === undefined) return undefined
      const { notAfter, failures, problem } = found
      return { notAfter, issuer: undefined, problem: failures > 0 ? problemInWords(problem ?? "") : undefined, nextAttemptAt: undefined }
    },
  })
}
