import type { Lookup } from "../dns/lookup"
import { list } from "./addresses"
import type { Verdict } from "./check"

const useful = new Set(["answer", "nodata", "nxdomain"])

/** What a walk from the root servers down to a name's own servers came to; `isNeeded` where the house has public names. */
export function checkResolver({ name, zone, answers, via, problem, fault }: Lookup, isNeeded: boolean): Verdict {
  if (via === "doh")
    return {
      status: "warn",
      verdict: `Nothing can be asked from the root servers down; a resolver over HTTPS answers in their place.`,
      remedy: "Let this machine ask name servers at UDP and TCP port 53.",
    }
  const good = answers.filter(({ outcome }) => useful.has(outcome))
  const bad = answers.filter(({ outcome }) => !useful.has(outcome))
  const servers = (some: typeof answers) => [...new Set(some.map(({ server }) => server))]
  if (fault === "no_delegation")
    return {
      status: "warn",
      verdict: `From the root servers down nobody delegates ${name}.`,
      remedy: "If the domain is new, wait for its registrar; else see that it has not expired.",
    }
  if (good.length === 0)
    return {
      status: isNeeded ? "bad" : "warn",
      verdict: `The walk from the root servers to ${name} came to nothing: ${(problem ?? "no name server gave a usable answer").replace(/\.$/, "")}.`,
      remedy:
        zone === undefined
          ? "See whether port 53 is open outward, and FREEHOLD_DNS_ROOTS if it is set."
          : `Ask whoever runs the name servers of ${zone}.`,
    }
  const down = servers(bad).filter((server) => !servers(good).includes(server))
  if (down.length > 0)
    return {
      status: "warn",
      verdict: `Of the name servers of ${zone ?? name}, ${list(down.slice(0, 4))} gave no usable answer.`,
      remedy: `Ask whoever runs the name servers of ${zone ?? name}; what only they know is not seen.`,
    }
  return {
    status: "ok",
    verdict: `From the root servers down to ${zone ?? name}, ${servers(good).length === 1 ? "its name server answers" : `all ${servers(good).length} of its name servers answer`}.`,
  }
}
