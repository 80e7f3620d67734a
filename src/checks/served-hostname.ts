import type { DnsLookup } from "../dns/lookup"
import { AppError } from "../errors"
import { canonicalHost } from "../hostname"
import { checkAnswer } from "./answer"
import { type CaaFinding, checkCaa } from "./caa"
import { type Check, limited, type Verdict } from "./check"
import { kindOfDomain } from "./domain-kind"
import type { Place } from "./handshake"
import { checkLimitsFor } from "./limits"
import type { NameAddresses } from "./name-addresses"
import { authoritativeAddresses, judgePrivateName, judgePublicName } from "./name-addresses"
import { checkReach } from "./reach"

/** The certificate that the store has for a name, and what stands in the way of a new one, or what it waits for. Times are Unix milliseconds. */
export type KeptCertificate = {
  notAfter: number | undefined
  issuer: string | undefined
  problem: string | undefined
  nextAttemptAt: number | undefined
  /** A limit keeps the order waiting, and nothing failed. */
  isPutOff?: boolean
}

export type ServedHostnameNeeds = {
  privateZones: readonly string[]
  lookup: DnsLookup["lookup"]
  /** What this machine's own resolver says of a name. */
  resolve: (name: string) => Promise<NameAddresses>
  publicAddresses: () => Promise<string[]>
  /** Those of this machine's own interfaces, public and of the house. */
  ownAddresses: () => string[]
  lanAddresses: () => string[]
  caa: (name: string) => Promise<CaaFinding>
  now: () => number
  /** Undefined where the appliance does not run, so that there is nobody to shake hands with. */
  edge:
    | {
        at: () => Place
        isServed: (name: string) => boolean
        compare: (name: string) => Promise<{ state: string; detail: string | null } | undefined>
      }
    | undefined
  certificate: (name: string) => Promise<KeptCertificate | undefined>
  /** What preflight says of the limits on orders for a name; left out where the books cannot be read. */
  limits?: (name: string) => Promise<Parameters<typeof checkLimitsFor>[1]>
  publicPort?: number
}

/** A preflight asks many servers, so a check that stands on one may take this long. */
export const slowLimitMs = 15_000

/** A hostname that somebody should be served, from outside in: its DNS, who may certify it, its certificate, and what its visitors meet. Throws `invalid`. */
export async function examineServedHostname(raw: string, needs: ServedHostnameNeeds): Promise<Check[]> {
  const name = canonicalHost(raw)
  if (name === undefined) throw new AppError("invalid", `${JSON.stringify(raw.slice(0, 100))} is not a hostname such as app.example.com`)
  const kind = kindOfDomain(name, needs.privateZones)
  const { edge } = needs
  const addresses = kind === "public" ? authoritativeAddresses(needs.lookup, name) : needs.resolve(name)
  const looks: [string, () => Promise<Verdict> | Verdict, number?][] = [
    [
      "address",
      async () =>
        kind === "public"
          ? judgePublicName(name, await addresses, await needs.publicAddresses())
          : kind === "local"
            ? { status: "ok", verdict: `Every device takes ${name} for itself.` }
            : judgePrivateName(name, await addresses, needs.lanAddresses()),
    ],
    ["caa", async () => checkCaa(name, await needs.caa(name)), slowLimitMs],
    ["certificate", async () => judgeKept(name, await needs.certificate(name), needs.now())],
  ]
  const { limits } = needs
  if (limits !== undefined) looks.push(["limits", async () => checkLimitsFor(name, await limits(name))])
  if (edge !== undefined) {
    looks.unshift(["served", () => judgeServed(name, edge.isServed(name))])
    if (edge.isServed(name))
      looks.push(
        ["handshake", async () => judgeHandshake(name, await edge.compare(name)), slowLimitMs],
        ["reach", async () => reachOf(name, kind, (await addresses).addresses, edge.at(), needs), slowLimitMs],
        ["answer", () => checkAnswer(name, edge.at())],
      )
  }
  return Promise.all(looks.map(([of, look, limitMs]) => limited(of, look, limitMs)))
}

const judgeServed = (name: string, isServed: boolean): Verdict =>
  isServed
    ? { status: "ok", verdict: `${name} is one of the names that are served here.` }
    : {
        status: "bad",
        verdict: `${name} is not served here: it is neither mapped and proved, nor connected, nor a name of a running container.`,
        remedy: `Map it (freehold mappings add ${name} …), or see what it still waits for.`,
      }

function judgeKept(name: string, kept: KeptCertificate | undefined, now: number): Verdict {
  const again = kept?.nextAttemptAt === undefined ? "" : `; it is tried again at ${minute(kept.nextAttemptAt)}`
  if (kept?.isPutOff === true && kept.problem !== undefined && (kept.notAfter ?? 0) <= now)
    return {
      status: "warn",
      verdict: `There is no certificate for ${name} yet: ${kept.problem.replace(/\.$/, "")}.`,
      remedy: "Nothing is to be done: it is ordered by itself then.",
    }
  if (kept?.notAfter === undefined)
    return kept?.problem === undefined
      ? {
          status: "warn",
          verdict: `The store has no certificate for ${name}.`,
          remedy: "It is asked for as soon as the name is proved; look again in a minute.",
        }
      : {
          status: "bad",
          verdict: `There is no certificate for ${name}: ${kept.problem.replace(/\.$/, "")}.`,
          remedy: `Mend what it says${again}.`,
        }
  const days = Math.floor((kept.notAfter - now) / 86_400_000)
  if (kept.notAfter <= now)
    return {
      status: "bad",
      verdict: `The certificate of ${name} expired at ${minute(kept.notAfter)}${kept.problem === undefined ? "" : `, for ${kept.problem.replace(/\.$/, "")}`}.`,
      remedy: `Mend what its order says${again}.`,
    }
  if (kept.problem !== undefined)
    return {
      status: days < 7 ? "bad" : "warn",
      verdict: `The certificate of ${name} cannot be renewed, with ${days} days left: ${kept.problem.replace(/\.$/, "")}.`,
      remedy: `Mend what it says${again}.`,
    }
  const by =
    kept.issuer === undefined
      ? ""
      : kept.issuer === "internal"
        ? " by the built-in CA"
        : ` by ${URL.canParse(kept.issuer) ? new URL(kept.issuer).host : kept.issuer}`
  return { status: "ok", verdict: `The store has a certificate${by}, which ends ${minute(kept.notAfter)} and is renewed by itself.` }
}

function judgeHandshake(name: string, seen: { state: string; detail: string | null } | undefined): Verdict {
  if (seen === undefined)
    return { status: "warn", verdict: `The store has no certificate of ${name} to compare with.`, remedy: "Look again when it has one." }
  if (seen.state === "ok") return { status: "ok", verdict: "Our own edge serves it with the certificate of the store." }
  const detail = seen.detail ?? "the edge did not serve it"
  return {
    status: "bad",
    verdict: `${detail.charAt(0).toUpperCase()}${detail.slice(1)}.`,
    remedy:
      seen.state === "differs"
        ? "Restart Freehold, so that every thread of the edge reads the store anew; if it stays so, look at its log."
        : "Look at Freehold's log for the reason, and at the check of port 443.",
  }
}

function reachOf(
  name: string,
  kind: ReturnType<typeof kindOfDomain>,
  addresses: string[],
  edge: Place,
  { ownAddresses, publicPort }: ServedHostnameNeeds,
): Promise<Verdict> {
  const port = publicPort === undefined ? {} : { publicPort }
  return checkReach({ baseDomain: name, kind, addresses, own: ownAddresses(), edge, ...port })
}

const minute = (ms: number) => `${new Date(ms).toISOString().slice(0, 16).replace("T", " ")} UTC`
