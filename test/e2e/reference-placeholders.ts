import type { Example } from "../../src/http/reference/example"

/** Fields of JSON whose values are secrets, or made by chance. */
const secrets = new Set([
  "token",
  "auth_token",
  "challenge_token",
  "challenge",
  "secret",
  "signing_secret",
  "ticket",
  "digest",
  "verify_token",
])

/** Longer lists say nothing more. */
const mostItems = 3

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null && !Array.isArray(value)

const isNoDisk = (one: unknown) => !(isObject(one) && String(one.kind).startsWith("disk_"))

/** The same examples in each run: what differs is replaced, `hidden` first. */
export function normalised(examples: Record<string, Example>, hidden: ReadonlyMap<string, string>): Record<string, Example> {
  const text = JSON.stringify(examples, (key, value: unknown) => {
    if (typeof value === "string" && secrets.has(key) && value !== "a-token-of-the-provider") return `<${key}>`
    if (key === "uri")
      return "otpauth://totp/cloud.example.com:ada?secret=<secret>&issuer=cloud.example.com&period=30&digits=6&algorithm=SHA1"
    if (key === "mailto") return "mailto:ada@customer.com?subject=…&body=…"
    if (key === "duration_ms") return 12
    if (["capacity_bytes", "free_bytes", "floor_bytes"].includes(key)) return 1_000_000_000_000
    if (key === "origins" && Array.isArray(value)) return value.slice(0, 1)
    if (key === "attention" && Array.isArray(value)) return value.filter(isNoDisk).slice(0, mostItems)
    // How full the machine's disk is, and how many of the platform's own names have a certificate by then, is chance.
    if (isObject(value) && Array.isArray(value.attention)) return { ...value, attention_total: value.attention.filter(isNoDisk).length }
    if (isObject(value) && "total" in value && "failing" in value) return { ...value, total: 9 }
    if (key === "certificates" && typeof value === "number") return 9
    if (key === "total_bytes") return 2_000_000_000_000
    if (key === "memory_bytes") return 200_000_000
    if (key === "uptime_seconds") return 3600
    if (key === "lan_addresses") return ["192.168.1.10"]
    if (key === "runtime") return "Bun"
    // Where the tests have it built.
    if (isObject(value) && "on_disk" in value) return { ...value, path: "/usr/local/bin/freehold", installed: "install", on_disk: "same" }
    if (key === "version" && typeof value === "string") return "1.0.0"
    if (key === "serial" && typeof value === "string") return "04A1"
    if (key === "last4") return "wxyz"
    // Whether the first look was over by then is chance.
    if (key === "last_scrub") return { started_at: 1_795_953_600, finished_at: 1_795_953_600, objects: 0, bytes: 0, faults: 0 }
    return Array.isArray(value) ? value.slice(0, mostItems) : value
  })
  return JSON.parse(patterns.reduce((now, replace) => replace(now), hide(text, hidden))) as Record<string, Example>
}

function hide(text: string, hidden: ReadonlyMap<string, string>): string {
  // The longest first, so that none is cut by one within it.
  const known = [...hidden].sort(([a], [b]) => b.length - a.length)
  return known.reduce(
    (now, [value, placeholder]) => now.replace(new RegExp(`(?<![\\w-])${RegExp.escape(value)}(?![\\w])`, "g"), placeholder),
    text,
  )
}

/** Each value of a form by the order in which it comes. */
function numbered(pattern: RegExp, placeholder: (n: number) => string): (text: string) => string {
  return (text) => {
    const seen = new Map<string, string>()
    return text.replace(pattern, (value) => {
      const known = seen.get(value) ?? placeholder(seen.size + 1)
      seen.set(value, known)
      return known
    })
  }
}

const same =
  (pattern: RegExp, placeholder: string) =>
  (text: string): string =>
    text.replace(pattern, placeholder)

const patterns: ((text: string) => string)[] = [
  same(/\b([0-9A-F]{2}:){31}[0-9A-F]{2}\b/g, "AB:CD:EF"),
  same(/[\w-]*eyJ[\w-]+\.[\w-]+\.[\w-]+/g, "<token>"),
  same(/\bsk_(test|live)_\w+/g, "sk_$1_<secret>"),
  same(/\bwhsec_\w+/g, "whsec_<secret>"),
  same(/\bcd-verify-[0-9a-f]{40}/g, "cd-verify-<challenge>"),
  same(/\bedd-verify-[0-9a-f]{40}/g, "edd-verify-<challenge>"),
  numbered(/\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, (n) => `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`),
  same(/\b20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, "2026-11-29T12:00:00.000Z"),
  same(/\b20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ/g, "2026-11-29T12:00:00Z"),
  same(/(?<=[":,[ =])1[789]\d{8}\b/g, "1795953600"),
  same(/(?<="id":)\d+(?=,"time":)/g, "412"),
  same(/(?<=\\"id\\":)\d+(?=,\\"time\\":)/g, "412"),
  same(/(?<=")\w+\.[\w-]{22}(?=")/g, "<state>"),
  same(/(?<=built-in CA )[0-9a-f]{8}\b/g, "0a1b2c3d"),
  same(/:443(?=\/)/g, ""),
  same(/(?<="https:\/\/[a-z0-9.-]+):443(?=")/g, ""),
  same(/(?<=")[a-z0-9]{4}(-[a-z0-9]{4}){3}(?=")/g, "abcd-efgh-ijkl-mnop"),
  same(/signature=[\w%-]+/g, "signature=<signature>"),
  same(/-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----/g, "-----BEGIN CERTIFICATE-----…-----END CERTIFICATE-----"),
  same(/(?<=")(?=[\w-]*\d)(?=[\w-]*[a-z])(?=[\w-]*[A-Z])[\w-]{16,}(?=\\?")/g, "<random>"),
]
