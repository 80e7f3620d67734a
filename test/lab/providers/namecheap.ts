import { isIP } from "node:net"
import type { RecordSet, RecordSetType } from "../../../src/providers/provider"
import type { StandInWorld } from "./contract"
import { type StandIn, type StandInCall, startStandIn } from "./stand-in"
import { RecordConflict } from "./zone-server"

// Namecheap's API (https://www.namecheap.com/support/api/methods/): commands with all they need in a query or form, answers in XML with status 200
// whatever they say, domains in pages of at most 100, getHosts that shows all records of a domain with its kind of mail, setHosts that replaces them
// all, TTLs of 60 to 60000 seconds, errors by number.

const usualDomainsAPage = 20
const maxDomainsAPage = 100
const zoneTypes: RecordSetType[] = ["A", "AAAA", "CNAME", "MX", "TXT", "CAA"]
const otherTypes = ["ALIAS", "FRAME", "MXE", "NS", "URL", "URL301"]

/** A host of a type that no zone file can hold. */
export type SpecialHost = { name: string; type: string; address: string; mxPreference: string; ttl: string }

export type NamecheapStandIn = StandIn & {
  /** The kind of mail of each domain, where it is not NONE. */
  emailTypes: Map<string, string>
  /** Hosts that are no records, by domain. */
  special: Map<string, SpecialHost[]>
  /** Domains that use others' name servers. */
  servedElsewhere: Set<string>
  /** How calls that are too many are answered. */
  answerTooMany(how: "status" | "document"): void
}

export async function startNamecheap({ server, zones, foreignZones, credential }: StandInWorld): Promise<NamecheapStandIn> {
  const [apiUser, apiKey, clientIp] = credential.split(":")
  const emailTypes: NamecheapStandIn["emailTypes"] = new Map()
  const special: NamecheapStandIn["special"] = new Map()
  const servedElsewhere = new Set<string>()
  let tooMany: "status" | "document" = "status"

  const answer = async (call: StandInCall): Promise<Response> => {
    if (call.path !== "/xml.response") return new Response("Not Found", { status: 404 })
    const fields = fieldsOf(call)
    const field = (name: string) => fields.get(name.toLowerCase()) ?? ""
    const command = field("Command").toLowerCase()
    if (field("ApiUser") === "") return fault("1010101", "Parameter APIUser is missing")
    if (field("ApiKey") === "") return fault("1010102", "Parameter APIKey is missing")
    if (field("ClientIp") === "") return fault("1010105", "Parameter ClientIP is missing")
    if (field("ApiUser") !== apiUser || field("ApiKey") !== apiKey) return denied()
    if (field("UserName") !== apiUser) return fault("1019103", "UserName is not available")
    if (field("ClientIp") !== clientIp) return fault("1011150", `Invalid request IP: ${field("ClientIp")}`)
    if (command === "namecheap.domains.getlist") return getList(field)
    const domain = `${field("SLD")}.${field("TLD")}`.toLowerCase()
    if (foreignZones.includes(domain)) return fault("2016166", "Domain is not associated with your account")
    if (!zones.includes(domain)) return fault("2019166", "Domain not found")
    if (command === "namecheap.domains.dns.gethosts") return getHosts(domain)
    if (command === "namecheap.domains.dns.sethosts") return setHosts(domain, field)
    return fault("1010104", "Parameter Command is missing")
  }

  const getList = (field: (name: string) => string) => {
    const size = Number(field("PageSize") || usualDomainsAPage)
    const page = Number(field("Page") || 1)
    if (!(size >= 10 && size <= maxDomainsAPage)) return fault("2010324", "PageSize is invalid")
    const shown = zones.slice((page - 1) * size, page * size).map((name, index) => {
      const isOurs = String(!servedElsewhere.has(name))
      return `<Domain ID="${index}" Name="${name}" User="${apiUser}" IsExpired="false" IsLocked="false" AutoRenew="true" IsOurDNS="${isOurs}" />`
    })
    const paging = `<Paging><TotalItems>${zones.length}</TotalItems><CurrentPage>${page}</CurrentPage><PageSize>${size}</PageSize></Paging>`
    return document("domains.getList", `<DomainGetListResult>${shown.join("")}</DomainGetListResult>${paging}`)
  }

  const getHosts = async (domain: string) => {
    if (servedElsewhere.has(domain)) {
      return document("domains.dns.getHosts", `<DomainDNSGetHostsResult Domain="${domain}" IsUsingOurDNS="false" />`)
    }
    const own = (await server.sets(domain)).filter(({ type }) => zoneTypes.includes(type)).flatMap((set) => hostsOf(domain, set))
    const shown = [...own, ...(special.get(domain) ?? [])].map((host, index) => {
      const values = `Name="${inXml(host.name)}" Type="${host.type}" Address="${inXml(host.address)}" MXPref="${host.mxPreference}" TTL="${host.ttl}"`
      return `<host HostId="${index + 12}" ${values} AssociatedAppTitle="" FriendlyName="" IsActive="true" IsDDNSEnabled="false" />`
    })
    const attributes = `Domain="${domain}" EmailType="${emailTypes.get(domain) ?? "NONE"}" IsUsingOurDNS="true"`
    return document("domains.dns.getHosts", `<DomainDNSGetHostsResult ${attributes}>${shown.join("\n")}</DomainDNSGetHostsResult>`)
  }

  const setHosts = async (domain: string, field: (name: string) => string) => {
    if (servedElsewhere.has(domain)) {
      return fault("2030288", "Cannot complete this command as this domain is not using proper DNS servers")
    }
    const sets = new Map<string, RecordSet>()
    const others: SpecialHost[] = []
    for (let number = 1; field(`RecordType${number}`) !== ""; number++) {
      const [name, type, address, mxPreference, ttl] = ["HostName", "RecordType", "Address", "MXPref", "TTL"].map((key) =>
        field(`${key}${number}`),
      )
      const host = { name: name || "@", type: type ?? "", address: address ?? "", mxPreference: mxPreference || "10", ttl: ttl || "1800" }
      const wrong = wrongIn(host)
      if (wrong !== undefined) return fault("2050900", `INVALID_${wrong} : ${number}`)
      if (otherTypes.includes(host.type)) others.push(host)
      else gather(sets, domain, host)
    }
    const emailType = (field("EmailType") || "NONE").toUpperCase()
    const hasMx = [...sets.values()].some(({ type }) => type === "MX")
    if (hasMx !== (emailType === "MX")) return fault("2050900", "MX records and EmailType do not match")
    try {
      await server.change(domain, (present) => {
        const gone = present.filter(({ name, type }) => zoneTypes.includes(type) && !sets.has(`${name} ${type}`))
        return [...gone.map(({ name, type, ttlSeconds }): RecordSet => ({ name, type, ttlSeconds, values: [] })), ...sets.values()]
      })
    } catch (error) {
      if (error instanceof RecordConflict) return fault("3031510", error.message)
      throw error
    }
    special.set(domain, others)
    emailTypes.set(domain, emailType)
    return document("domains.dns.setHosts", `<DomainDNSSetHostsResult Domain="${domain}" IsSuccess="true" />`)
  }

  const standIn = await startStandIn({
    answer,
    isWrite: (call) => (fieldsOf(call).get("command") ?? "").toLowerCase().endsWith(".sethosts"),
    denied,
    rateLimited: () => (tooMany === "status" ? new Response("", { status: 405 }) : fault("500000", "Too many requests")),
    serverError: () => fault("5050900", "Unhandled exceptions"),
  })
  return {
    ...standIn,
    emailTypes,
    special,
    servedElsewhere,
    answerTooMany: (how) => {
      tooMany = how
    },
  }
}

/** What a query or a form has, by names in lower case, since theirs may be of either. */
function fieldsOf(call: StandInCall): Map<string, string> {
  const form = call.method === "POST" ? new URLSearchParams(call.body) : call.query
  return new Map([...form].map(([name, value]) => [name.toLowerCase(), value]))
}

function wrongIn({ type, address, ttl }: SpecialHost): string | undefined {
  if (![...zoneTypes, ...otherTypes].includes(type)) return "RECORD_TYPE"
  if (address === "" || (type === "A" && isIP(address) !== 4) || (type === "AAAA" && isIP(address) !== 6)) return "ADDRESS"
  if (type === "TXT" && address.includes('"')) return "ADDRESS"
  return Number(ttl) >= 60 && Number(ttl) <= 60_000 ? undefined : "TTL"
}

function gather(sets: Map<string, RecordSet>, domain: string, { name: relative, type, address, mxPreference, ttl }: SpecialHost): void {
  const name = relative === "@" ? domain : `${relative}.${domain}`.toLowerCase()
  const kind = type as RecordSetType
  const plain = kind === "CNAME" || kind === "MX" ? address.replace(/\.$/, "") : address
  const value = kind === "MX" ? `${mxPreference} ${plain}` : plain
  const set = sets.get(`${name} ${kind}`) ?? { name, type: kind, ttlSeconds: Number(ttl), values: [] }
  sets.set(`${name} ${kind}`, { ...set, values: [...new Set([...set.values, value])] })
}

const hostsOf = (domain: string, { name, type, ttlSeconds, values }: RecordSet): SpecialHost[] =>
  values.map((value) => {
    const [preference = "", target = ""] = value.split(" ")
    return {
      name: name === domain ? "@" : name.slice(0, -domain.length - 1),
      type,
      // Names are shown with a dot at their end.
      address: type === "MX" ? `${target}.` : type === "CNAME" ? `${value}.` : value,
      mxPreference: type === "MX" ? preference : "10",
      ttl: String(ttlSeconds),
    }
  })

const inXml = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;")

const xml = (status: "OK" | "ERROR", inside: string) =>
  new Response(
    `<?xml version="1.0" encoding="utf-8"?>\n<ApiResponse Status="${status}" xmlns="http://api.namecheap.com/xml.response">\n${inside}\n` +
      "<Server>PHX01APIEXT01</Server><GMTTimeDifference>--5:00</GMTTimeDifference><ExecutionTime>0.1</ExecutionTime></ApiResponse>",
    { headers: { "content-type": "text/xml; charset=utf-8" } },
  )

const document = (command: string, inside: string) =>
  xml(
    "OK",
    `<Errors /><Warnings /><RequestedCommand>namecheap.${command}</RequestedCommand><CommandResponse Type="namecheap.${command}">${inside}</CommandResponse>`,
  )

const fault = (number: string, message: string) =>
  xml("ERROR", `<Errors><Error Number="${number}">${inXml(message)}</Error></Errors><Warnings /><RequestedCommand />`)

const denied = () => fault("1011102", "API Key is invalid or API access has not been enabled")
