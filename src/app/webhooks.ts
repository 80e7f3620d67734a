import { lookup } from "node:dns/promises"
import type { ConfigInForce } from "../config"
import type { Db } from "../db/open"
import type { Log } from "../log"
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
  log: Log
  now: () => number
}

const attemptLimitMs = 5000

/** Webhooks: endpoints, what is delivered to them, and the work of delivering. */
export class Webhooks {
  readonly service: WebhookService

  constructor({ config, db, vault, ownListeners, rootPem, log, now }: WebhookPartNeeds) {
    const rule = new TargetRule({
      // May change while running, and counts from the next try on.
      allow: () => config.current.webhookAllow,
      ownListeners,
      resolve: async (host) => (await lookup(host, { all: true })).map(({ address }) => address),
    })
    this.service = new WebhookService({
      store: new WebhookStore(db),
      deliveries: new DeliveryStore(db),
      rule,
      vault,
      extraRoots: async () => [await rootPem()],
      limitMs: attemptLimitMs,
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
