import { expect, test } from "bun:test"
import { houseChecks } from "./checks"
import { Health, type HealthCheck } from "./health"
import { healthRoutes } from "./routes"

const silent = { debug() {}, info() {}, warn() {}, error() {} }

/** A house in which all is well but for what is given. */
function house(change: Partial<Parameters<typeof houseChecks>[0]> = {}) {
  let now = 0
  const looks = { store: 0 }
  const checks = houseChecks({
    tryStore: () => ({ lockedMs: (looks.store++, 0) }),
    serving: () => ({ threads: 2, wanted: 2 }),
    disk: () => ({ totalBytes: 1000, freeBytes: 500 }),
    floorBytes: () => 100,
    engine: () => ({ state: "reachable" }),
    certificates: async () => ({ overdue: 0, expired: 0 }),
    ...change,
  })
  const health = new Health({ checks, log: silent, now: () => now })
  health.phase = "up"
  const routes = healthRoutes(health)
  const ask = async (path: string) => {
    const response = await routes.handle(new Request(`http://localhost${path}`))
    return {
      code: response.status,
      ...((await response.json()) as { status: string; checks: Record<string, { status: string; message: string }> }),
    }
  }
  return { health, ask, looks, later: (ms: number) => void (now += ms) }
}

test("where all is well it is ok, and each check says so in a sentence", async () => {
  const { code, status, checks } = await house().ask("/healthz")
  expect([code, status, Object.keys(checks)]).toEqual([200, "ok", ["process", "store", "edge", "disk", "container_engine", "certificates"]])
  for (const { status, message } of Object.values(checks)) expect([status, message]).toEqual(["ok", expect.stringMatching(/^[A-Z].*\.$/)])
})

const full = () => Object.assign(new Error("database or disk is full at /var/lib/freehold"), { code: "SQLITE_FULL" })

test.each([
  [
    "the store cannot be written",
    {
      tryStore: () => {
        throw full()
      },
    },
    "store",
    "The store cannot be written (SQLITE_FULL).",
  ],
  ["somebody holds its lock", { tryStore: () => ({ lockedMs: 42_000 }) }, "store", "Somebody has kept the store locked for 42 seconds."],
  [
    "no thread serves",
    { serving: () => ({ threads: 0, wanted: 2 }) },
    "edge",
    "No thread of the edge serves; they are being started again.",
  ],
])("503 from both where %s", async (_what, change, name, message) => {
  const { ask } = house(change)
  for (const path of ["/healthz", "/readyz"]) {
    const { code, status, checks } = await ask(path)
    expect([code, status, checks[name]]).toEqual([503, "unavailable", { status: "unavailable", message }])
  }
})

test.each([
  ["some threads are missing", { serving: () => ({ threads: 1, wanted: 2 }) }, "edge"],
  ["the disk is at its floor", { disk: () => ({ totalBytes: 1000, freeBytes: 99 }) }, "disk"],
  ["the disk has a twentieth left", { disk: () => ({ totalBytes: 10_000, freeBytes: 499 }) }, "disk"],
  ["the engine is away", { engine: () => ({ state: "away" as const, since: 0 }) }, "container_engine"],
  ["a certificate is late", { certificates: async () => ({ overdue: 1, expired: 0 }) }, "certificates"],
  ["certificates have ended", { certificates: async () => ({ overdue: 2, expired: 2 }) }, "certificates"],
])("it is degraded and serves where %s", async (_what, change, name) => {
  const { ask } = house(change)
  const { code, status, checks } = await ask("/healthz")
  expect([code, status, checks[name]?.status]).toEqual([200, "degraded", "degraded"])
  expect((await ask("/readyz")).code).toBe(200)
})

test.each(["none", "not_found"] as const)("an engine that is %s is not missed", async (state) => {
  expect((await house({ engine: () => ({ state }) }).ask("/healthz")).status).toBe("ok")
})

test("before it is up and while it ends it is not ready, told at once", async () => {
  const { health, ask } = house()
  expect((await ask("/readyz")).code).toBe(200)
  for (const phase of ["starting", "draining"] as const) {
    health.phase = phase
    expect([(await ask("/readyz")).code, (await ask("/healthz")).code]).toEqual([503, 503])
  }
})

test("who asks often makes no more work", async () => {
  const { ask, looks, later } = house()
  await Promise.all(Array.from({ length: 50 }, () => ask("/healthz")))
  expect(looks.store).toBe(1)
  later(1000)
  await ask("/readyz")
  expect(looks.store).toBe(2)
})

test("a check that hangs or fails is no check, and its fault is not told", async () => {
  const checks: HealthCheck[] = [
    { name: "hangs", isRequired: true, look: () => new Promise(() => {}) },
    { name: "fails", isRequired: false, look: () => Promise.reject(new Error("/secret/path")) },
  ]
  const health = new Health({ checks, log: silent, now: () => 0, limitMs: 10 })
  health.phase = "up"
  const reply = await health.all()
  expect([reply.status, reply.checks.hangs?.status, reply.checks.fails?.status]).toEqual(["unavailable", "unavailable", "degraded"])
  expect(JSON.stringify(reply)).not.toContain("secret")
})

test("a clock that is set back keeps no answer from before", async () => {
  const { ask, looks, later } = house()
  await ask("/healthz")
  later(500)
  await ask("/healthz")
  expect(looks.store).toBe(1)
  later(-86_400_000)
  await ask("/healthz")
  expect(looks.store).toBe(2)
})
