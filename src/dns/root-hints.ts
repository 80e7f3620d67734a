import { isIPv4, isIPv6 } from "node:net"
import { AppError } from "../errors"
import { canonicalName } from "./name"

/** One address of a root server. */
export type Root = { name: string; address: string; port: number }

const letters: [letter: string, ipv4: string, ipv6: string][] = [
  ["a", "198.41.0.4", "2001:503:ba3e::2:30"],
  ["b", "170.247.170.2", "2801:1b8:10::b"],
  ["c", "192.33.4.12", "2001:500:2::c"],
  ["d", "199.7.91.13", "2001:500:2d::d"],
  ["e", "192.203.230.10", "2001:500:a8::e"],
  ["f", "192.5.5.241", "2001:500:2f::f"],
  ["g", "192.112.36.4", "2001:500:12::d0d"],
  ["h", "198.97.190.53", "2001:500:1::53"],
  ["i", "192.36.148.17", "2001:7fe::53"],
  ["j", "192.58.128.30", "2001:503:c27::2:30"],
  ["k", "193.0.14.129", "2001:7fd::1"],
  ["l", "199.7.83.42", "2001:500:9f::42"],
  ["m", "202.12.27.33", "2001:dc3::35"],
]

/** The root servers of the public DNS, as IANA lists them (https://www.iana.org/domains/root/servers). */
export const ianaRoots: readonly Root[] = letters.flatMap(([letter, ipv4, ipv6]) =>
  [ipv4, ipv6].map((address) => ({ name: `${letter}.root-servers.net`, address, port: 53 })),
)

/** Root servers from `ip[:port],[v6]:port,…` or from the content of a hints file (named.root); throws AppError("invalid") naming what is wrong. */
export function parseRoots(text: string, defaultPort = 53): Root[] {
  const isFile = /[\n;]|\s(A|AAAA|NS)\s/i.test(text.trim())
  const roots = isFile ? parseHints(text, defaultPort) : text.split(",").map((entry) => parseEntry(entry.trim(), defaultPort))
  if (roots.length === 0) throw new AppError("invalid", "the root hints hold no address")
  return roots
}

function parseEntry(entry: string, defaultPort: number): Root {
  if (isIPv6(entry)) return { name: entry, address: entry, port: defaultPort }
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(entry)
  const address = match?.[1] ?? match?.[2] ?? ""
  if (!match || !(match[1] ? isIPv6(address) : isIPv4(address))) {
    throw new AppError(
      "invalid",
      `"${entry}" is not a root server: expected an IP address with or without a port, such as 192.0.2.1:53 or [2001:db8::1]:53`,
    )
  }
  const port = match[3] === undefined ? defaultPort : Number(match[3])
  if (port < 1 || port > 65535) throw new AppError("invalid", `"${entry}" is not a root server: the port must be 1 to 65535`)
  return { name: address, address, port }
}

function parseHints(text: string, defaultPort: number): Root[] {
  const roots: Root[] = []
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const fields = line.replace(/;.*/, "").trim().split(/\s+/)
    if (fields[0] === "") continue
    const match = /^(\S+)(?: \d+)?(?: IN)?(?: \d+)? (A|AAAA|NS) (\S+)$/i.exec(fields.join(" "))
    if (!match) throw new AppError("invalid", `line ${index + 1} of the root hints is not an A, AAAA or NS record`)
    const [, owner = "", type = "", data = ""] = match
    if (type.toUpperCase() === "NS") continue
    if (!(type.toUpperCase() === "A" ? isIPv4(data) : isIPv6(data))) {
      throw new AppError("invalid", `line ${index + 1} of the root hints: "${data}" is not an address of type ${type.toUpperCase()}`)
    }
    roots.push({ name: parseOwner(owner, index + 1), address: data, port: defaultPort })
  }
  return roots
}

function parseOwner(owner: string, line: number): string {
  try {
    return canonicalName(owner)
  } catch {
    throw new AppError("invalid", `line ${line} of the root hints: "${owner}" is not a name`)
  }
}
