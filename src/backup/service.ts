import { AppError, describeError } from "../errors"
import type { Log } from "../log"
import { Worker } from "../worker"
import { type BackupFile, filesAt } from "./files-at"
import { lastBackup } from "./last-backup"
import { lateSince } from "./lateness"
import { isLocked } from "./lock"
import type { ObjectsPlace } from "./manifest"
import { type BackupRun, noteFailure, readRuns } from "./run-record"
import type { S3Access } from "./s3-bucket"
import { dueAt, failures, lastGood, overdueSince } from "./schedule"
import type { SealKey } from "./seal"

/** How and where to backups are made, as the settings say it. */
export type BackupPlan = {
  to: string | undefined
  everyMs: number | undefined
  key: SealKey | undefined
  keep: number
  objects: ObjectsPlace
  volumes: boolean
  s3: S3Access | undefined
}

/** How a process that made a backup ended: `problem` is what it said where it did not go well. */
export type Ended = { problem: string | undefined }

export type BackupsNeeds = {
  dataDir: string
  plan: () => BackupPlan
  /** Makes one backup as the settings say, in a process of its own; the signal ends it. */
  make: (signal: AbortSignal) => Promise<Ended>
  onChanged: () => void
  log: Log
  now: () => number
  lookEveryMs?: number
}

/** What is wrong with backups, for those who look after the server. */
export type BackupTrouble = { kind: "failed" | "overdue"; severity: "bad" | "warn"; since: number; reason: string }

/** All that is known of backups. Times are ISO 8601. */
export type BackupsView = {
  to: string | null
  every_seconds: number | null
  keep: number
  objects: ObjectsPlace
  volumes: boolean
  encryption: { kind: "recipient"; recipients: string[] } | { kind: "passphrase" } | null
  s3: { endpoint: string; region: string; style: string } | null
  is_running: boolean
  last_good_at: string | null
  next_at: string | null
  is_overdue: boolean
  runs: BackupRun[]
  files: (BackupFile & { age_seconds: number })[]
  /** Why the files are not told. */
  files_problem: string | null
}

/** What watchers are told of backups. */
export type BackupFigures = {
  /** Of the newest good one; undefined while there is none. */
  ageSeconds: number | undefined
  /** For how long there should have been another one; undefined where nobody ever made one and nobody is to. */
  overdueSeconds: number | undefined
  /** Whether the last one that ended went well; undefined while none did. */
  isLastGood: boolean | undefined
}

const listLimitMs = 10_000

/** Backups that this server makes by itself, and what administrators see of all of them. */
export class Backups {
  private worker: Worker
  private startedAt: number
  private running: Promise<void> | undefined
  private ending = new AbortController()

  constructor(private needs: BackupsNeeds) {
    const { lookEveryMs = 30_000, log, now } = needs
    this.startedAt = now()
    this.worker = new Worker(
      () => this.tick(),
      () => Math.min(lookEveryMs, needs.plan().everyMs ?? lookEveryMs),
      log,
      "looking whether a backup is due failed",
    )
  }

  start(): void {
    this.worker.start()
  }

  /** A backup under way is ended: what it left half done goes at the next one. */
  async stop(): Promise<void> {
    this.ending.abort()
    await this.worker.stop()
    await this.running
  }

  /** Begins a backup as the settings say. Throws `invalid` where they name no destination, `conflict` while one is under way. */
  begin(): { to: string; started_at: string } {
    const { dataDir, plan, now } = this.needs
    const { to } = plan()
    if (to === undefined) throw new AppError("invalid", "no destination is set: backup_to names a folder, or s3://bucket/prefix")
    if (this.running !== undefined || isLocked(dataDir))
      throw new AppError("conflict", "a backup is under way: wait until it has ended, or look at it with GET /admin/backups")
    if (this.ending.signal.aborted) throw new AppError("unavailable", "the server is being stopped")
    const startedAt = new Date(now()).toISOString()
    this.running = this.run(to, startedAt).finally(() => (this.running = undefined))
    return { to, started_at: startedAt }
  }

  /** Settings without their secrets, what was done, what is to be done, and what lies at the destination. */
  async view(): Promise<BackupsView> {
    const { dataDir, now } = this.needs
    const { to, everyMs, key, keep, objects, volumes, s3 } = this.needs.plan()
    const runs = this.runs()
    const good = lastGood(runs)
    const files = to === undefined ? [] : await this.files(to)
    return {
      to: to ?? null,
      every_seconds: everyMs === undefined ? null : Math.round(everyMs / 1000),
      keep,
      objects,
      volumes,
      encryption:
        key === undefined ? null : "recipients" in key ? { kind: "recipient", recipients: key.recipients } : { kind: "passphrase" },
      s3: s3 === undefined || to?.startsWith("s3:") !== true ? null : { endpoint: s3.endpoint, region: s3.region, style: s3.style },
      is_running: this.running !== undefined || isLocked(dataDir),
      last_good_at: good?.started_at ?? null,
      next_at: everyMs === undefined ? null : new Date(Math.max(dueAt(runs, everyMs, this.startedAt, now()), now())).toISOString(),
      is_overdue: everyMs !== undefined && overdueSince(runs, everyMs, this.startedAt, now()) !== undefined,
      runs: readRuns(dataDir),
      files: typeof files === "string" ? [] : files,
      files_problem: typeof files === "string" ? files : null,
    }
  }

  /** What an administrator has to look at. Reads one small file. */
  trouble(): BackupTrouble | undefined {
    const { plan, now } = this.needs
    const { to, everyMs } = plan()
    if (to === undefined) return this.troubleOfOthers()
    const runs = this.runs().filter(({ finished_at: end }) => end !== null)
    const [last] = runs
    const overdue = everyMs === undefined ? undefined : overdueSince(runs, everyMs, this.startedAt, now())
    if (last !== undefined && last.error !== null) {
      const first = runs[failures(runs) - 1] ?? last
      return { kind: "failed", severity: overdue === undefined ? "warn" : "bad", since: Date.parse(first.started_at), reason: last.error }
    }
    if (overdue === undefined) return undefined
    const good = lastGood(runs)
    const reason = good === undefined ? `there is no backup at ${to} yet` : `the last good backup is of ${good.started_at}`
    return { kind: "overdue", severity: "bad", since: overdue, reason }
  }

  /** Of backups that a timer makes: whoever never made one is not told of it here. */
  private troubleOfOthers(): BackupTrouble | undefined {
    const { newest, failed } = lastBackup(this.needs.dataDir)
    if (failed !== undefined) return { kind: "failed", severity: "bad", since: failed.at, reason: failed.problem }
    const since = newest && lateSince(newest.at, undefined, this.needs.now())
    if (newest === undefined || since === undefined) return undefined
    const reason = `the newest backup is of ${new Date(newest.at).toISOString()}: ${newest.file}`
    return { kind: "overdue", severity: "warn", since, reason }
  }

  /** Figures for `/metrics`. Reads one small file. */
  figures(): BackupFigures {
    const { dataDir, plan, now } = this.needs
    const { to, everyMs } = plan()
    const at = now()
    const runs = (to === undefined ? readRuns(dataDir) : this.runs()).filter(({ finished_at: end }) => end !== null)
    const good = lastGood(runs)
    const newestAt = to === undefined ? lastBackup(dataDir).newest?.at : good && Date.parse(good.started_at)
    const isMade = to !== undefined && everyMs !== undefined
    const late = isMade ? overdueSince(runs, everyMs, this.startedAt, at) : newestAt && lateSince(newestAt, undefined, at)
    return {
      ageSeconds: newestAt === undefined ? undefined : Math.max(at - newestAt, 0) / 1000,
      overdueSeconds: isMade || newestAt !== undefined ? (late === undefined ? 0 : (at - late) / 1000) : undefined,
      isLastGood: runs[0] && runs[0].error === null,
    }
  }

  /** Those to the destination that is set. */
  private runs(): BackupRun[] {
    const { dataDir, plan } = this.needs
    const { to } = plan()
    return readRuns(dataDir).filter((run) => run.to === to)
  }

  private async tick(): Promise<void> {
    const { dataDir, plan, now, log } = this.needs
    const { to, everyMs } = plan()
    if (to === undefined || everyMs === undefined || this.running !== undefined || isLocked(dataDir)) return
    if (now() < dueAt(this.runs(), everyMs, this.startedAt, now())) return
    log.info("a backup is due", { to })
    this.begin()
    await this.running
  }

  private async run(to: string, startedAt: string): Promise<void> {
    const { dataDir, make, onChanged, log, now } = this.needs
    try {
      const ended = make(this.ending.signal)
      onChanged()
      const { problem } = await ended
      if (this.ending.signal.aborted) return
      const [last] = this.runs()
      if (problem === undefined) return log.info("a backup was made", { file: last?.file, bytes: last?.bytes })
      log.error("a backup failed", { problem })
      noteFailure(dataDir, to, startedAt, now(), problem)
    } catch (error) {
      log.error("a backup could not be begun", { error })
      noteFailure(dataDir, to, startedAt, now(), describeError(error))
    } finally {
      onChanged()
    }
  }

  private async files(to: string): Promise<BackupsView["files"] | string> {
    const { plan, now } = this.needs
    const slow = Bun.sleep(listLimitMs).then(() => {
      throw new Error(`${to} did not answer within ${listLimitMs / 1000} seconds`)
    })
    try {
      const files = await Promise.race([filesAt(to, plan().s3), slow])
      return files.map((file) =>
        Object.assign(file, { age_seconds: Math.max(0, Math.round((now() - Date.parse(file.created_at)) / 1000)) }),
      )
    } catch (error) {
      return describeError(error)
    } finally {
      slow.catch(() => {})
    }
  }
}
