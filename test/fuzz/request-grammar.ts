import type { Random } from "./random"
import {
  codings,
  extensions,
  hosts,
  lengths,
  methods,
  oddFields,
  oddHosts,
  oddMethods,
  oddTargets,
  oddVersions,
  plainFields,
  targets,
  trailers,
} from "./request-words"

/** One request, mostly well-formed, with now and then something wrong in any of its parts; sometimes two of them, one after the other. */
export function randomRequest(random: Random): Buffer {
  const text = oneRequest(random) + (random.oneIn(6) ? oneRequest(random) : "")
  return Buffer.from(random.oneIn(40) ? `\r\n${text}` : text, "latin1")
}

function oneRequest(random: Random): string {
  // How often a part is odd: a request with many faults is refused for the first and tells nothing of the others.
  const odd = () => random.oneIn(30)
  const blank = () => (odd() ? random.pick(["  ", "\t", "", "\x0b", " \t", "\r"]) : " ")
  const eol = () => (random.oneIn(250) ? random.pick(["\n", "\r", "\r\r\n", "\n\r\n", "\r\n\n"]) : "\r\n")
  const method = odd() ? random.pick(oddMethods) : random.pick(methods)
  const target = odd() ? random.pick(oddTargets) : random.oneIn(200) ? `/${"t".repeat(random.below(20_000))}` : random.pick(targets)
  const version = odd() ? random.pick(oddVersions) : "HTTP/1.1"
  const host = odd() ? random.pick(oddHosts) : random.oneIn(4) ? random.pick(hosts) : "app.test"
  const fields = odd() ? [] : [`Host: ${host}`]
  for (let n = random.below(4); n > 0; n--) fields.push(random.pick(plainFields))
  if (random.oneIn(6)) fields.push(random.pick(oddFields))
  if (random.oneIn(150)) fields.push(`X-Large: ${"v".repeat(random.below(40_000))}`)
  if (random.oneIn(300)) fields.push(...Array.from({ length: random.below(160) }, (_, i) => `X-${i}: y`))
  const body = randomBody(random, fields)
  if (random.oneIn(3)) shuffle(random, fields)
  return `${method}${blank()}${target}${blank()}${version}${eol()}${fields.map((field) => field + eol()).join("")}${eol()}${body}`
}

function randomBody(random: Random, fields: string[]): string {
  const kind = random.below(10)
  if (kind < 3) return ""
  const text = randomText(random)
  if (kind < 6) {
    const shift = random.oneIn(12) ? random.below(9) - 4 : 0
    const length = random.oneIn(8) ? random.pick(lengths(text.length)) : String(Math.max(0, text.length + shift))
    fields.push(`Content-Length: ${length}`)
    return text
  }
  fields.push(`${random.oneIn(4) ? "transfer-encoding" : "Transfer-Encoding"}: ${random.oneIn(8) ? random.pick(codings) : "chunked"}`)
  if (random.oneIn(20)) fields.push(`Content-Length: ${random.below(30)}`)
  return chunked(random, text)
}

/** Sometimes the body looks like a request, which is what a desynchronised parser would read next. */
function randomText(random: Random): string {
  if (random.oneIn(5)) return "GET /smuggled HTTP/1.1\r\nHost: app.test\r\n\r\n"
  if (random.oneIn(20)) return "c".repeat(random.below(1500))
  if (random.oneIn(60)) return "b".repeat(random.below(70_000))
  return random.pick(["hello", "x", "", "0\r\n\r\n", "a=b&c=d", "\0\0\0", "\r\n", "\xff\xfe"])
}

function chunked(random: Random, text: string): string {
  let out = ""
  const odd = () => random.oneIn(60)
  const eol = () => (odd() ? random.pick(["\n", "\r", "", "\r\n\r\n", "\n\r"]) : "\r\n")
  for (let at = 0; at < text.length;) {
    const size = Math.min(text.length - at, 1 + random.below(random.oneIn(3) ? 5 : 4000))
    out += chunkSize(random, size) + random.pick(random.oneIn(4) ? extensions : [""]) + eol() + text.slice(at, at + size) + eol()
    at += size
  }
  const last = odd() ? random.pick(["00", "0x0", "-0", "000000000", "", "0 ", "0;a", "+0"]) : "0"
  const trailer = random.oneIn(4) ? random.pick(trailers) : ""
  return `${out}${last}${eol()}${trailer === "" ? "" : trailer + eol()}${eol()}`
}

function chunkSize(random: Random, size: number): string {
  const hex = size.toString(16)
  if (!random.oneIn(20)) return random.oneIn(4) ? hex.toUpperCase() : hex
  return random.pick([
    `0${hex}`,
    `0x${hex}`,
    ` ${hex}`,
    `${hex} `,
    `+${hex}`,
    `-${hex}`,
    `1${hex.padStart(16, "0")}`,
    hex.padStart(17, "0"),
    `${hex}h`,
    `${hex}_`,
    `\t${hex}`,
    `${hex}\x00`,
    "ffffffffffffffff",
    "7fffffff",
  ])
}

function shuffle(random: Random, list: string[]): void {
  for (let i = list.length - 1; i > 0; i--) {
    const j = random.below(i + 1)
    ;[list[i], list[j]] = [list[j]!, list[i]!]
  }
}
