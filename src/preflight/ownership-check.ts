import { isWithin } from "../hostname"
import type { Case } from "./case"
import { evidenceOf, valuesOf } from "./lookups"
import type { Finding } from "./report"

const token = /^(cd|edd)-verify-\S+$/

/** An ownership TXT that stands where it is not looked for: at the bare name, at the zone's name, or below the zone's name written twice. */
export async function checkOwnership({ input, lookups, zone }: Case): Promise<Finding[]> {
  const { ownershipName, ownershipValue, hostname } = input
  if (ownershipName === undefined) return []
  const isToken = (value: string) => {
    const bare = value.trim().replace(/^"(.*)"$/, "$1")
    return ownershipValue === undefined ? token.test(bare) : bare === ownershipValue
  }
  const right = await lookups.ask(ownershipName, "TXT")
  if (valuesOf(right).some(isToken)) return []
  const first = ownershipName.slice(0, ownershipName.indexOf("."))
  const places = [hostname, `${ownershipName}.${zone}`, `${first}.${zone}`].filter(
    (place) => place !== ownershipName && isWithin(place, zone),
  )
  const wrong = await Promise.all([...new Set(places)].map((place) => lookups.ask(place, "TXT")))
  const found = wrong.find((lookup) => valuesOf(lookup).some(isToken))
  if (found === undefined) return []
  return [
    {
      code: "challenge_at_wrong_name",
      severity: "blocked",
      sentence: `The TXT record that proves who owns ${hostname} stands at ${found.name}, and is looked for at ${ownershipName}.`,
      fix: `Move the TXT record from ${found.name} to ${ownershipName}; where the form appends the domain by itself, enter only ${relative(ownershipName, zone)}.`,
      evidence: [...evidenceOf(found), ...evidenceOf(right)],
    },
  ]
}

const relative = (name: string, zone: string) => (isWithin(name, zone) && name !== zone ? name.slice(0, -zone.length - 1) : name)
