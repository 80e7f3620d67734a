import type { EngineState } from "../../house/engine-watch"
import { byLabel, counter, type Family, gauge, type Sample } from "../../metrics/family"

type Looks = Record<string, number>

export type WorkReadings = {
  mappingLooks: () => Looks
  connectionLooks: () => Looks
  mappings: () => Promise<Record<string, number>>
  connections: () => Promise<Record<string, number>>
  engine: () => EngineState
  containers: () => Promise<Record<string, number>>
  webhookTries: () => Record<string, number>
  webhooks: () => Promise<{ count: number; firstDueAt: number | undefined }>
  ordersUnderWay: () => number
  attempts: () => Promise<{ waiting: number }>
  timeline: () => { waiting: number; leftOut: number }
  backups: () => { ageSeconds: number | undefined; overdueSeconds: number | undefined; isLastGood: boolean | undefined }
  now: () => number
}

const mappingStates = ["pending", "verified", "failed"]
const connectionStates = [
  "created",
  "pending_ownership",
  "verifying",
  "verified",
  "dns_writing",
  "propagating",
  "stalled",
  "issuing_cert",
  "live",
  "drifted",
  "failed",
  "archived",
]
const containerStates = ["pending", "initializing", "running", "stopped", "failed"]

/** What is done in the background: verification, containers, and what waits in queues. */
export function workFamilies(readings: WorkReadings): Family[] {
  const { mappingLooks, connectionLooks, engine, webhooks, timeline } = readings
  const looks = (subject: string, counts: Looks): Sample[] =>
    Object.entries(counts).map(([result, value]) => ({ labels: { subject, result }, value }))
  return [
    {
      name: "freehold_verification_looks_total",
      help: "Looks for the proof of a hostname, by what it is (mapping or connection) and result: proven, unproven, taken (somebody else proved it first) or error (the look itself failed).",
      labels: ["subject", "result"],
      type: "counter",
      read: () => [...looks("mapping", mappingLooks()), ...looks("connection", connectionLooks())],
    },
    byLabel("gauge", "freehold_mappings", "Mappings of hostnames by status.", "status", async () =>
      whole(mappingStates, await readings.mappings()),
    ),
    byLabel("gauge", "freehold_connections", "Connections of customers' hostnames by state.", "state", async () =>
      whole(connectionStates, await readings.connections()),
    ),
    gauge(
      "freehold_container_engine_up",
      "Whether the container engine answered at the last look, 1 or 0; absent where there is none.",
      () => {
        const { state } = engine()
        return state === "reachable" ? 1 : state === "away" ? 0 : undefined
      },
    ),
    byLabel("gauge", "freehold_containers", "Containers of the engine by state.", "state", async () =>
      whole(containerStates, await readings.containers()),
    ),
    byLabel(
      "gauge",
      "freehold_queue_length",
      "What waits, by queue: webhooks to be delivered, certificate_orders under way, certificate_attempts that will be made again, mappings and connections on their way to be served, and notes for the timeline.",
      "queue",
      async () => {
        const [{ count }, { waiting }, mappings, connections] = await Promise.all([
          webhooks(),
          readings.attempts(),
          readings.mappings(),
          readings.connections(),
        ])
        const unfinished = connectionStates.slice(0, connectionStates.indexOf("live"))
        return {
          webhooks: count,
          certificate_orders: readings.ordersUnderWay(),
          certificate_attempts: waiting,
          mappings: mappings.pending ?? 0,
          connections: unfinished.reduce((sum, state) => sum + (connections[state] ?? 0), 0),
          timeline: timeline().waiting,
        }
      },
    ),
    gauge(
      "freehold_webhook_overdue_seconds",
      "For how long the first of the waiting webhooks should have been sent; 0 where none is late.",
      async () => {
        const { firstDueAt } = await webhooks()
        return firstDueAt === undefined ? 0 : Math.max(0, readings.now() - firstDueAt) / 1000
      },
    ),
    byLabel(
      "counter",
      "freehold_webhook_tries_total",
      "Tries to deliver a webhook by result: delivered, retried (it will be tried again) or given_up.",
      "result",
      readings.webhookTries,
    ),
    gauge(
      "freehold_backup_age_seconds",
      "How old the newest good backup is; absent where there is none.",
      () => readings.backups().ageSeconds,
    ),
    gauge("freehold_backup_last_ok", "Whether the last backup that ended went well, 1 or 0; absent where none did yet.", () => {
      const { isLastGood } = readings.backups()
      return isLastGood === undefined ? undefined : Number(isLastGood)
    }),
    gauge(
      "freehold_backup_overdue_seconds",
      "For how long there should have been another backup; 0 while none is late, absent where none was ever made and none is to be.",
      () => readings.backups().overdueSeconds,
    ),
    counter(
      "freehold_timeline_left_out_total",
      "Notes for the timeline that were left out since too many waited.",
      () => timeline().leftOut,
    ),
  ]
}

const whole = (keys: readonly string[], counts: Record<string, number>) => Object.fromEntries(keys.map((key) => [key, counts[key] ?? 0]))
