import type { Lookup, ServerAnswer } from "../dns/lookup"
import type { Case } from "./case"
import { evidenceOf, ownAnswers, serverAt, usefulAnswers } from "./lookups"
import { enumerate, type Finding } from "./report"

/** The zone's name servers: those that do not serve it, and where parent and child name others. Nothing where only a DoH resolver could be asked. */
export async function checkDelegation({ lookups, zone, cname }: Case): Promise<Finding[]> {
  const servers = await lookups.ask(zone, "NS")
  if (servers.via === "doh" || cname.via === "doh") return []
  const findings = lame(zone, servers, cname)
  const mismatch = findMismatch(zone, servers)
  return mismatch === undefined ? findings : [...findings, mismatch]
}

/** Servers that were of no use twice: one lost packet is no finding. */
function lame(zone: string, first: Lookup, second: Lookup): Finding[] {
  const failing = (lookup: Lookup) => new Set(lookup.answers.map(({ server }) => server)).difference(serving(lookup))
  const names = [...failing(first).intersection(failing(second))]
  if (names.length === 0 || (serving(first).size === 0 && serving(second).size === 0)) return []
  const answers = first.answers.filter(({ server }) => names.includes(server))
  const [word, them] = names.length === 1 ? ["does", "it"] : ["do", "them"]
  return [
    {
      code: "lame_server",
      severity: "warning",
      sentence: `${enumerate(names)} ${word} not serve ${zone}, although ${zone} is delegated to ${them}: some look-ups will be slow or fail.`,
      fix: `Have ${enumerate(names)} serve ${zone}, or take ${them} out of the name servers of ${zone} at the registrar.`,
      evidence: evidenceOf({ ...first, answers }),
    },
  ]
}

const serving = (lookup: Lookup) => new Set(usefulAnswers(lookup).map(({ server }) => server))

/** The zone is delegated, and not one of its servers gives an answer. */
export function deadZone(zone: string, lookup: Lookup): Finding {
  const names = [...new Set(lookup.answers.map(({ server }) => server))]
  return {
    code: "lame_server",
    severity: "blocked",
    sentence: `None of the name servers of ${zone} (${enumerate(names)}) answers for it, so nobody finds ${lookup.name}.`,
    fix: `Have these name servers serve ${zone}, or enter the right ones for ${zone} at the registrar.`,
    evidence: evidenceOf(lookup),
  }
}

function findMismatch(zone: string, servers: Lookup): Finding | undefined {
  const answering = servers.answers.filter(({ outcome }) => outcome === "answer")
  if (answering.length === 0) return undefined
  const [parent, child] = [
    [...new Set(servers.answers.map(({ server }) => server))],
    [...new Set(answering.flatMap(({ values }) => values))],
  ]
  const [onlyParent, onlyChild] = [parent.filter((name) => !child.includes(name)), child.filter((name) => !parent.includes(name))]
  if (onlyParent.length === 0 && onlyChild.length === 0) return undefined
  const sides = [
    onlyParent.length === 0 ? "" : `the registrar has ${enumerate(onlyParent)}, which the zone does not name`,
    onlyChild.length === 0 ? "" : `the zone names ${enumerate(onlyChild)}, which the registrar does not have`,
  ]
  return {
    code: "parent_child_ns_mismatch",
    severity: "warning",
    sentence: `The name servers of ${zone} differ between the registrar and the zone itself: ${sides.filter(Boolean).join("; ")}.`,
    fix: `Make the NS records of ${zone} and its name servers at the registrar the same.`,
    evidence: [
      `parent: ${parent.join(", ")}`,
      ...answering.slice(0, 6).map((one) => `${serverAt(one.server, one.address)}: ${one.values.join(", ")}`),
    ],
  }
}

/** Servers of one zone that say different things about one name; `types` are look-ups of it. */
export function findDisagreement(zone: string, types: Lookup[]): Finding | undefined {
  for (const lookup of types) {
    if (lookup.via === "doh") continue
    const groups = Map.groupBy(ownAnswers(lookup), saidBy)
    if (groups.size < 2) continue
    const said = [...groups].map(
      ([what, by]) => `${enumerate([...new Set(by.map(({ server }) => server))])} say${by.length === 1 ? "s" : ""} ${what}`,
    )
    return {
      code: "servers_disagree",
      severity: "warning",
      sentence: `The name servers of ${zone} disagree about the ${lookup.type} record of ${lookup.name}: ${said.join("; ")}.`,
      fix: `Wait until the name servers of ${zone} are in step; if they stay apart, ask whoever runs them why the zone is not transferred.`,
      evidence: evidenceOf(lookup),
    }
  }
  return undefined
}

const saidBy = ({ outcome, values }: ServerAnswer) => (outcome === "answer" ? [...values].sort().join(", ") : "there is none")
