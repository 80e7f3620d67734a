import { lookup } from "node:dns/promises"
import type { ConfigInForce } from "../config"
import type { Db } from "../db/open"
import type { Log } from "../log"
import type { Timeline } from "../timeline/timeline"
import type { Vault } from "../vault"
import { DeliveryStore } from "../webhooks/delivery-store"
import { WebhookService } from "../webhooks/service"
import { WebhookStore } from "../webhooks/store"
import { TargetRule } from "../webhooks/target-rule"

export type WebhookPartNeeds = {
  config: ConfigInForce
  db: Db
  vault: Vault
  /** Where this process itself listens. */
  ownListeners: () => { address: string; port: number }[]
  /** The root of the built-in CA: receivers of the house may have their certificate from it. */
  rootPem: () => Promise<string>
  timeline: Pick<Timeline, "note">
  log: Log
  now: () => number
}

const attemptLimitMs = 5000

/** Webhooks: endpoints, what is delivered to them, and the work of delivering. */
export class Webhooks {
  readonly service: WebhookService
  /** Tries since the start, by what came of them. */
  readonly tries = { delivered: 0, retried: 0, given_up: 0 }
  /** What waits for a try. */
  readonly waiting: DeliveryStore["waiting"]

  constructor({ config, db, vault, ownListeners, rootPem, timeline, log, now }: WebhookPartNeeds) {
    const rule = new TargetRule({
      // May change while running, and counts from the next try on.
      allow: () => config.current.webhookAllow,
      ownListeners,
      resolve: async (host) => (await lookup(host, { all: true })).map(({ address }) => address),
    })
    const deliveries = new DeliveryStore(db)
    this.waiting = () => deliveries.waiting()
    this.service = new WebhookService({
      store: new WebhookStore(db),
      deliveries,
      rule,
      vault,
      extraRoots: async () => [await rootPem()],
      limitMs: attemptLimitMs,
      onTried: ({ endpoint, event }, outcome, { status, nextAttemptAt }) => {
        this.tries[status === "delivered" ? "delivered" : status === "failed" ? "given_up" : "retried"]++
        const { hostname } = JSON.parse(event.data) as { hostname?: unknown }
        if (event.jobId === null || typeof hostname !== "string") return
        const next = nextAttemptAt === null ? "given up" : `tried again at ${new Date(nextAttemptAt).toISOString()}`
        const how = status === "delivered" ? `delivered (${outcome.status})` : `${outcome.error}, ${next}`
        const holder = { personId: endpoint.personId, subject: { kind: "connection" as const, id: event.jobId } }
        timeline.note({ hostname, kind: "webhook", text: `${event.type} to ${new URL(endpoint.url).host}: ${how}`, holder })
      },
      log,
      now,
    })
  }

  start(): void {
    this.service.start()
  }

  stop(): Promise<void> {
    return this.service.stop()
  }
}
