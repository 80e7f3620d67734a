/** A fault in a DNS message or in a record's text; `message` says what and where, without quoting secrets. */
export class WireError extends Error {
  constructor(message: string) {
    super(message)
    this.name = "WireError"
  }
}

/**
 * A domain name as canonical text: lower case, no trailing dot, the root is the empty string. Any octet other than a letter, digit, hyphen, underscore
 * or asterisk is written `\DDD` (RFC 4343 section 2.1), a dot inside a label too, so that text comparison and `isWithin` can be trusted.
 */
export type Name = string

const PLAIN = /[a-z0-9_*-]/

/** Canonical text of labels given as octets, in the spelling they came in unless `lowerCase`. */
export function nameFromLabels(labels: Uint8Array[], lowerCase = true): Name {
  return labels
    .map((label) =>
      Array.from(label, (octet) => {
        const char = String.fromCharCode(octet)
        if (PLAIN.test(char.toLowerCase()) && octet < 128) return lowerCase ? char.toLowerCase() : char
        return `\\${String(octet).padStart(3, "0")}`
      }).join(""),
    )
    .join(".")
}

/** The labels of a name in presentation form (RFC 1035 section 5.1 escapes); throws WireError where it breaks the limits of section 2.3.4. */
export function labelsOf(text: string): Uint8Array[] {
  if (text === "" || text === ".") return []
  const labels: number[][] = [[]]
  for (let at = 0; at < text.length; at++) {
    let octet = text.charCodeAt(at)
    if (octet === 0x2e) {
      if (at < text.length - 1) labels.push([])
      continue
    }
    if (octet === 0x5c) {
      const digits = /^\d{3}/.exec(text.slice(at + 1, at + 4))
      octet = digits ? Number(digits[0]) : text.charCodeAt(at + 1)
      at += digits ? 3 : 1
    }
    if (!(octet <= 255)) throw new WireError("a name holds a character that is not an octet")
    labels.at(-1)!.push(octet)
  }
  if (labels.some((label) => label.length === 0)) throw new WireError("a name has an empty label")
  if (labels.some((label) => label.length > 63)) throw new WireError("a name has a label of more than 63 octets")
  if (labels.reduce((sum, label) => sum + label.length + 1, 1) > 255) throw new WireError("a name is longer than 255 octets")
  return labels.map((label) => Uint8Array.from(label))
}

/** The octets of a name without compression, in the spelling given; throws WireError. */
export function uncompressed(text: string): Uint8Array {
  const octets: number[] = []
  for (const label of labelsOf(text)) octets.push(label.length, ...label)
  octets.push(0)
  return Uint8Array.from(octets)
}

/** The canonical text of a name in presentation form; throws WireError. */
export const canonicalName = (text: string): Name => nameFromLabels(labelsOf(text))

/** Whether a canonical name is the zone's own name or lies below it. */
export const isWithin = (name: Name, zone: Name): boolean => zone === "" || name === zone || name.endsWith(`.${zone}`)

/** The name without its first label; the parent of a top-level domain, and of the root, is the root. */
export const parentOf = (name: Name): Name => (name.includes(".") ? name.slice(name.indexOf(".") + 1) : "")

/** How many labels a canonical name has. */
export const labelCount = (name: Name): number => (name === "" ? 0 : name.split(".").length)

/** A canonical name for people: the root is shown as a dot. */
export const showName = (name: Name): string => name || "."
