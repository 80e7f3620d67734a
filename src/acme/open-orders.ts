import { type Client, crypto as acmeCrypto, type Order } from "acme-client"
import { DirectoryError } from "./transport"

/** An order as it is kept while it is under way; `keyPem` is the key that its certificate will be for. */
export type OpenOrder = { url: string; keyPem: string }

/**
 * Where orders under way live between starts, one a hostname. What is kept goes when the certificate that came of it is kept, so that a process that
 * dies anywhere between takes the same order up again: the CA is asked for one certificate, not two (RFC 8555 section 7.1.3).
 */
export interface OrderJournal {
  load(hostname: string): Promise<OpenOrder | undefined>
  save(hostname: string, order: OpenOrder): Promise<void>
  forget(hostname: string): Promise<void>
}

/** Keeps nothing: each order is made anew. */
export const noJournal: OrderJournal = { load: async () => undefined, save: async () => {}, forget: async () => {} }

/** An order as the CA has it, and the key that its certificate will be for. */
export type PlacedOrder = { order: Order; keyPem: string }

/** The orders of one account, made or taken up. */
export class OpenOrders {
  constructor(private journal: OrderJournal) {}

  /** The order for a hostname that is under way, where the CA still goes on with it. Throws what the directory answers. */
  async resume(client: Client, hostname: string): Promise<PlacedOrder | undefined> {
    const kept = await this.journal.load(hostname)
    if (kept === undefined) return undefined
    const order = await this.underWay(client, kept)
    if (order !== undefined) return { order, keyPem: kept.keyPem }
    await this.journal.forget(hostname)
    return undefined
  }

  /** Nothing comes of the order that is under way: the next attempt makes another. */
  giveUp(hostname: string): Promise<void> {
    return this.journal.forget(hostname)
  }

  /** A new order for a hostname, with a new key for its certificate. Throws what the directory answers. */
  async place(client: Client, hostname: string, replaces?: string): Promise<PlacedOrder> {
    const keyPem = (await acmeCrypto.createPrivateEcdsaKey("P-256")).toString()
    const order = await client.createOrder({ identifiers: [{ type: "dns", value: hostname }], ...(replaces ? { replaces } : {}) })
    // With its key, and before the CA is told anything of it.
    await this.journal.save(hostname, { url: order.url, keyPem })
    return { order, keyPem }
  }

  /** The order as the CA has it, or undefined where it has given it up or does not know it any more. */
  private async underWay(client: Client, kept: OpenOrder): Promise<Order | undefined> {
    try {
      // All that acme-client reads of it is the URL.
      const order = await client.getOrder({ url: kept.url } as Order)
      return order.status === "invalid" ? undefined : order
    } catch (error) {
      const isGone = error instanceof DirectoryError && error.status < 500 && error.status !== 429
      if (isGone && error.type !== "urn:ietf:params:acme:error:accountDoesNotExist") return undefined
      throw error
    }
  }
}
