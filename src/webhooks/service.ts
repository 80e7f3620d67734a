import type { WebhookEndpointRow } from "../db/webhook-schema"
import { AppError } from "../errors"
import type { Log } from "../log"
import { page, type Page, parsePage } from "../paging"
import type { Vault } from "../vault"
import { Worker } from "../worker"
import { Deliverer } from "./deliverer"
import { DeliveryStore } from "./delivery-store"
import {
  attemptReply,
  type Caller,
  type DeliveryDetail,
  type DeliveryReply,
  deliveryReply,
  endpointReply,
  type EndpointReply,
  type NewEvent,
  parseChange,
  parseEnvironment,
  parseStatus,
} from "./model"
import { Sender } from "./sender"
import { newSigningSecret } from "./signature"
import { type Handle, WebhookStore } from "./store"
import { TargetRefused, TargetRule } from "./target-rule"

/** What webhooks need of the rest of the house, wired in `app/webhooks.ts`. */
export type WebhookNeeds = {
  store: WebhookStore
  deliveries: DeliveryStore
  rule: TargetRule
  vault: Vault
  /** PEM roots that receivers' certificates may come from besides the usual ones. */
  extraRoots: () => Promise<string[]>
  /** For one whole try; 5 s by the API's document. */
  limitMs: number
  log: Log
  now: () => number
}

export type Query = Record<string, string | undefined>

const maxEndpoints = 50
const maxTests = 10
const atOnce = { all: 32, perEndpoint: 4 }
const keptMs = 30 * 86_400_000
const keptPerEndpoint = 1000
const sweepPauseMs = 600_000
const sweepStep = 500

/** People's webhook endpoints and what is delivered to them. */
export class WebhookService {
  private deliverer: Deliverer
  private sweeper: Worker | undefined

  constructor(private needs: WebhookNeeds) {
    const { deliveries: store, rule, limitMs, extraRoots, log, now } = needs
    const sender = new Sender({ rule, limitMs, extraRoots })
    this.deliverer = new Deliverer({
      store,
      post: (...request) => sender.post(...request),
      secret: ({ id, sealedSecret }) => needs.vault.open(sealedSecret, place(id)),
      atOnce,
      log,
      now,
    })
  }

  /** Begins to deliver, with what an end left over. */
  start(): void {
    this.deliverer.start()
    this.sweeper = new Worker(
      (signal) => this.sweep(signal),
      () => sweepPauseMs,
      this.needs.log,
      "old webhook deliveries could not be removed",
    )
    this.sweeper.start()
  }

  async stop(): Promise<void> {
    await Promise.all([this.deliverer.stop(), this.sweeper?.stop()])
  }

  /** Writes an event down for those who asked for it, within the caller's transaction; after its commit the caller kicks. Answers for how many. */
  enqueue(db: Handle, event: NewEvent): Promise<number> {
    return this.needs.store.enqueue(db, event)
  }

  /** Says that something may be due; returns at once. */
  kick(): void {
    this.deliverer.kick()
  }

  async list(caller: Caller, query: Query): Promise<Page<EndpointReply>> {
    const { limit, after } = parsePage(query)
    return page(await this.needs.store.list(caller, after, limit + 1), limit, endpointReply)
  }

  /** Throws `not_found`. */
  async find(caller: Caller, id: string): Promise<EndpointReply> {
    return endpointReply(await this.endpoint(caller, id))
  }

  /** With the signing secret, which is shown this once. Throws `invalid`, and `conflict` past fifty. */
  async create(caller: Caller, body: Record<string, unknown>): Promise<EndpointReply & { signing_secret: string }> {
    const environment = parseEnvironment(body.environment, caller.environment)
    const { url, events = [] } = parseChange(body)
    if (url === undefined) throw new AppError("invalid", "url is required")
    await this.checkTarget(url)
    const [id, secret] = [crypto.randomUUID(), newSigningSecret()]
    const row: WebhookEndpointRow = {
      id,
      personId: caller.personId,
      environment,
      url,
      events: JSON.stringify(events),
      sealedSecret: this.needs.vault.seal(secret, place(id)),
      createdAt: this.needs.now(),
      disabledAt: null,
    }
    if (!(await this.needs.store.insert(row, maxEndpoints)))
      throw new AppError("conflict", `no more than ${maxEndpoints} webhook endpoints`)
    return { ...endpointReply(row), signing_secret: secret }
  }

  /** What waits for a disabled endpoint is sent when it is enabled again. Throws `invalid` and `not_found`. */
  async change(caller: Caller, id: string, body: Record<string, unknown>): Promise<EndpointReply> {
    const { url, events, disabled } = parseChange(body)
    if (url === undefined && events === undefined && disabled === undefined)
      throw new AppError("invalid", "nothing to change: url, events and disabled can be")
    await this.endpoint(caller, id)
    if (url !== undefined) await this.checkTarget(url)
    const row = await this.needs.store.change(caller, id, {
      ...(url === undefined ? {} : { url }),
      ...(events === undefined ? {} : { events: JSON.stringify(events) }),
      ...(disabled === undefined ? {} : { disabledAt: disabled ? this.needs.now() : null }),
    })
    if (row === undefined) throw noEndpoint()
    this.kick()
    return endpointReply(row)
  }

  /** The next try is signed with the new secret. Throws `not_found`. */
  async rotateSecret(caller: Caller, id: string): Promise<EndpointReply & { signing_secret: string }> {
    const secret = newSigningSecret()
    const row = await this.needs.store.change(caller, id, { sealedSecret: this.needs.vault.seal(secret, place(id)) })
    if (row === undefined) throw noEndpoint()
    return { ...endpointReply(row), signing_secret: secret }
  }

  /** Its deliveries go with it. Throws `not_found`. */
  async delete(caller: Caller, id: string): Promise<void> {
    if (!(await this.needs.store.delete(caller, id))) throw noEndpoint()
  }

  /** Sends `webhook.test` to one endpoint, whatever events it asked for. Throws `not_found`, and `conflict` for a disabled one or past ten unsent tests. */
  async test(caller: Caller, id: string): Promise<DeliveryReply> {
    const endpoint = await this.endpoint(caller, id)
    if (endpoint.disabledAt !== null) throw disabled()
    const delivery = await this.needs.store.enqueueTest(endpoint, maxTests, this.needs.now())
    if (delivery === undefined) throw new AppError("conflict", `${maxTests} test events are still on their way to this endpoint`)
    const reply = deliveryReply(await this.delivery(caller, delivery))
    this.kick()
    return reply
  }

  /** The newest first; by `endpoint_id`, `status` and `job_id` where they are given. Throws `invalid`. */
  async deliveries(caller: Caller, query: Query): Promise<Page<DeliveryReply>> {
    const { limit, after } = parsePage(query)
    const filter = { endpointId: query.endpoint_id, status: parseStatus(query.status), jobId: query.job_id }
    return page(await this.needs.deliveries.list(caller, filter, after, limit + 1), limit, deliveryReply)
  }

  /** Throws `not_found`. */
  async findDelivery(caller: Caller, id: string): Promise<DeliveryDetail> {
    const row = await this.delivery(caller, id)
    const { data, attempts } = await this.needs.deliveries.history(row)
    return { ...deliveryReply(row), data: JSON.parse(data) as unknown, history: attempts.map(attemptReply) }
  }

  /** Sends the same event again, with as many tries as a new one. Throws `not_found`, and `conflict` when the endpoint is disabled. */
  async replay(caller: Caller, id: string): Promise<DeliveryReply> {
    if (!(await this.needs.deliveries.replay(caller, id, this.needs.now()))) {
      await this.delivery(caller, id)
      throw disabled()
    }
    const reply = deliveryReply(await this.delivery(caller, id))
    this.kick()
    return reply
  }

  /** Removes what is older than thirty days or beyond the thousand newest of its endpoint, and events that nobody waits for. */
  async sweep(signal: AbortSignal): Promise<void> {
    const { deliveries, log, now } = this.needs
    const full = async (step: () => Promise<number>) => {
      while (!signal.aborted && (await step()) === sweepStep) continue
    }
    await full(() => deliveries.pruneOld(now() - keptMs, sweepStep))
    let unsent = 0
    await full(async () => {
      const pruned = await deliveries.pruneSurplus(keptPerEndpoint, sweepStep)
      unsent += pruned.unsent
      return pruned.removed
    })
    if (unsent > 0) log.warn("webhooks were dropped unsent: more were waiting for an endpoint than are kept", { count: unsent })
    await full(() => deliveries.pruneEvents(sweepStep))
  }

  /** Says at once what would fail at every try; a name that has no address yet may have one later. */
  private async checkTarget(url: string): Promise<void> {
    const { rule, limitMs } = this.needs
    const looked = rule.target(url).catch((error) => {
      if (error instanceof TargetRefused) throw new AppError("invalid", `url: ${error.message}`)
    })
    let timer: Timer | undefined
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, limitMs)))
    await Promise.race([looked, late]).finally(() => clearTimeout(timer))
  }

  private async endpoint(caller: Caller, id: string): Promise<WebhookEndpointRow> {
    const row = await this.needs.store.find(caller, id)
    if (row === undefined) throw noEndpoint()
    return row
  }

  private async delivery(caller: Caller, id: string) {
    const row = await this.needs.deliveries.find(caller, id)
    if (row === undefined) throw new AppError("not_found", "webhook delivery not found")
    return row
  }
}

const place = (id: string) => `webhook_endpoints/${id}`

const noEndpoint = () => new AppError("not_found", "webhook endpoint not found")

const disabled = () => new AppError("conflict", "the webhook endpoint is disabled")
