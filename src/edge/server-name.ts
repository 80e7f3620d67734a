const LABEL = "[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
const NAME = new RegExp(`^(?=.{1,253}$)(?:${LABEL}\\.)+${LABEL}$`)
const IPV4 = /^[0-9.]+$/

/** The canonical hostname of a TLS server name (RFC 6066 section 3), or undefined for one that is missing, an address or malformed. */
export function parseServerName(raw: unknown): string | undefined {
  if (typeof raw !== "string" || raw.length > 254) return undefined
  const name = (raw.endsWith(".") ? raw.slice(0, -1) : raw).toLowerCase()
  return NAME.test(name) && !IPV4.test(name) ? name : undefined
}

const AUTHORITY = /^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?$/

/** The canonical host of a Host field or authority (port taken off), or undefined where it is malformed or carries userinfo (RFC 9110 section 7.2). */
export function parseAuthority(raw: string): string | undefined {
  if (raw.length > 300) return undefined
  const parts = AUTHORITY.exec(raw)
  if (!parts || (parts[2] !== undefined && Number(parts[2]) > 65_535)) return undefined
  const host = parts[1]!.toLowerCase()
  const bare = host.endsWith(".") ? host.slice(0, -1) : host
  return bare === "" || bare.length > 253 || bare.startsWith(".") || bare.includes("..") ? undefined : bare
}
