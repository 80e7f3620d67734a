import { isWithin } from "../hostname"

/** `public`: the world's DNS has it. `private`: a name of this house. `local`: it leads to the machine itself, wherever it is looked up (RFC 6761 section 6.3). */
export type DomainKind = "public" | "private" | "local"

export function kindOfDomain(name: string, privateZones: readonly string[]): DomainKind {
  if (isWithin(name, "localhost")) return "local"
  return privateZones.some((zone) => isWithin(name, zone)) ? "private" : "public"
}
