import { BlockList, isIPv4 } from "node:net"
import { withoutBlanks } from "../blanks"
import { AppError } from "../errors"
import { canonicalAddress } from "../ip-address"

/** Forwarded entries that are looked at: more proxies in a row than any house has. */
const MAX_ENTRIES = 32

/** The proxies in front of us whose word about a visitor counts, by network. */
export class TrustedProxies {
  // One list a family: in a list of both, `::/0` would take in every IPv4 address as well.
  private v4 = new BlockList()
  private v6 = new BlockList()
  private isEmpty: boolean

  /** `networks` are such as `10.0.0.0/8` or `2001:db8::/32`; one inside `::ffff:0:0/96` is the IPv4 network it stands for; throws `invalid` for any other text. */
  constructor(networks: readonly string[]) {
    this.isEmpty = networks.length === 0
    for (const network of networks) this.add(network)
  }

  /** Whether an address (IPv4, IPv6 or IPv4-mapped) lies in one of the networks; false for what is not an address. */
  includes(address: string): boolean {
    if (this.isEmpty) return false
    const plain = canonicalAddress(address)
    return plain !== undefined && this.covers(plain)
  }

  /**
   * The visitor's address, and the chain to send on as X-Forwarded-For: that address, then the trusted proxies it came through.
   * The header's lines are walked from the right: the first address that is not trusted is the visitor, else the leftmost of at most
   * 32; an entry that is not an address ends the walk, and nothing to its left is believed. A peer that is not trusted is the visitor.
   */
  clientOf(peerAddress: string, forwardedFor: readonly string[]): { address: string; chain: string } {
    // On the way of every request: a system's address is canonical but for the IPv4-mapped ones of a dual-stack listener.
    if (this.isEmpty && !peerAddress.startsWith("::ffff:")) return { address: peerAddress, chain: peerAddress }
    const peer = canonicalAddress(peerAddress) ?? peerAddress
    if (this.isEmpty || forwardedFor.length === 0 || !this.covers(peer)) return { address: peer, chain: peer }
    let [address, chain] = [peer, peer]
    for (const entry of fromTheRight(forwardedFor)) {
      const hop = canonicalAddress(entry)
      if (hop === undefined) break
      address = hop
      chain = `${hop}, ${chain}`
      if (!this.covers(hop)) break
    }
    return { address, chain }
  }

  /** The scheme the visitor used: X-Forwarded-Proto from a trusted peer if it is one word, `http` or `https`, else `own`. */
  protocolOf(peerAddress: string, forwardedProto: readonly string[], own: "http" | "https"): "http" | "https" {
    if (forwardedProto.length !== 1 || !this.includes(peerAddress)) return own
    const word = forwardedProto[0]?.trim().toLowerCase()
    return word === "http" || word === "https" ? word : own
  }

  private add(network: string): void {
    const [base = "", bits = "", more] = network.split("/")
    const address = canonicalAddress(base)
    const width = isIPv4(base) ? 32 : 128
    const length = Number(bits)
    if (address === undefined || more !== undefined || !/^(0|[1-9]\d{0,2})$/.test(bits) || length > width) throw notNetwork(network)
    if (!isIPv4(address)) this.v6.addSubnet(address, length, "ipv6")
    else if (width === 32) this.v4.addSubnet(address, length, "ipv4")
    else if (length >= 96) this.v4.addSubnet(address, length - 96, "ipv4")
    else throw notNetwork(network)
  }

  private covers(canonical: string): boolean {
    return isIPv4(canonical) ? this.v4.check(canonical, "ipv4") : this.v6.check(canonical, "ipv6")
  }
}

/** The entries of the lines of one list field, last first, without splitting what is not looked at. */
function* fromTheRight(lines: readonly string[]): Generator<string> {
  let count = 0
  for (let index = lines.length - 1; index >= 0; index--) {
    const line = lines[index] ?? ""
    for (let end = line.length; end >= 0;) {
      if (count++ === MAX_ENTRIES) return
      const comma = end === 0 ? -1 : line.lastIndexOf(",", end - 1)
      yield withoutBlanks(line.slice(comma + 1, end))
      end = comma
    }
  }
}

function notNetwork(text: string): AppError {
  return new AppError("invalid", `trusted proxies: "${text.slice(0, 60)}" is not a network such as 10.0.0.0/8 or 2001:db8::/32`)
}
