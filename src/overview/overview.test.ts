import { beforeEach, expect, test } from "bun:test"
import { Elysia } from "elysia"
import { type Db, openDatabase } from "../db/open"
import { AppError } from "../errors"
import { CertificateList, parseCertificateQuery } from "../house/certificate-list"
import { HouseCertificates } from "../house/certificates"
import { renderError } from "../http/errors"
import { silentLog } from "../log"
import { problemInWords } from "../problem-words"
import type { Overview } from "./model"
import { overviewRoutes } from "./routes"
import { OverviewService } from "./service"
import { OverviewStore } from "./store"

const hourMs = 3_600_000
const now = Date.UTC(2026, 10, 30, 12, 30)
const gib = 1024 ** 3

let db: Db
let clock: number
let disk = { total_bytes: 100 * gib, free_bytes: 50 * gib, floor_bytes: gib }
let engine: ReturnType<ConstructorParameters<typeof OverviewService>[0]["engine"]>
let backups: ReturnType<ConstructorParameters<typeof OverviewService>[0]["backups"]>

beforeEach(async () => {
  db = await openDatabase(":memory:")
  clock = now
  backups = undefined
  disk = { total_bytes: 100 * gib, free_bytes: 50 * gib, floor_bytes: gib }
  engine = { state: "reachable", kind: "Podman Engine", version: "5.0" }
  for (const id of ["ada", "bob"])
    await db
      .insertInto("people")
      .values({ id, username: id, displayName: id, passwordHash: "", isAdmin: id === "ada" ? 1 : 0, createdAt: 1, disabledAt: null })
      .execute()
  await containers("ada", "running")
})

const containers = (personId: string, ...statuses: ("running" | "failed" | "initializing")[]) =>
  db
    .insertInto("containers")
    .values(
      statuses.map((status, n) => ({
        id: n === 0 && personId === "ada" ? "c" : `${personId}${n}`,
        personId,
        name: `${personId}s ${n}`,
        kind: "external" as const,
        image: null,
        memoryMb: 0,
        storageGb: 0,
        instanceType: "external",
        pullPolicy: "IfNotPresent",
        desired: "running" as const,
        status,
        statusDetail: status === "failed" ? "it ended with code 1" : null,
        engineId: null,
        address: null,
        ports: "{}",
        createdAt: 1,
      })),
    )
    .execute()

let former: { address: string; leftAt: number; successor: string | undefined }[] = []
let contradiction: { configured: string; seen: string } | undefined

const openService = (more: Partial<ConstructorParameters<typeof OverviewService>[0]> = {}) =>
  new OverviewService({
    store: new OverviewStore(db),
    verifyName: (domain) => `_edd-verify.${domain}`,
    disk: () => disk,
    addresses: { former: () => former, contradiction: () => contradiction },
    ingress: "ingress.house.test",
    engine: () => engine,
    backups: () => backups,
    now: () => clock,
    ...more,
  })

function open() {
  const service = openService()
  return new Elysia()
    .onError({ as: "global" }, ({ error, request }) => renderError(error, request, silentLog))
    .use(
      overviewRoutes(service, async (request) => {
        const personId = request.headers.get("x-person")
        if (personId === null) throw new AppError("unauthorized", "unauthorized")
        return { personId, isAdmin: personId === "ada" }
      }),
    )
}

async function look(personId: string, app = open()): Promise<Overview> {
  const res = await app.handle(new Request("http://localhost/api/overview", { headers: { "x-person": personId } }))
  return (await res.json()) as Overview
}

function mapping(
  id: string,
  more: Partial<{ personId: string; status: "pending" | "verified" | "failed"; checks: number; lastDetail: string }> = {},
) {
  const { personId = "bob", status = "verified", checks = 0, lastDetail = null } = more
  const options = { http: "redirect" as const, upstreamProtocol: "http1" as const, accessLog: 1 }
  const times = { windowStartedAt: now - 5000, nextCheckAt: now, createdAt: now, verifiedAt: status === "verified" ? now : null }
  const at = { containerId: "c", targetPort: 80, verifyToken: `token-${id}`, proof: null }
  return { id, personId, domain: `${id}.test`, status, checks, lastDetail, ...options, ...times, ...at }
}

const map = (...rows: ReturnType<typeof mapping>[]) => db.insertInto("domainMappings").values(rows).execute()

const attempt = (hostname: string, failures: number, problem: string) =>
  db
    .insertInto("certificateAttempts")
    .values({ hostname, failures, problem, lastAttemptAt: now - 1000, nextAttemptAt: now + 1000 })
    .execute()

const certificate = (hostname: string, renewAt: number, notAfter: number) =>
  db
    .insertInto("certificates")
    .values({
      hostname,
      issuer: "internal",
      chain: "x".repeat(5000),
      sealedKey: "y".repeat(500),
      notBefore: 1,
      notAfter,
      renewAt,
      createdAt: 1,
    })
    .execute()

test("is for a session", async () => {
  expect((await open().handle(new Request("http://localhost/api/overview"))).status).toBe(401)
})

test("somebody with nothing has nothing to look at, and sees nothing of the house", async () => {
  const { attention, attention_total, hostnames, containers, traffic, house } = await look("bob")
  expect([attention, attention_total, house]).toEqual([[], 0, null])
  expect(hostnames).toEqual({ total: 0, live: 0, waiting: 0, failed: 0, drifted: 0 })
  expect(containers).toEqual({ total: 0, running: 0, starting: 0, stopped: 0, failed: 0 })
  expect([traffic.requests, traffic.rows.length, traffic.top]).toEqual([0, 24, []])
})

test("a mapping that just waits is no trouble; one that was looked at in vain is, with its record; a failed one weighs more", async () => {
  await map(
    mapping("fresh", { status: "pending" }),
    mapping("stuck", { status: "pending", checks: 5, lastDetail: "ns1.test: no such record" }),
    mapping("gone", { status: "failed" }),
    mapping("live"),
  )
  const { attention, hostnames } = await look("bob")
  expect(attention.map(({ kind, subject, reason }) => [kind, subject.id, reason])).toEqual([
    ["mapping_failed", "gone", "the record that proves the name was not found in time"],
    ["mapping_pending", "stuck", "ns1.test: no such record"],
  ])
  expect(attention[1]?.step).toBe("Make the TXT record _edd-verify.stuck.test with the value token-stuck.")
  expect(attention[1]?.since).toBe(new Date(now - 5000).toISOString())
  expect(hostnames).toEqual({ total: 4, live: 1, waiting: 2, failed: 1, drifted: 0 })
  clock += 11 * 60_000
  expect((await look("bob")).attention.map(({ subject }) => subject.id)).toContain("fresh")
})

test("nobody sees another's things, and only administrators the house", async () => {
  await map(mapping("bobs", { status: "failed" }))
  await attempt("nobody.test", 2, "refused")
  engine = { state: "away", socket: "/run/podman.sock", since: now - hourMs, problem: "connection refused" }
  disk.free_bytes = gib / 2
  expect((await look("bob")).attention.map(({ kind }) => kind)).toEqual(["mapping_failed"])
  const { attention, house, hostnames } = await look("ada")
  expect(attention.map(({ kind, severity }) => [kind, severity])).toEqual([
    ["engine_away", "bad"],
    ["disk_full", "bad"],
    ["others_certificates", "warn"],
  ])
  expect([house?.engine.state, house?.certificates, hostnames.total]).toEqual(["away", { total: 0, failing: 1 }, 0])
})

test("a large disk with some space is not low, a small one is", async () => {
  disk = { total_bytes: 4000 * gib, free_bytes: 200 * gib, floor_bytes: gib }
  expect((await look("ada")).attention).toEqual([])
  disk = { total_bytes: 50 * gib, free_bytes: 4 * gib, floor_bytes: gib }
  expect((await look("ada")).attention[0]).toMatchObject({ kind: "disk_low", reason: "8 % of the disk is free" })
})

test("backups in trouble are told to administrators alone, with the step that helps", async () => {
  backups = { kind: "failed", severity: "warn", since: now - hourMs, reason: "the disk is full" }
  expect((await look("bob")).attention).toEqual([])
  const [found] = (await look("ada")).attention
  expect(found).toMatchObject({
    kind: "backup_failed",
    severity: "warn",
    subject: { kind: "house", name: "Backups" },
    reason: "the disk is full",
  })
  expect(found?.step).toContain("freehold backups run")
  expect(found?.since).toBe(new Date(now - hourMs).toISOString())
})

test("a certificate that cannot be renewed says what the issuer said; one that is overdue without a word is told too", async () => {
  await map(mapping("caa"), mapping("late"), mapping("well"))
  await certificate("caa.test", now - hourMs, now + 20 * 86_400_000)
  await certificate("late.test", now - 24 * hourMs, now + 20 * 86_400_000)
  await certificate("well.test", now + hourMs, now + 20 * 86_400_000)
  await attempt("caa.test", 3, '{"type":"urn:ietf:params:acme:error:caa","detail":"CAA record for caa.test prevents issuance"}')
  const { attention } = await look("bob")
  expect(attention).toMatchObject([
    { kind: "certificate_overdue", subject: { kind: "mapping", id: "late" } },
    { kind: "certificate_failing", severity: "warn", reason: "CAA record for caa.test prevents issuance" },
  ])
  expect(attention[1]?.since).toBe(new Date(now - hourMs).toISOString())
})

test("a container that failed is told with what the engine said", async () => {
  await containers("bob", "running", "failed", "initializing")
  const { attention, containers: states } = await look("bob")
  expect(attention).toMatchObject([{ kind: "container_failed", subject: { id: "bob1" }, since: null, reason: "it ended with code 1" }])
  expect(states).toEqual({ total: 3, running: 1, starting: 1, stopped: 0, failed: 1 })
})

test.each([
  ["a sentence", "a sentence"],
  ['{"detail":"a","subproblems":[{"detail":"b"},{"detail":"a"}]}', "a b"],
  ['{"type":"x"}', '{"type":"x"}'],
  ["null", "null"],
])("%p is in words %p", (text, words) => expect(problemInWords(text)).toBe(words))

test("the traffic of the day is the person's own, by the hour; an hour that is over is counted once", async () => {
  await map(mapping("a"), mapping("b"), mapping("adas", { personId: "ada" }))
  const row = (holderId: string, start: number, requests: number) => ({
    holderId,
    start,
    requests,
    status1xx: 0,
    status2xx: requests - 1,
    status3xx: 0,
    status4xx: 0,
    status5xx: 1,
    bytesIn: 1,
    bytesOut: 9,
    histogram: new Uint8Array(),
  })
  const hour = Math.floor(now / hourMs) * hourMs
  await db
    .insertInto("trafficMinutes")
    .values([row("a", hour, 5), row("b", hour, 7), row("a", hour - hourMs, 4), row("adas", hour, 100), row("a", hour - 25 * hourMs, 50)])
    .execute()
  const app = open()
  const { traffic } = await look("bob", app)
  expect([traffic.requests, traffic.errors, traffic.bytes]).toEqual([16, 3, 30])
  expect(traffic.rows.slice(-2).map(({ requests }) => requests)).toEqual([4, 12])
  expect(traffic.top.map(({ domain, requests }) => [domain, requests])).toEqual([
    ["a.test", 9],
    ["b.test", 7],
  ])
  await db.deleteFrom("trafficMinutes").execute()
  expect((await look("bob", app)).traffic.requests).toBe(4)
})

test("the house's list of certificates begins with what ends first, and goes on where a page ended", async () => {
  await map(mapping("a"))
  await certificate("b.test", now, now + 3000)
  await certificate("a.test", now, now + 2000)
  await attempt("c.test", 1, "refused")
  const house = new HouseCertificates({
    list: new CertificateList(db),
    directories: [],
    email: undefined,
    orderLimit: 1,
    rootPem: async () => "",
    now: () => clock,
  })
  const read = (query: string) => house.page(parseCertificateQuery(new URLSearchParams(query)))
  const first = await read("limit=2")
  expect(first.certificates.map(({ hostname, holder }) => [hostname, holder?.id, holder?.username])).toEqual([
    ["c.test", undefined, undefined],
    ["a.test", "a", "bob"],
  ])
  expect([first.total, first.failing, first.ending]).toEqual([2, 1, 2])
  const second = await read(`limit=2&cursor=${first.next_cursor}`)
  expect([second.certificates.map(({ hostname }) => hostname), second.next_cursor]).toEqual([["b.test"], null])
  expect((await read("state=failing")).certificates.map(({ hostname }) => hostname)).toEqual(["c.test"])
  expect((await read("q=B.t")).certificates.map(({ hostname }) => hostname)).toEqual(["b.test"])
  for (const bad of ["limit=0", "limit=501", "state=well", "cursor=x", `q=${"a".repeat(254)}`])
    expect(() => parseCertificateQuery(new URLSearchParams(bad))).toThrow()
})

test("ten thousand hostnames with a day of traffic are answered fast", async () => {
  const ids = Array.from({ length: 10_000 }, (_, n) => `m${n}`)
  for (let at = 0; at < ids.length; at += 500)
    await map(...ids.slice(at, at + 500).map((id, n) => mapping(id, n % 100 === 0 ? { status: "failed" } : {})))
  for (const id of ids.slice(0, 2000)) await certificate(`${id}.test`, now + hourMs, now + hourMs)
  const hour = Math.floor(now / hourMs) * hourMs
  const counts = {
    status1xx: 0,
    status2xx: 1,
    status3xx: 0,
    status4xx: 0,
    status5xx: 0,
    bytesIn: 1,
    bytesOut: 1,
    histogram: new Uint8Array(40),
  }
  for (let h = 0; h < 24; h++)
    for (let at = 0; at < 5000; at += 500)
      await db
        .insertInto("trafficMinutes")
        .values(ids.slice(at, at + 500).map((holderId) => Object.assign({ holderId, start: hour - h * hourMs, requests: 1 }, counts)))
        .execute()
  const app = open()
  const timed = async () => {
    const began = performance.now()
    expect((await look("bob", app)).hostnames.total).toBe(10_000)
    return performance.now() - began
  }
  const [first, again] = [await timed(), await timed()]
  console.log(`overview of 10,000 hostnames: ${first.toFixed(0)} ms the first time, ${again.toFixed(0)} ms later`)
  expect(first).toBeLessThan(3000)
  expect(again).toBeLessThan(500)
})

test("an address of ours that changed is told to administrators, and one that the settings have wrong", async () => {
  former = [{ address: "198.51.100.4", leftAt: now - hourMs, successor: "198.51.100.5" }]
  contradiction = { configured: "198.51.100.5", seen: "198.51.100.6" }
  const { attention } = await look("ada")
  expect(attention.map(({ kind, since, reason }) => [kind, since, reason])).toEqual([
    [
      "address_changed",
      new Date(now - hourMs).toISOString(),
      "it changed from 198.51.100.4 to 198.51.100.5; records that can be written here follow it, 0 hostnames wait for their owners",
    ],
    ["address_contradicted", null, "the settings say 198.51.100.5, and the Internet sees this server as 198.51.100.6"],
  ])
  expect((await look("bob")).attention).toEqual([])
  former = []
  contradiction = undefined
})

test("alerts hear of the house and of renewals that fail again and again, with the time that is left", async () => {
  const day = 86_400_000
  await map(mapping("blip"), mapping("caa"), mapping("late"), mapping("soon"))
  for (const name of ["blip", "caa", "late", "gone"]) await certificate(`${name}.test`, now - 24 * hourMs, now + 20 * day)
  await certificate("soon.test", now - hourMs, now + 5 * hourMs)
  await certificate("net.cloud.test", now - hourMs, now + 2.5 * day)
  await db
    .updateTable("certificates")
    .set({ notBefore: now - 70 * day })
    .execute()
  await attempt("blip.test", 1, "once")
  for (const name of ["caa.test", "gone.test", "net.cloud.test"]) await attempt(name, 3, "CAA forbids it")
  await attempt("soon.test", 1, "no")
  engine = { state: "away", socket: "/run/podman.sock", since: now - hourMs, problem: "connection refused" }
  const more = async () => ({
    findings: [
      {
        kind: "clock_off",
        severity: "bad",
        subject: { kind: "house", id: null, name: "Clock" },
        since: null,
        reason: "fast",
        step: "",
      } as const,
    ],
    total: 1,
  })
  const conditions = await openService({ more, baseDomain: "cloud.test" }).conditions()
  expect(conditions.map(({ kind, severity, subject, reason }) => [kind, severity, subject.name, reason])).toEqual([
    ["engine_away", "bad", "Container engine", "connection refused"],
    ["clock_off", "bad", "Clock", "fast"],
    ["certificate_failing", "bad", "soon.test", "its certificate cannot be renewed, 5 hours are left: no"],
    ["certificate_failing", "bad", "net.cloud.test", "its certificate cannot be renewed, 2 days are left: CAA forbids it"],
    ["certificate_failing", "warn", "caa.test", "its certificate cannot be renewed, 20 days are left: CAA forbids it"],
    ["certificate_overdue", "warn", "late.test", "its certificate should have been renewed and no order was made, 20 days are left"],
  ])
  const unserved = await openService({ isServed: () => false, baseDomain: "cloud.test" }).conditions()
  expect(unserved.map(({ kind }) => kind)).toEqual(["engine_away"])
})

test("a program that waits on disk is told on Home and is no alert; one that is gone is both", async () => {
  const tell = async (onDisk: "same" | "other" | "missing") => {
    const service = openService({ program: () => ({ path: "/usr/local/bin/freehold", on_disk: onDisk }) })
    const kinds = (all: { kind: string; reason: string }[]) =>
      all.filter(({ reason }) => reason.includes("/usr/local/bin/freehold")).map(({ kind }) => kind)
    const ofBob = await service.read({ personId: "bob", isAdmin: false })
    expect(kinds(ofBob.attention)).toEqual([])
    return [kinds((await service.read({ personId: "ada", isAdmin: true })).attention), kinds(await service.conditions())]
  }
  expect(await tell("same")).toEqual([[], []])
  expect(await tell("other")).toEqual([["upgrade_waiting"], []])
  expect(await tell("missing")).toEqual([["program_missing"], ["program_missing"]])
})
