import { Acceptor, type ListenAt } from "./acceptor"
import type { Client } from "./client"
import { ConnectionSet } from "./connection-set"
import type { ListenerOptions } from "./listener"
import { httpsRedirect, plainAnswer } from "./https-redirect"
import { Http1Connection } from "./http1-connection"
import { type OwnAnswer, type RelayContext, relayContext } from "./relay-context"
import type { RequestHead } from "./request-head"
import type { EdgeLoad } from "./thread-messages"

/** What the plain HTTP port is made of: `challenge` answers the key authorization of an HTTP-01 token, `httpsPort` the port to redirect to. */
export type PlainOptions = ListenerOptions & { challenge: (token: string) => string | undefined; httpsPort: () => number }

const CHALLENGE_PATH = "/.well-known/acme-challenge/"

/**
 * Plain HTTP: HTTP-01 challenges (RFC 8555 section 8.3) first, redirects of mapped hosts to HTTPS, 404 for the rest; a host whose route says
 * so is served as it is, for devices that cannot do TLS.
 */
export class PlainListener {
  private context: RelayContext
  private acceptor: Acceptor
  private clients: ConnectionSet<Client>
  private draining = false
  private unwatch: () => void
  private leaveBudget: () => void

  constructor(private options: PlainOptions) {
    const { log, proxies } = options
    this.context = relayContext({ ...options, isDraining: () => this.draining, answer: (head) => this.answer(head) })
    const { limits } = this.context
    this.clients = new ConnectionSet(limits.connections, limits.sweepMs)
    this.unwatch = options.routes.watchRemovals((removed) => {
      for (const client of this.clients) if (removed.has(client.serverName)) client.retire()
    })
    this.leaveBudget = this.context.budget.join({ clients: this.clients, onCut: () => options.traffic?.totals?.connection("cut_off") })
    this.acceptor = new Acceptor({
      limits,
      log,
      budget: this.context.budget,
      proxies,
      totals: options.traffic?.totals,
      hasRoom: () => this.clients.size + this.acceptor.size < (options.maxConnections?.() ?? limits.connections),
      serve: (wire, _, address) => {
        const facts = { serverName: "", address, tls: "" }
        this.clients.add(new Http1Connection(wire, facts, this.context, (gone, successor) => this.clients.delete(gone, successor)))
      },
    })
  }

  get load(): EdgeLoad {
    return { connections: this.clients.size, held: this.context.holds.size }
  }

  /** Listens; throws when the address is taken. Port 0 takes a free one. */
  async start(at: ListenAt): Promise<{ port: number }> {
    return this.acceptor.start(at)
  }

  /** Takes no new connections, lets requests under way finish for at most `ms`, then stops. */
  async drain(ms: number): Promise<void> {
    this.draining = true
    this.acceptor.close()
    this.context.holds.stop()
    for (const client of this.clients) client.drain()
    await this.clients.emptied(ms)
    await this.stop()
  }

  /** Ends everything at once. */
  async stop(): Promise<void> {
    this.draining = true
    this.unwatch()
    this.leaveBudget()
    this.acceptor.stop()
    this.context.holds.stop()
    for (const client of this.clients) client.destroy()
    this.context.sessions.stop()
    this.context.pool.stop()
  }

  private answer(head: RequestHead): OwnAnswer | undefined {
    const token = head.target.startsWith(CHALLENGE_PATH) ? head.target.slice(CHALLENGE_PATH.length) : ""
    const reading = head.method === "GET" || head.method === "HEAD"
    const proof = reading && /^[A-Za-z0-9_-]{1,256}$/.test(token) ? this.options.challenge(token) : undefined
    if (proof !== undefined) {
      const fields = `Content-Type: application/octet-stream\r\nContent-Length: ${proof.length}\r\nCache-Control: no-store`
      return plainAnswer(head, 200, `OK\r\n${fields}`, proof)
    }
    return httpsRedirect(head, this.options.routes, this.options.httpsPort())
  }
}
