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

/** What an HTTPS server of the world answered: its status and its own time, in Unix milliseconds to the second, or why there was no answer. */
export type HttpsAnswer = { host: string; askedAt: number; answeredAt: number } & (
  { status: number; serverTime: number | undefined; problem?: undefined } | { problem: string }
)

/** Asks an HTTPS server; never throws. `ca` is PEM of a root beside the usual ones. */
export async function askHttps(url: string, ca?: string, now = Date.now): Promise<HttpsAnswer> {
  const { host } = new URL(url)
  const askedAt = now()
  try {
    const res = await fetch(url, {
      redirect: "manual",
      signal: AbortSignal.timeout(checkLimitMs - 500),
      ...(ca === undefined ? {} : { tls: { ca } }),
    })
    const answeredAt = now()
    await res.body?.cancel()
    const serverTime = Date.parse(res.headers.get("date") ?? "")
    return { host, askedAt, answeredAt, status: res.status, serverTime: Number.isNaN(serverTime) ? undefined : serverTime }
  } catch (error) {
    const problem = error instanceof Error && error.name === "TimeoutError" ? "no answer" : reasonOf(error)
    return { host, askedAt, answeredAt: now(), problem }
  }
}

/** Whether an HTTPS server of the world answers: the one that certifies public names. */
export function checkOutboundHttps(answer: HttpsAnswer, isNeeded: boolean): Verdict {
  const { host } = answer
  if (answer.problem === undefined) {
    if (answer.status < 500) return { status: "ok", verdict: `${host} answers over HTTPS.` }
    return {
      status: "warn",
      verdict: `${host} answers over HTTPS with ${answer.status}.`,
      remedy: "That is likely to pass: look again later.",
    }
  }
  return {
    status: isNeeded ? "bad" : "warn",
    verdict: `${host} cannot be reached over HTTPS (${answer.problem}).${isNeeded ? " No public name can be certified." : ""}`,
    remedy: "Let this machine reach TCP port 443 of the Internet, and see that its clock is right.",
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
