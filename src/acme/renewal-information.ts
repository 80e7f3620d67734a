import { AuthorityKeyIdentifierExtension, X509Certificate } from "@peculiar/x509"
import type { RenewalWindow } from "./issuer"
import { type DirectoryTransport, parseRetryAfter } from "./transport"

const SIX_HOURS_MS = 6 * 3_600_000

/** The name of a certificate in renewal information (RFC 9773 section 4.1), or undefined for one without an authority key identifier. */
export function certificateId(chainPem: string): string | undefined {
  const leaf = new X509Certificate(chainPem)
  const authority = leaf.getExtension(AuthorityKeyIdentifierExtension)?.keyId
  if (!authority) return undefined
  return `${Buffer.from(authority, "hex").toString("base64url")}.${Buffer.from(derSerial(leaf.serialNumber), "hex").toString("base64url")}`
}

/** Asks the directory when to renew (RFC 9773 section 4.2); undefined where it offers no renewal information. Throws for what the network does. */
export async function askRenewalWindow(
  transport: DirectoryTransport,
  chainPem: string,
  now: number,
  signal: AbortSignal,
): Promise<RenewalWindow | undefined> {
  const { renewalInfo } = await transport.resources(signal)
  const id = certificateId(chainPem)
  if (typeof renewalInfo !== "string" || id === undefined) return undefined
  const { data, headers } = await transport.request(`${renewalInfo.replace(/\/$/, "")}/${id}`, "get", { signal })
  const { start, end } = (data as { suggestedWindow?: { start?: unknown; end?: unknown } } | null)?.suggestedWindow ?? {}
  const startMs = Date.parse(String(start))
  const endMs = Date.parse(String(end))
  // A window that ends before it starts is to be treated as if there were none (section 4.2).
  if (!Number.isFinite(startMs) || !Number.isFinite(endMs) || endMs <= startMs) return undefined
  // Between a minute and a day, whatever was asked for (section 4.3.2).
  const asked = parseRetryAfter(headers["retry-after"], now) ?? SIX_HOURS_MS
  return { startMs, endMs, retryAfterMs: Math.min(Math.max(asked, 60_000), 86_400_000) }
}

/** The content octets of the serial number: DER puts a zero before a first bit that is set. */
function derSerial(hex: string): string {
  const even = hex.length % 2 ? `0${hex}` : hex
  return Number.parseInt(even.slice(0, 2), 16) >= 0x80 ? `00${even}` : even
}
