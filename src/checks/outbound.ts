import type { Lookup } from "../dns/lookup"
import { describeError } from "../errors"
import { checkLimitMs, type Verdict } from "./check"

const heard = new Set(["answer", "nodata", "nxdomain"])

/** Whether name servers of the Internet can be asked, by what a look-up there brought; `isNeeded` where the house has public names. */
export function checkOutboundDns(
  { answers, via, problem, fault }: Pick<Lookup, "answers" | "via" | "problem" | "fault">,
  isNeeded: boolean,
): Verdict {
  if (via === "doh")
    return {
      status: "warn",
      verdict: `${problem ?? "Port 53 is closed outward."} What is found may be some minutes old.`,
      remedy: "Let this machine ask name servers at UDP and TCP port 53.",
    }
  if (answers.some(({ outcome }) => heard.has(outcome)))
    return { status: "ok", verdict: "Name servers of the Internet answer this machine." }
  // The root servers answered, or nobody could say so.
  if (fault === "no_delegation") return { status: "ok", verdict: "The root servers answer this machine." }
  if (fault === "port_closed")
    return {
      status: isNeeded ? "bad" : "warn",
      verdict: problem ?? "Port 53 is closed outward.",
      remedy:
        "Let this machine ask name servers at UDP and TCP port 53, or set FREEHOLD_DNS_DOH to a resolver such as https://dns.google/dns-query. Proofs of public names cannot be looked for until then.",
    }
  return {
    status: "warn",
    verdict: problem ?? "No name server gave a usable answer.",
    remedy: "Look again in a moment; if it stays so, see whether port 53 is open outward.",
  }
}

/** Whether an HTTPS server of the world answers: the one that certifies public names. `ca` is PEM of a root beside the usual ones. */
export async function checkOutboundHttps(url: string, isNeeded: boolean, ca?: string): Promise<Verdict> {
  const { host } = new URL(url)
  try {
    const res = await fetch(url, {
      redirect: "manual",
      signal: AbortSignal.timeout(checkLimitMs - 500),
      ...(ca === undefined ? {} : { tls: { ca } }),
    })
    await res.body?.cancel()
    if (res.status < 500) return { status: "ok", verdict: `${host} answers over HTTPS.` }
    return {
      status: "warn",
      verdict: `${host} answers over HTTPS with ${res.status}.`,
      remedy: "That is likely to pass: look again later.",
    }
  } catch (error) {
    const reason = error instanceof Error && error.name === "TimeoutError" ? "no answer" : reasonOf(error)
    return {
      status: isNeeded ? "bad" : "warn",
      verdict: `${host} cannot be reached over HTTPS (${reason}).${isNeeded ? " No public name can be certified." : ""}`,
      remedy: "Let this machine reach TCP port 443 of the Internet, and see that its clock is right.",
    }
  }
}

const reasons: Record<string, string> = {
  ENOTFOUND: "its name was not found",
  EAI_AGAIN: "its name was not found",
  ECONNREFUSED: "the connection was refused",
  ConnectionRefused: "the connection was refused",
}

function reasonOf(error: unknown): string {
  const code = String((error as { code?: unknown }).code ?? "")
  return reasons[code] ?? describeError(error).replace(/\.$/, "")
}
