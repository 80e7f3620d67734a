import { afterEach, beforeEach, describe, expect, test } from "bun:test"
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Elysia } from "elysia"
import { AppError } from "../errors"
import { renderError } from "../http/errors"
import { silentLog } from "../log"
import { isLocked, takeLock } from "./lock"
import { backupRoutes } from "./routes"
import { type BackupRun, onRecord, readRuns } from "./run-record"
import { dueAt, failures, lastGood, overdueSince } from "./schedule"
import { type BackupPlan, Backups, type BackupsView, type Ended } from "./service"

const [minute, hour, day] = [60_000, 3_600_000, 86_400_000]
const noon = Date.UTC(2026, 10, 30, 12)

let dataDir = ""
let place = ""
let plan: BackupPlan
let clock = noon
let backups: Backups | undefined

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), "freehold-backups-"))
  place = join(dataDir, "kept")
  mkdirSync(place)
  clock = noon
  plan = {
    to: place,
    everyMs: day,
    key: { passphrase: "a secret of the house" },
    keep: 14,
    objects: "beside",
    volumes: false,
    s3: { endpoint: "https://s3.test", region: "r", style: "path", accessKey: "id", secretKey: "another secret", ca: undefined },
  }
})
afterEach(async () => {
  await backups?.stop()
  backups = undefined
  rmSync(dataDir, { recursive: true, force: true })
})

const run = (startedAt: number, error: string | null = null, more: Partial<BackupRun> = {}): BackupRun => ({
  started_at: new Date(startedAt).toISOString(),
  finished_at: new Date(startedAt + minute).toISOString(),
  to: place,
  file: null,
  bytes: null,
  copies: null,
  error,
  ...more,
})

const record = (...runs: BackupRun[]) => writeFileSync(join(dataDir, "backups.json"), JSON.stringify({ runs }))

function open(make: (signal: AbortSignal) => Promise<Ended> = async () => ({ problem: undefined })) {
  backups = new Backups({ dataDir, plan: () => plan, make, onChanged: () => {}, log: silentLog, now: () => clock, lookEveryMs: 5 })
  return backups
}

async function until(holds: () => boolean): Promise<void> {
  const deadline = performance.now() + 5000
  while (!holds()) {
    if (performance.now() > deadline) throw new Error("it never came true")
    await Bun.sleep(5)
  }
}

describe("when a backup is due", () => {
  test("the first one soon after the start, the next ones after the interval and up to a tenth, an hour at most", () => {
    expect(dueAt([], day, noon, noon)).toBe(noon + 2 * minute)
    const due = dueAt([run(noon)], day, noon, noon)
    expect(due).toBeGreaterThanOrEqual(noon + day)
    expect(due).toBeLessThanOrEqual(noon + day + hour)
    expect(dueAt([run(noon)], day, noon, noon)).toBe(due)
    expect(dueAt([run(noon + 1000)], day, noon, noon)).not.toBe(due + 1000)
    expect(dueAt([run(noon)], hour, noon, noon)).toBeLessThanOrEqual(noon + hour + 6 * minute)
  })

  test("a failed one three times, later each time, then at its turn", () => {
    const bad = (many: number) => Array.from({ length: many }, (_, n) => run(noon - n * hour, "full"))
    const ended = noon + minute
    expect([1, 2, 3].map((many) => dueAt(bad(many), day, 0, noon))).toEqual([5, 15, 45].map((minutes) => ended + minutes * minute))
    expect(dueAt(bad(4), day, 0, noon)).toBeGreaterThanOrEqual(noon + day)
    expect(dueAt([run(noon, "full")], minute, 0, noon)).toBeLessThan(noon + 2 * minute)
    expect(failures([...bad(2), run(0)])).toBe(2)
    expect(lastGood([...bad(2), run(5)])?.started_at).toBe(new Date(5).toISOString())
  })

  test("it is overdue an interval and a half, and an hour, after the last good one", () => {
    const limit = 1.5 * day + hour
    expect(overdueSince([run(noon)], day, 0, noon + limit)).toBeUndefined()
    expect(overdueSince([run(noon + day, "full"), run(noon)], day, 0, noon + limit + 1)).toBe(noon + limit)
    expect(overdueSince([], day, noon, noon + limit + 1)).toBe(noon + limit)
  })

  test("it is due at once where the last one, or the start, was under a clock that was ahead, and such a one counts for nothing", () => {
    const ahead = run(noon + 365 * day)
    expect(dueAt([ahead], day, noon, noon)).toBe(noon)
    expect(dueAt([run(noon), ahead], day, noon, noon)).toBeGreaterThanOrEqual(noon + day)
    expect(dueAt([], day, noon + 365 * day, noon)).toBe(noon)
    // A clock that was put right by some seconds.
    expect(dueAt([run(noon + minute)], day, noon, noon)).toBeGreaterThan(noon + day)
    expect(overdueSince([ahead, run(noon - 3 * day)], day, 0, noon)).toBe(noon - 1.5 * day + hour)
    expect(overdueSince([ahead], day, noon + 365 * day, noon)).toBeUndefined()
  })
})

describe("a server", () => {
  test("makes a backup when one is due, one at a time, and none when one was made by hand", async () => {
    let made = 0
    const service = open(async () => {
      made++
      record(run(clock))
      return { problem: undefined }
    })
    record(run(noon - hour))
    service.start()
    await Bun.sleep(50)
    expect(made).toBe(0)
    clock = noon + day
    await until(() => made === 1)
    await Bun.sleep(50)
    expect(made).toBe(1)
  })

  test("makes none while another process does", async () => {
    let made = 0
    const service = open(async () => ({ problem: void made++ }))
    clock += day
    const free = takeLock(dataDir)
    service.start()
    await Bun.sleep(50)
    expect([made, isLocked(dataDir)]).toEqual([0, true])
    free()
    await until(() => made > 0)
  })

  test("puts on record what could not even begin, and does not try it again at once", async () => {
    let made = 0
    const service = open(async () => ({ problem: `broken ${++made}` }))
    clock = noon + 3 * minute
    service.start()
    await until(() => readRuns(dataDir).length === 1)
    await Bun.sleep(50)
    expect(made).toBe(1)
    expect(service.trouble()).toEqual({ kind: "failed", severity: "warn", since: clock, reason: "broken 1" })
    clock += 5 * minute
    await until(() => made === 2)
  })

  test("ends one under way when it stops", async () => {
    const service = open((signal) => new Promise((resolve) => signal.addEventListener("abort", () => resolve({ problem: "killed" }))))
    service.begin()
    await service.stop()
    expect(readRuns(dataDir)).toEqual([])
  })

  test("makes one after a clock that was ahead, and puts what cannot begin on record too", async () => {
    let made = 0
    record(run(noon + 365 * day))
    const service = open(async () => ({ problem: `broken ${++made}` }))
    service.start()
    await until(() => readRuns(dataDir)[0]?.error === "broken 1")
    await Bun.sleep(50)
    expect(made).toBe(1)
  })

  test("has figures of the newest good one, of the last one, and of how late it is", () => {
    const service = open()
    expect(service.figures()).toEqual({ ageSeconds: undefined, overdueSeconds: 0, isLastGood: undefined })
    clock = noon + 2 * day
    expect(service.figures().overdueSeconds).toBe((0.5 * day - hour) / 1000)
    record(run(noon + day, "the disk is full"), run(noon))
    expect(service.figures()).toEqual({ ageSeconds: 172_800, overdueSeconds: (0.5 * day - hour) / 1000, isLastGood: false })
    record(run(clock))
    expect(service.figures()).toEqual({ ageSeconds: 0, overdueSeconds: 0, isLastGood: true })
    // By a timer: nobody knows of one until it has made the first.
    plan.to = undefined
    record()
    expect(service.figures()).toEqual({ ageSeconds: undefined, overdueSeconds: undefined, isLastGood: undefined })
    record(run(noon, null, { file: "s3://bucket/1.age" }))
    clock = noon + minute + 49 * hour
    expect(service.figures()).toEqual({ ageSeconds: 49 * 3600, overdueSeconds: 3600, isLastGood: true })
    expect(service.trouble()).toMatchObject({ kind: "overdue", since: clock - hour })
  })

  test("tells what is wrong: overdue, failed, and gravely where both", () => {
    const service = open()
    expect(service.trouble()).toBeUndefined()
    record(run(noon))
    expect(service.trouble()).toBeUndefined()
    clock = noon + 2 * day
    expect(service.trouble()).toMatchObject({ kind: "overdue", severity: "bad" })
    record(run(noon + day, "the disk is full"), run(noon))
    expect(service.trouble()).toMatchObject({ kind: "failed", severity: "bad", since: noon + day, reason: "the disk is full" })
    // Without a destination of its own the server goes by what others made.
    plan.to = undefined
    expect(service.trouble()).toMatchObject({ kind: "failed", reason: "the disk is full" })
    record()
    expect(service.trouble()).toBeUndefined()
  })
})

describe("the record of runs", () => {
  test("keeps fifty, also what another process left open, which is told as ended in the middle", async () => {
    const result = { file: "f", bytes: 1, manifest: {} as never, removed: [], removedCopies: 0, keepProblem: undefined, copies: undefined }
    for (let n = 0; n < 55; n++)
      await onRecord(
        dataDir,
        place,
        () => noon + n,
        async () => result,
      )
    expect(readRuns(dataDir)).toHaveLength(50)
    record(run(noon, null, { finished_at: null }))
    expect(readRuns(dataDir)[0]?.error).toBe("it was ended in the middle")
    const free = takeLock(dataDir)
    expect(readRuns(dataDir)[0]?.error).toBeNull()
    free()
    await onRecord(
      dataDir,
      place,
      () => noon,
      async () => Promise.reject(new AppError("invalid", "no")),
    ).catch(() => {})
    expect(readRuns(dataDir).map(({ error }) => error)).toEqual(["no", "it was ended in the middle"])
  })

  test("that is no record counts as empty", () => {
    writeFileSync(join(dataDir, "backups.json"), "{half")
    expect(readRuns(dataDir)).toEqual([])
  })
})

describe("/admin/backups", () => {
  const app = (service: Backups) =>
    new Elysia()
      .onError({ as: "global" }, ({ error, request }) => renderError(error, request, silentLog))
      .use(
        backupRoutes(service, async (request) => {
          if (request.headers.get("x-admin") === null) throw new AppError("forbidden", "administrators only")
        }),
      )
  const ask = (service: Backups, method: string, headers: Record<string, string> = { "x-admin": "1" }) =>
    app(service).handle(new Request("http://localhost/admin/backups", { method, headers }))

  test("is for administrators", async () => {
    for (const method of ["GET", "POST"]) expect((await ask(open(), method, {})).status).toBe(403)
    expect(isLocked(dataDir)).toBe(false)
  })

  test("tells settings, runs and files, and no secret", async () => {
    record(run(noon - hour))
    for (const name of ["freehold-20261129T120000Z.age", "freehold-20261130T110000Z.age", "of-mine.age"])
      writeFileSync(join(place, name), "x".repeat(10))
    plan.to = place
    const res = await ask(open(), "GET")
    const text = await res.text()
    expect(text).not.toContain("secret")
    const view = JSON.parse(text) as BackupsView
    expect(view).toMatchObject({
      to: place,
      every_seconds: 86_400,
      encryption: { kind: "passphrase" },
      is_running: false,
      is_overdue: false,
    })
    expect(view.files).toEqual([
      { name: "freehold-20261130T110000Z.age", created_at: "2026-11-30T11:00:00.000Z", bytes: 10, age_seconds: 3600 },
      { name: "freehold-20261129T120000Z.age", created_at: "2026-11-29T12:00:00.000Z", bytes: 10, age_seconds: 86_400 },
    ])
    expect(Date.parse(view.next_at ?? "")).toBeGreaterThanOrEqual(noon + 23 * hour)
  })

  test("tells why a destination does not say what it holds", async () => {
    plan = { ...plan, to: "s3://bucket", s3: undefined }
    const view = (await (await ask(open(), "GET")).json()) as BackupsView
    expect(view.files_problem).toContain("needs the keys of that S3 server")
  })

  test("begins one, says that one is under way, and where nothing is set", async () => {
    let end = () => {}
    const service = open(() => new Promise((resolve) => (end = () => resolve({ problem: undefined }))))
    const res = await ask(service, "POST")
    expect([res.status, await res.json()]).toEqual([202, { to: place, started_at: "2026-11-30T12:00:00.000Z" }])
    expect((await ask(service, "POST")).status).toBe(409)
    end()
    await until(() => !(service as unknown as { running: unknown }).running)
    const free = takeLock(dataDir)
    expect((await ask(service, "POST")).status).toBe(409)
    free()
    plan = { ...plan, to: undefined }
    const refused = await ask(service, "POST")
    expect([refused.status, await refused.json()]).toEqual([
      400,
      { error: "no destination is set: backup_to names a folder, or s3://bucket/prefix" },
    ])
    expect(readFileSync(join(dataDir, "backup.lock"), "utf8")).toBe("")
  })
})
