import { randomInt } from "node:crypto"
import { encodeQuery } from "../dns/exchange"
import { type Name, WireError } from "../dns/name"
import { exchangeOverTcp, NoReply } from "../dns/tcp"
import { signMessage, TsigFault, type TsigKey, verifyReply } from "../dns/tsig"
import { encodeUpdate, type RawRecord, rawSections, updateCode, updateCodes, type UpdateRecord } from "../dns/update"
import { CLASS_IN } from "../dns/wire"
import { ProviderFault, type Reach } from "./provider"

const timeoutMs = 10_000

export type ServerAnswer = { code: number; authoritative: boolean; answers: RawRecord[]; authorities: RawRecord[] }

/**
 * One name server, asked over TCP with every message signed (RFC 8945). A reply that brings anything is only taken when its signature is right; one
 * that refuses may be unsigned, as servers send it to keys they do not know. Throws ProviderFault.
 */
export class SignedDns {
  private now: () => number
  private reach: Reach

  /** Without `reach` the host is looked up by the system, and reached wherever it is. */
  constructor(
    private server: { host: string; port: number },
    private key: TsigKey,
    options: { reach?: Reach | undefined; now?: (() => number) | undefined } = {},
  ) {
    this.now = options.now ?? Date.now
    this.reach = options.reach ?? (async (host) => host)
  }

  /** Asks without recursion. */
  async query(name: Name, type: number, signal: AbortSignal): Promise<ServerAnswer> {
    const id = randomInt(0x10000)
    const question = refuseMalformed(() => encodeQuery(id, { name, type, class: CLASS_IN }, false))
    const bytes = await this.exchange(question, signal)
    return this.readAs(() => ({ code: updateCode(bytes, id), authoritative: ((bytes[2] ?? 0) & 4) !== 0, ...rawSections(bytes) }))
  }

  /** The response code (RFC 2136 section 2.2) to an update. */
  async update(zone: Name, prerequisites: UpdateRecord[], changes: UpdateRecord[], signal: AbortSignal): Promise<number> {
    const id = randomInt(0x10000)
    const message = refuseMalformed(() => encodeUpdate({ id, zone, prerequisites, changes }))
    const bytes = await this.exchange(message, signal)
    return this.readAs(() => updateCode(bytes, id))
  }

  private async exchange(message: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    const { host, port } = this.server
    const address = await this.reach(host, port)
    const sent = signMessage(message, this.key, this.now())
    try {
      const reply = await exchangeOverTcp({ host: address, port }, sent.bytes, { timeoutMs, signal })
      this.verify(reply, sent.mac)
      return reply
    } catch (error) {
      if (error instanceof NoReply) throw new ProviderFault("unreachable", `the name server ${host} gave no reply: ${error.message}`)
      if (error instanceof WireError) throw this.malformed(error)
      throw error
    }
  }

  private verify(reply: Uint8Array, mac: Uint8Array): void {
    try {
      verifyReply(reply, this.key, mac, this.now())
    } catch (error) {
      if (!(error instanceof TsigFault)) throw error
      // Nothing is done on the word of an unsigned refusal but to give up, so anybody's will do.
      if (error.reason === "unsigned" && isRefusal((reply[3] ?? 0) & 15)) return
      const denied = error.reason === "key" || error.reason === "signature"
      throw new ProviderFault(denied ? "denied" : "unreachable", `the name server ${this.server.host}: ${error.message}`)
    }
  }

  private readAs<T>(read: () => T): T {
    try {
      return read()
    } catch (error) {
      throw error instanceof WireError ? this.malformed(error) : error
    }
  }

  private malformed(error: WireError): ProviderFault {
    return new ProviderFault("unreachable", `the name server ${this.server.host} sent no DNS message: ${error.message}`)
  }
}

const isRefusal = (code: number) =>
  code === updateCodes.FORMERR ||
  code === updateCodes.SERVFAIL ||
  code === updateCodes.NOTIMP ||
  code === updateCodes.REFUSED ||
  code === updateCodes.NOTAUTH

/** Names and values that do not fit into a message are the caller's. */
export function refuseMalformed<T>(encode: () => T): T {
  try {
    return encode()
  } catch (error) {
    throw error instanceof WireError ? new ProviderFault("refused", error.message) : error
  }
}
