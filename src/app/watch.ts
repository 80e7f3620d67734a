import { lookup } from "node:dns/promises"
import { mailReceiver, ntfyReceiver, type Post, webhookReceiver } from "../alerts/receivers"
import type { Condition, Receiver } from "../alerts/model"
import { Alerts } from "../alerts/service"
import { AlertStore } from "../alerts/store"
import { checkClock, isClockKept } from "../checks/clock"
import type { Verdict } from "../checks/check"
import { inodesLow, spaceOf } from "../checks/disk"
import { shakeHands } from "../checks/handshake"
import { askHttps } from "../checks/outbound"
import type { ServedCounts } from "../checks/served"
import type { Telling } from "../checks/telling"
import type { Config, ConfigInForce } from "../config"
import type { Db } from "../db/open"
import type { Log } from "../log"
import type { Finding } from "../overview/model"
import { ServedNameStore } from "../watchdog/store"
import { exampleOf, type Seen, Watchdog } from "../watchdog/watchdog"
import { Sender } from "../webhooks/sender"
import { TargetRule } from "../webhooks/target-rule"
import { Worker } from "../worker"
import { edgeAt } from "./checkup"
import { httpsPeer } from "./machine-checks"

export type WatchNeeds = {
  config: ConfigInForce
  db: Db
  /** Port of the edge, as it really listens. */
  httpsPort: () => number
  isServed: (hostname: string) => boolean
  /** The name whose certificate serves a host. */
  certifiedBy: (hostname: string) => string
  storedChain: (name: string) => Promise<string | undefined>
  rootPem: () => Promise<string>
  /** What Home tells administrators of the house, and certificates that cannot be renewed. */
  conditions: () => Promise<Finding[]>
  log: Log
  now: () => number
}

const clockEveryMs = 6 * 3_600_000
const sendLimitMs = 15_000

/** Who watches over the house while nobody looks: the watchdog over what the edge serves, the clock, backups, and the alerts. */
export class Watch {
  readonly alerts: Alerts
  private watchdog: Watchdog
  private served: ServedNameStore
  private clock: (Verdict & { at: number }) | undefined
  private clockWorker: Worker
  private post: Post

  constructor(private needs: WatchNeeds) {
    const { config, db, isServed, storedChain, rootPem, conditions, log, now } = needs
    this.served = new ServedNameStore(db)
    this.watchdog = new Watchdog({
      store: this.served,
      stored: storedChain,
      isServed: (name) => isServed(exampleOf(name)),
      shake: (name) => this.shake(name),
      log,
      now,
    })
    // Who is told is the administrator's choice alone, and often stands in the house.
    const rule = new TargetRule({
      allow: () => ["0.0.0.0/0", "::/0"],
      ownListeners: () => [],
      resolve: async (host) => (await lookup(host, { all: true })).map(({ address }) => address),
    })
    const sender = new Sender({ rule, limitMs: sendLimitMs, extraRoots: async () => [await rootPem()] })
    this.post = (url, headers, body, signal) => sender.post(url, headers, body, signal)
    this.alerts = new Alerts({
      store: new AlertStore(db),
      house: config.current.baseDomain,
      conditions: async () => (await conditions()).map(conditionOf),
      receivers: () => this.receivers(config.current),
      log,
      now,
    })
    this.clockWorker = new Worker(
      () => this.lookAtClock(),
      () => (this.clock?.status === "ok" ? clockEveryMs : clockEveryMs / 24),
      log,
      "the clock could not be compared",
    )
  }

  async start(): Promise<void> {
    this.watchdog.start()
    this.clockWorker.start(0)
    this.alerts.start()
  }

  async stop(): Promise<void> {
    await this.alerts.stop()
    await this.clockWorker.stop()
    await this.watchdog.stop()
  }

  /** The certificate of a name was replaced. */
  replaced(name: string): void {
    void this.watchdog.replaced(name)
  }

  /** How a hostname is served now, compared with the store. */
  compare = (hostname: string): Promise<Seen | undefined> => {
    const name = this.needs.certifiedBy(hostname)
    return this.watchdog.look(name, hostname)
  }

  async counts(): Promise<ServedCounts> {
    const counts = await this.served.counts()
    const examples = counts.trouble === 0 ? [] : (await this.served.inTrouble()).slice(0, 3).map(({ hostname }) => hostname)
    return { ...counts, examples, stalledSince: this.watchdog.stalledSince }
  }

  async telling(): Promise<Telling> {
    const { receivers, waiting } = await this.alerts.describe()
    return {
      receivers: receivers.map(({ receiver }) => receiver),
      failing: receivers.flatMap(({ receiver, error }) => (error === null ? [] : [{ receiver, error }])),
      waiting,
      stalledSince: this.alerts.stalledSince,
    }
  }

  /** What else is the matter with the house, for Home and for alerts. */
  async findings(): Promise<{ findings: Finding[]; total: number }> {
    const { trouble } = await this.served.counts()
    const names = trouble === 0 ? [] : await this.served.inTrouble()
    const findings = [...names.map(servedFinding), ...this.ofHouse()]
    return { findings, total: findings.length - names.length + trouble }
  }

  private ofHouse(): Finding[] {
    const { dataDir } = this.needs.config.current
    const findings: Finding[] = []
    const add = (kind: Finding["kind"], name: string, since: number | null, verdict: Verdict) =>
      findings.push(houseFinding(kind, name, since, verdict))
    const { stalledSince } = this.watchdog
    if (stalledSince !== undefined)
      add("watchdog_stalled", "Watchdog", stalledSince, {
        status: "bad",
        verdict: "The watchdog looks at no name any more",
        remedy: "Restart Freehold, and read in its log why the watchdog's turn failed.",
      })
    const space = spaceOf(dataDir)
    if (inodesLow(space))
      add("inodes_low", "Disk", null, {
        status: "warn",
        verdict: `Only ${space.freeFiles} of ${space.files} inodes of the disk are free`,
        remedy: "Delete small files that are not needed, or make the file system with more inodes.",
      })
    if (this.clock !== undefined && this.clock.status !== "ok") add("clock_off", "Clock", this.clock.at, this.clock)
    return findings
  }

  /** A clock that nobody could compare is no trouble. */
  private async lookAtClock(): Promise<void> {
    const { config, now } = this.needs
    // The built-in CA's house may be one that asks nobody outside.
    const answer =
      config.current.acmeDirectory === "internal" ? undefined : await askHttps(httpsPeer(config.current), config.current.acmeCa, now)
    if (answer === undefined || answer.problem !== undefined) return
    const verdict = checkClock(answer, isClockKept())
    this.clock = { ...verdict, at: this.clock !== undefined && this.clock.status !== "ok" ? this.clock.at : now() }
  }

  private shake(serverName: string) {
    return shakeHands(edgeAt(this.needs.config.current, this.needs.httpsPort()), serverName)
  }

  private receivers({ alerts: { webhook, ntfy, mail } }: Config): Receiver[] {
    return [
      ...(webhook === undefined ? [] : [webhookReceiver(webhook, this.post)]),
      ...(mail === undefined ? [] : [mailReceiver(mail, this.needs.rootPem)]),
      ...(ntfy === undefined ? [] : [ntfyReceiver(ntfy.url, ntfy.token, this.post)]),
    ]
  }
}

const conditionOf = ({ kind, severity, subject, since, reason, step }: Finding): Condition => ({
  kind,
  severity,
  subject: subject.name,
  since,
  reason,
  step,
})

const servedFinding = ({
  hostname,
  state,
  detail,
  since,
}: {
  hostname: string
  state: string
  detail: string | null
  since: number
}): Finding => ({
  kind: state === "differs" ? "certificate_differs" : "hostname_unreachable",
  severity: "bad",
  subject: { kind: "house", id: null, name: hostname },
  since,
  reason: detail ?? "it is not served as it should be",
  step:
    state === "differs"
      ? "Restart Freehold, so that the edge reads the store anew; if it stays so, look at its log."
      : `“freehold doctor ${hostname}” says what its visitors meet.`,
})

function houseFinding(kind: Finding["kind"], name: string, since: number | null, { status, verdict, remedy = "" }: Verdict): Finding {
  const reason = `${verdict.charAt(0).toLowerCase()}${verdict.slice(1).replace(/\.$/, "")}`
  return { kind, severity: status === "bad" ? "bad" : "warn", subject: { kind: "house", id: null, name }, since, reason, step: remedy }
}
