import { Database } from "bun:sqlite"
import { afterEach, beforeEach, expect, test } from "bun:test"
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Lookup, ServerAnswer } from "../dns/lookup"
import { checkBackup } from "./backup"
import { checkCaa } from "./caa"
import { checkCertificates } from "./certificates"
import { checkClock, isClockKept } from "./clock"
import { checkDataFolder, checkSecrets } from "./data-folder"
import { checkDisk, spaceOf } from "./disk"
import { checkFileLimit, openFilesLimit } from "./file-limit"
import { checkFreePort } from "./free-port"
import { checkIssuerAccounts } from "./issuer-account"
import { holderOf, inWords } from "../listener-holders"
import { checkResolver } from "./resolver"
import { checkServed } from "./served"
import { checkStore, storedName } from "./store"
import { checkTelling } from "./telling"

const gib = 1024 ** 3
const now = Date.UTC(2026, 10, 30, 12)
let folder: string
const undo: (() => unknown)[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "freehold-machine-"))
})
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
  rmSync(folder, { recursive: true })
})
const at = (name: string) => join(folder, name)
const saying = (text: string) => expect.stringContaining(text) as never

/** Another process that listens, and its port. */
async function otherListener(kind: "tcp" | "udp" = "tcp"): Promise<{ port: number; pid: number }> {
  const code =
    kind === "tcp"
      ? `const s = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } }); console.log(s.port)`
      : `const s = await Bun.udpSocket({ hostname: "127.0.0.1", socket: { data() {} } }); console.log(s.port)`
  const child = Bun.spawn([process.execPath, "-e", code], { stdout: "pipe" })
  undo.push(async () => {
    child.kill("SIGKILL")
    await child.exited
  })
  const { value } = await child.stdout.getReader().read()
  return { port: Number(new TextDecoder().decode(value).trim()), pid: child.pid }
}

test("who holds a port is told by its process, and of a free one nobody", async () => {
  const { port, pid } = await otherListener()
  const { isHeld, holder } = holderOf(port)
  expect([isHeld, holder?.pid, inWords(holder)]).toEqual([true, pid, `${holder?.name} (process ${pid})`])
  const udp = await otherListener("udp")
  expect(holderOf(udp.port, "udp").holder?.pid).toBe(udp.pid)
  await undo.splice(0, 1)[0]?.()
  expect(holderOf(port)).toEqual({ isHeld: false, holder: undefined })
})

test("a listener that is to come: free, taken, and at an address that is not ours", async () => {
  const needs = { what: "HTTPS", setting: "https_listen" }
  const { port, pid } = await otherListener()
  const udp = await otherListener("udp")
  expect(await checkFreePort({ ...needs, listen: { host: "127.0.0.1", port } })).toEqual({
    status: "bad",
    verdict: saying(`(process ${pid}) holds port ${port} of 127.0.0.1, so Freehold cannot start.`),
    remedy: saying("FREEHOLD_HTTPS_LISTEN"),
  })
  expect(await checkFreePort({ ...needs, listen: { host: "127.0.0.1", port: udp.port }, protocol: "udp" })).toMatchObject({
    status: "bad",
    verdict: saying(`(process ${udp.pid})`),
  })
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const free = (server.address() as { port: number }).port
  await new Promise((resolve) => server.close(resolve))
  expect(await checkFreePort({ ...needs, listen: { host: "127.0.0.1", port: free } })).toMatchObject({ status: "ok" })
  expect(await checkFreePort({ ...needs, listen: { host: "203.0.113.9", port: free } })).toMatchObject({
    status: "bad",
    verdict: saying("EADDRNOTAVAIL"),
  })
})

const heard = (serverTime: number | undefined) => ({ host: "ca.test", askedAt: now - 100, answeredAt: now + 100, status: 200, serverTime })
const silent = { host: "ca.test", askedAt: now, answeredAt: now, problem: "no answer" }

test.each([
  ["right", heard(now - 400), true, "ok", "agrees with that of ca.test."],
  ["right, kept by nobody", heard(now), false, "ok", "so it will drift"],
  ["a minute fast", heard(now - 60_500), true, "warn", "60 seconds fast"],
  ["an hour slow", heard(now + 3_600_000), undefined, "bad", "60 minutes slow"],
  ["a year fast", heard(now - 365 * 86_400_000), true, "bad", "365 days fast"],
  ["unheard and kept", silent, true, "ok", "kernel says"],
  ["unheard and kept by nobody", silent, false, "warn", "Nobody synchronises"],
  ["unheard and unknown", heard(undefined), undefined, "unknown", "No server of the world"],
] as const)("a clock that is %s", (_, answer, isKept, status, verdict) => {
  expect(checkClock(answer, isKept)).toMatchObject({ status, verdict: saying(verdict) })
})

test("the kernel says whether it takes its clock for synchronised", () => {
  expect(typeof isClockKept()).toBe("boolean")
})

test("a disk: enough, little, full, and without inodes", () => {
  const look = (freeBytes: number, freeFiles = 500_000) =>
    checkDisk("/data", { totalBytes: 100 * gib, freeBytes, files: 1_000_000, freeFiles }, gib)
  expect(look(50 * gib)).toEqual({ status: "ok", verdict: "50 GiB of 100 GiB are free at /data." })
  expect(look(5 * gib)).toMatchObject({ status: "warn", verdict: saying("little") })
  expect(look(gib / 2)).toMatchObject({ status: "bad", verdict: saying("512 MiB of 100 GiB") })
  expect(look(50 * gib, 10)).toMatchObject({ status: "warn", verdict: saying("Only 10 of 1000000 inodes") })
  expect(look(50 * gib, 0)).toMatchObject({ status: "bad" })
  expect(checkDisk("/data", { totalBytes: 100 * gib, freeBytes: 50 * gib, files: 0, freeFiles: 0 }, gib)).toMatchObject({ status: "ok" })
  expect(spaceOf(at("not/there/yet"))).toEqual(spaceOf(folder))
})

test("open files against the connections that the settings allow", () => {
  expect(openFilesLimit()).toBeGreaterThan(100)
  expect(checkFileLimit(Infinity, 20_000)).toMatchObject({ status: "ok" })
  expect(checkFileLimit(41_000, 20_000)).toMatchObject({ status: "ok" })
  expect(checkFileLimit(30_000, 20_000)).toMatchObject({ status: "warn", remedy: saying("LimitNOFILE=40512") })
  expect(checkFileLimit(1024, 20_000)).toMatchObject({ status: "bad", remedy: saying("FREEHOLD_MAX_CONNECTIONS=256") })
})

const walked = (answers: Partial<ServerAnswer>[], more: Partial<Lookup> = {}): Lookup => ({
  name: "cloud.test",
  type: "NS",
  zone: "cloud.test",
  via: "authoritative",
  answers: answers.map((answer) => Object.assign({ server: "ns1.test", address: "", outcome: "answer" as const, values: [] }, answer)),
  ...more,
})

test("the walk from the roots: whole, with a lame server, over HTTPS, to nobody, and to nothing", () => {
  expect(checkResolver(walked([{}, { server: "ns2.test" }]), true)).toEqual({
    status: "ok",
    verdict: "From the root servers down to cloud.test, all 2 of its name servers answer.",
  })
  expect(checkResolver(walked([{}, { server: "ns2.test", outcome: "lame" }]), true)).toMatchObject({
    status: "warn",
    verdict: saying("ns2.test gave no"),
  })
  expect(checkResolver(walked([{}], { via: "doh" }), true)).toMatchObject({ status: "warn", verdict: saying("over HTTPS") })
  expect(checkResolver(walked([], { fault: "no_delegation" }), true)).toMatchObject({ status: "warn", verdict: saying("nobody delegates") })
  const closed = walked([], { fault: "port_closed", problem: "Port 53 is closed." })
  expect([checkResolver(closed, true).status, checkResolver(closed, false).status]).toEqual(["bad", "warn"])
})

test("CAA: nobody to ask, allowed, forbidden", () => {
  const problem = { severity: "blocked", sentence: "The CAA record forbids it.", fix: "Add one." } as const
  expect(checkCaa("a.test", { authorities: [] })).toMatchObject({ status: "ok" })
  expect(checkCaa("a.test", { authorities: ["Let's Encrypt"] })).toMatchObject({
    status: "ok",
    verdict: saying("let Let's Encrypt certify"),
  })
  expect(checkCaa("a.test", { authorities: ["Let's Encrypt"], problem })).toEqual({
    status: "bad",
    verdict: problem.sentence,
    remedy: "Add one.",
  })
})

test("accounts at directories: none needed, to come, there, and locked", () => {
  const [year, account] = [now + 365 * 86_400_000, { authority: "Let's Encrypt", since: "2026-01-02T00:00:00.000Z", opens: true }]
  expect(checkIssuerAccounts([], year, now)).toMatchObject({ status: "ok" })
  expect(checkIssuerAccounts([{ ...account, since: null, opens: false }], year, now)).toMatchObject({
    status: "ok",
    verdict: saying("with the first order"),
  })
  expect(checkIssuerAccounts([account], year, now)).toMatchObject({
    status: "ok",
    verdict: "There is an account at Let's Encrypt since 2026-01-02.",
  })
  expect(checkIssuerAccounts([{ ...account, opens: false }], year, now)).toMatchObject({ status: "bad", remedy: saying("store-key") })
  expect(checkIssuerAccounts([account], now + 86_400_000, now)).toMatchObject({ status: "warn" })
})

test("certificates and what visitors are served, as a whole", () => {
  expect(checkCertificates({ total: 3, failing: 0, examples: [] })).toMatchObject({ status: "ok" })
  expect(checkCertificates({ total: 9, failing: 4, examples: ["a.test", "b.test"] })).toMatchObject({
    status: "warn",
    verdict: saying("a.test, b.test, …"),
  })
  const served = { total: 3, seen: 3, trouble: 0, examples: [], stalledSince: undefined }
  expect(checkServed(served)).toMatchObject({ status: "ok", verdict: saying("All of 3") })
  expect(checkServed({ ...served, seen: 1 })).toMatchObject({ status: "ok", verdict: saying("within a day") })
  expect(checkServed({ ...served, trouble: 2, examples: ["a.test"] })).toMatchObject({
    status: "bad",
    verdict: saying("a.test and others"),
  })
  expect(checkServed({ ...served, stalledSince: now })).toMatchObject({ status: "bad", verdict: saying("since 2026-11-30 12:00 UTC") })
})

test("who is told: nobody, somebody, somebody who cannot be reached, and alerts that stand still", () => {
  const telling = { receivers: ["mail"], failing: [], waiting: 0, stalledSince: undefined }
  expect(checkTelling({ ...telling, receivers: [] })).toMatchObject({ status: "ok", remedy: saying("FREEHOLD_ALERT_NTFY") })
  expect(checkTelling(telling)).toMatchObject({ status: "ok", verdict: "Trouble is told of by mail." })
  expect(checkTelling({ ...telling, failing: [{ receiver: "mail", error: "nobody listens there" }], waiting: 2 })).toMatchObject({
    status: "warn",
    verdict: saying("(nobody listens there), and 2 wait"),
  })
  expect(checkTelling({ ...telling, stalledSince: now })).toMatchObject({ status: "bad" })
})

test("backups: none, fresh, late, and one that failed since", () => {
  const newest = { file: "/b/x.age", at: now - 3_600_000, isLate: false }
  expect(checkBackup({ newest: undefined, failed: undefined }, now)).toMatchObject({ status: "warn", remedy: saying("freehold backup") })
  expect(checkBackup({ newest, failed: { at: now - 86_400_000, problem: "old" } }, now)).toMatchObject({
    status: "ok",
    verdict: saying("/b/x.age"),
  })
  expect(checkBackup({ newest: { ...newest, at: now - 3 * 86_400_000, isLate: true }, failed: undefined }, now)).toMatchObject({
    status: "warn",
    verdict: saying("3 days old"),
  })
  expect(checkBackup({ newest: { ...newest, isLate: true }, failed: undefined }, now)).toMatchObject({ verdict: saying("1 hours old") })
  expect(checkBackup({ newest: { ...newest, at: now + 86_400_000, isLate: true }, failed: undefined }, now)).toMatchObject({
    status: "warn",
    verdict: saying("still to come: /b/x.age. The clock was wrong"),
  })
  expect(checkBackup({ newest, failed: { at: now, problem: "the disk is full." } }, now)).toMatchObject({
    status: "bad",
    verdict: saying(": the disk is full."),
  })
})

test("a data folder: closed, open, missing, no folder", () => {
  chmodSync(folder, 0o700)
  expect(checkDataFolder(folder)).toMatchObject({ status: "ok" })
  chmodSync(folder, 0o750)
  expect(checkDataFolder(folder)).toMatchObject({ status: "bad", verdict: saying("mode 750"), remedy: `chmod 700 ${folder}` })
  expect(checkDataFolder(at("none"))).toMatchObject({ status: "bad", verdict: saying("There is no data folder") })
  writeFileSync(at("file"), "")
  expect(checkDataFolder(at("file"))).toMatchObject({ status: "bad", verdict: saying("is no folder") })
})

test("secrets: private, loose in a closed folder, loose in an open one, and loose elsewhere", () => {
  mkdirSync(at("data"), { mode: 0o700 })
  const [data, key, elsewhere] = [at("data"), at("data/store-key"), at("jwt")]
  expect(checkSecrets(data, [])).toMatchObject({ status: "ok", verdict: saying("no file with secrets yet") })
  writeFileSync(key, "x", { mode: 0o600 })
  writeFileSync(elsewhere, "x", { mode: 0o600 })
  expect(checkSecrets(data, [elsewhere, at("gone")])).toEqual({ status: "ok", verdict: "2 files with secrets can be read by nobody else." })
  chmodSync(key, 0o644)
  expect(checkSecrets(data, [])).toMatchObject({
    status: "warn",
    verdict: saying("the folder around is closed"),
    remedy: `chmod 600 ${key}`,
  })
  chmodSync(data, 0o755)
  expect(checkSecrets(data, [])).toMatchObject({ status: "bad" })
  chmodSync(data, 0o700)
  chmodSync(key, 0o600)
  chmodSync(elsewhere, 0o640)
  expect(checkSecrets(data, [elsewhere])).toMatchObject({ status: "bad", verdict: saying(elsewhere) })
})

test("a store at rest is read without a trace, with the journal that a crash left, and a damaged or newer one is told", () => {
  const file = at("freehold.db")
  expect(checkStore(file, ["0001"])).toMatchObject({ status: "warn", verdict: saying("no store") })
  const sqlite = new Database(file, { create: true })
  undo.push(() => sqlite.close())
  sqlite.run("PRAGMA journal_mode = WAL")
  sqlite.run("CREATE TABLE kysely_migration (name TEXT)")
  sqlite.run("INSERT INTO kysely_migration VALUES ('0001')")
  sqlite.run("CREATE TABLE certificates (hostname TEXT, not_after INTEGER)")
  sqlite.run("CREATE TABLE certificate_attempts (hostname TEXT, failures INTEGER, problem TEXT)")
  sqlite.run("INSERT INTO certificates VALUES ('a.test', 7)")
  const before = readdirSync(folder).sort()
  expect(checkStore(file, ["0001"])).toEqual({ status: "ok", verdict: saying("sound; the journal") })
  expect(storedName(file, "a.test")).toEqual({ notAfter: 7, failures: 0, problem: null })
  expect(storedName(file, "b.test")).toBeUndefined()
  expect(readdirSync(folder).sort()).toEqual(before)
  sqlite.run("PRAGMA wal_checkpoint(TRUNCATE)")
  expect(checkStore(file, ["0001"])).toEqual({ status: "ok", verdict: "The store is sound." })
  expect(checkStore(file, [])).toMatchObject({ status: "bad", verdict: saying("newer Freehold (0001)") })
  writeFileSync(at("broken.db"), "this is no database at all, whatever its name says".repeat(100))
  expect(checkStore(at("broken.db"), [])).toMatchObject({ status: "bad" })
})
