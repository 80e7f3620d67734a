import type { Identity } from "./model"

/** A template as the Domain Connect specification has it (section 5.2); its file is named `<providerId>.<serviceId>.json`. */
export type Template = Record<string, unknown> & { providerId: string; serviceId: string; records: Record<string, unknown>[] }

/** Where connected names lead. */
export type EdgeAddress = { hostname: string; ipv4?: string; ipv6?: string }

/** A TTL in seconds that lets a mistake be corrected soon. */
const ttl = 300

/** The variable of both templates: what follows `cd-verify-` in the value of the ownership challenge. */
export const challengeVariable = "token"

/** The service for names at the zone's apex, where no CNAME may stand. */
export const apexService = (service: string) => `${service}-apex`

/**
 * The templates to register at DNS providers: one for names below the apex, and one for the apex where the edge has an address. The value of the
 * challenge has a fixed beginning, so nobody can write just any TXT record with them.
 */
export function templates(identity: Identity, edge: EdgeAddress): Template[] {
  const { provider, service, name, isSigned, redirectDomain } = identity
  const challenge = {
    type: "TXT",
    host: "_customdomain-challenge",
    data: `cd-verify-%${challengeVariable}%`,
    ttl,
    txtConflictMatchingMode: "Prefix",
    txtConflictMatchingPrefix: "cd-verify-",
  }
  const template = (serviceId: string, hostRequired: boolean, description: string, records: Record<string, unknown>[]): Template => ({
    providerId: provider,
    providerName: name,
    serviceId,
    serviceName: hostRequired ? "Custom domain" : "Custom domain at the apex",
    version: 1,
    description,
    variableDescription: `${challengeVariable}: proves that the domain's owner asked for the connection`,
    syncBlock: false,
    ...(isSigned ? { syncPubKeyDomain: provider } : { warnPhishing: true }),
    syncRedirectDomain: redirectDomain,
    hostRequired,
    records: [...records, challenge],
  })
  const below = template(service, true, "Leads a subdomain to its application", [
    { type: "CNAME", host: "@", pointsTo: edge.hostname, ttl },
  ])
  const addresses = [
    ...(edge.ipv4 === undefined ? [] : [{ type: "A", host: "@", pointsTo: edge.ipv4, ttl }]),
    ...(edge.ipv6 === undefined ? [] : [{ type: "AAAA", host: "@", pointsTo: edge.ipv6, ttl }]),
  ]
  return addresses.length === 0 ? [below] : [below, template(apexService(service), false, "Leads a domain to its application", addresses)]
}
