import type { DnsLookup } from "../dns/lookup"
import { AppError } from "../errors"
import { canonicalHost, isWithin } from "../hostname"
import { checkAnswer } from "./answer"
import { type Check, limited, type Verdict } from "./check"
import { kindOfDomain } from "./domain-kind"
import type { Place } from "./handshake"
import { authoritativeAddresses, judgePrivateName, judgePublicName, type NameAddresses, recordsFor } from "./name-addresses"

/** What the person who asks has at a hostname. */
export type OwnMapping = {
  status: string
  verifyName: string
  verifyToken: string
  certificate?: { state: string; issuer?: string; not_after?: string; problem?: string; next_attempt_at?: string }
}

export type HostnameNeeds = {
  baseDomain: string
  privateZones: readonly string[]
  lookup: DnsLookup["lookup"]
  /** What this machine's own resolver says of a name. */
  resolve: (name: string) => Promise<NameAddresses>
  publicAddresses: () => Promise<string[]>
  lanAddresses: () => string[]
  /** Throws `invalid` for what can be no mapping's name. */
  parse: (name: string) => string
  mapping: (personId: string, hostname: string) => Promise<OwnMapping | undefined>
  isServed: (hostname: string) => boolean
  prove: (name: string, value: string) => Promise<{ proven: boolean; detail: string }>
  edge: () => Place
}

/** A hostname as it stands on its way to visitors; `records` lead it here, and `url` is where it opens. */
export type HostnameReport = {
  name: string
  kind: "public" | "private"
  url: string
  records: { name: string; type: "A" | "AAAA"; value: string }[]
  checks: Check[]
}

/** Looks at a hostname before it is mapped (`name`, `address`), and after (`proof`, `certificate`, `answer` too). Throws `invalid` for what cannot be mapped. */
export async function examineHostname(raw: string, personId: string, needs: HostnameNeeds): Promise<HostnameReport> {
  const name = parseName(raw, needs)
  const kind = kindOfDomain(name, needs.privateZones) === "private" ? "private" : "public"
  const [mapping, own] = await Promise.all([
    needs.mapping(personId, name),
    kind === "public" ? needs.publicAddresses() : needs.lanAddresses(),
  ])
  const looks: [string, () => Promise<Verdict> | Verdict][] = [
    ["name", () => judgeName(name, kind, mapping, needs)],
    [
      "address",
      async () =>
        kind === "public"
          ? judgePublicName(name, await authoritativeAddresses(needs.lookup, name), own)
          : judgePrivateName(name, await needs.resolve(name), own),
    ],
  ]
  if (mapping !== undefined) {
    if (kind === "public") looks.splice(1, 0, ["proof", () => judgeProof(mapping, needs)])
    looks.push(["certificate", () => judgeCertificate(mapping)])
    if (mapping.status === "verified") looks.push(["answer", () => checkAnswer(name, needs.edge())])
  }
  const checks = await Promise.all(looks.map(([of, look]) => limited(of, look)))
  const { port } = needs.edge()
  // What the world is led to is port 443, wherever the edge really listens.
  const url = `https://${name}${kind === "public" || port === 443 ? "" : `:${port}`}/`
  return { name, kind, url, records: recordsFor(name, kind === "public" ? own : own.slice(0, 1)), checks }
}

function parseName(raw: string, { baseDomain, privateZones, parse }: HostnameNeeds): string {
  const name = canonicalHost(raw)
  const shown = JSON.stringify(raw.slice(0, 100))
  if (name === undefined) throw new AppError("invalid", `${shown} is not a hostname such as app.example.com or app.home.arpa`)
  if (isWithin(name, baseDomain))
    throw new AppError("invalid", `${name} lies in ${baseDomain}, whose names Freehold gives out itself; take one outside of it`)
  if (privateZones.includes(name))
    throw new AppError("invalid", `${name} is a private zone as a whole; take a name below it, such as app.${name}`)
  if (isWithin(name, "localhost"))
    throw new AppError("invalid", `every device takes ${name} for itself; for this house alone take a name such as app.home.arpa`)
  return parse(name)
}

function judgeName(
  name: string,
  kind: "public" | "private",
  mapping: OwnMapping | undefined,
  { isServed, privateZones }: HostnameNeeds,
): Verdict {
  if (mapping !== undefined)
    return {
      status: "ok",
      verdict: `${name} ${mapping.status === "verified" ? "is mapped to your application" : "is mapped as soon as it is proved"}.`,
    }
  if (isServed(name))
    return {
      status: "bad",
      verdict: `${name} is in use here already.`,
      remedy: "Choose another name, or delete the mapping or connection that has it.",
    }
  if (kind === "public")
    return { status: "ok", verdict: `${name} is a public name: a TXT record, shown in a moment, proves that it is yours.` }
  const zone = privateZones.find((one) => isWithin(name, one)) ?? ""
  return {
    status: "ok",
    verdict: `${name} lies in ${zone}, which is this house's own: it needs no proof, and Freehold certifies it by itself.`,
  }
}

async function judgeProof(mapping: OwnMapping, { prove }: HostnameNeeds): Promise<Verdict> {
  if (mapping.status === "verified") return { status: "ok", verdict: "The name is proved to be yours." }
  const { proven, detail } = await prove(mapping.verifyName, mapping.verifyToken)
  if (proven) return { status: "ok", verdict: "The TXT record is there." }
  return {
    status: "warn",
    verdict: `${detail}.`,
    remedy: "Publish the TXT record as it is shown. Nothing waits for caches: the zone's own servers are asked.",
  }
}

function judgeCertificate({ status, certificate }: OwnMapping): Verdict {
  if (status !== "verified") return { status: "unknown", verdict: "It is asked for as soon as the name is proved." }
  if (certificate?.state === "issued") {
    const by = certificate.issuer === "internal" ? "Freehold's own certificate authority" : (certificate.issuer ?? "its issuer")
    return { status: "ok", verdict: `Issued by ${by}, until ${certificate.not_after?.slice(0, 10) ?? "its end"}; it is renewed by itself.` }
  }
  if (certificate?.problem !== undefined)
    return {
      status: "bad",
      verdict: certificate.problem,
      remedy: `It is tried again by itself${certificate.next_attempt_at === undefined ? "" : `, at ${certificate.next_attempt_at.slice(0, 16).replace("T", " ")} UTC`}.`,
    }
  return { status: "unknown", verdict: "It is being obtained." }
}
