import type { DomainKind } from "./domain-kind"
import type { Verdict } from "./check"
import { type Handshake, type Place, shakeHands } from "./handshake"

export type ReachNeeds = {
  baseDomain: string
  kind: DomainKind
  /** Public addresses of this server, and those among them that are of its own interfaces. */
  addresses: string[]
  own: string[]
  /** Where the edge listens, as this machine reaches it. */
  edge: Place
  publicPort?: number
}

/**
 * Whether a handshake at the public address comes back to our own edge. From inside success proves more than failure: many routers do not lead their
 * public address back into the house (hairpin NAT), and one that does has shown that the port is forwarded.
 */
export async function checkReach({ baseDomain, kind, addresses, own, edge, publicPort = 443 }: ReachNeeds): Promise<Verdict> {
  const ours = await shakeHands(edge, baseDomain)
  if ("failure" in ours) {
    return {
      status: kind === "public" ? "bad" : "warn",
      verdict: `The edge itself gave no certificate for ${baseDomain} (${ours.reason}).`,
      remedy: "Its certificate may still be on its way: look again in a minute, and at Freehold's log for the reason if it stays so.",
    }
  }
  if (kind !== "public")
    return {
      status: "ok",
      verdict: `The edge answers for ${baseDomain}. It is a name of this ${kind === "local" ? "machine" : "house"} alone, so nobody outside has to reach it.`,
    }
  const address = addresses.find((one) => !one.includes(":")) ?? addresses[0]
  if (address === undefined) {
    return {
      status: "unknown",
      verdict: "Without a public address nothing can be tried.",
      remedy: "Set FREEHOLD_PUBLIC_IPV4, and look again.",
    }
  }
  return judge(await shakeHands({ host: address, port: publicPort }, baseDomain), ours.certificate, {
    address,
    baseDomain,
    port: publicPort,
    isOwn: own.includes(address),
  })
}

type Visit = { address: string; baseDomain: string; port: number; isOwn: boolean }

function judge(met: Handshake, ours: string, { address, baseDomain, port, isOwn }: Visit): Verdict {
  const fromOutside = `open https://${baseDomain}/ from a phone that is not in your Wi-Fi`
  const forward = `Let your router and firewall lead TCP ports 80 and ${port} to this machine`
  if ("failure" in met) {
    const what =
      met.failure === "refused"
        ? "refused the connection"
        : met.failure === "timeout"
          ? "did not answer"
          : `gave no certificate (${met.reason})`
    if (isOwn)
      return {
        status: "bad",
        verdict: `${address} is this machine's own address, and its port ${port} ${what}.`,
        remedy: "Let HTTPS listen at port 443 of every address, FREEHOLD_HTTPS_LISTEN=:443.",
      }
    return {
      status: "unknown",
      verdict: `From inside, port ${port} of ${address} ${what}. That proves little: many routers do not lead their own public address back into the house (hairpin NAT).`,
      remedy: `${forward}, then ${fromOutside}.`,
    }
  }
  if (met.certificate !== ours) {
    return {
      status: "warn",
      verdict: `Port ${port} of ${address} answers with a certificate of ${met.subject}, which is not ours: from inside that is often the router itself.`,
      remedy: `${forward}, then ${fromOutside}: it must not show the router.`,
    }
  }
  if (isOwn)
    return {
      status: "ok",
      verdict: `${address} is this machine's own address, and our edge answers there.`,
      remedy: `The handshake did not leave the machine, so a firewall before it was not tried: ${fromOutside}.`,
    }
  return { status: "ok", verdict: `A handshake with ${address} came back to our edge with our certificate: port ${port} is led here.` }
}
