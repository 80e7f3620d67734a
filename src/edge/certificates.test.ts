import { afterAll, afterEach, expect, test } from "bun:test"
import { mkdtemp, rm } from "node:fs/promises"
import { createServer as createHttpServer } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { AcmeIssuer } from "../acme/acme-issuer"
import { ChallengeBoard } from "../acme/challenges"
import { InternalCa } from "../acme/internal-ca"
import { IssuanceError, type Issued, type Issuer, type RenewalWindow } from "../acme/issuer"
import { hasPebble, startLonePebble } from "../../test/lab/pebble-alone"
import { type Db, openDatabase } from "../db/open"
import { silentLog } from "../log"
import { Vault } from "../vault"
import { CertificateStore } from "./certificate-store"
import { CertificateRefused, Certificates, type CertificatesOptions } from "./certificates"
import { RenewalWorker } from "./renewal"

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS
const KEY = "ab".repeat(32)
const HOST = "www.example.test"

const opened: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close()
})
const folder = await mkdtemp(join(tmpdir(), "certificates-"))
afterAll(() => rm(folder, { recursive: true, force: true }))

/** The built-in CA, whose orders can be held up, made to fail, and counted. */
class WatchedIssuer implements Issuer {
  orders: { hostname: string; replaces: string | undefined }[] = []
  fault: IssuanceError | undefined
  held: PromiseWithResolvers<void> | undefined
  window: RenewalWindow | undefined
  questions = 0
  private ca: InternalCa

  constructor(
    readonly name: string,
    now: () => number,
  ) {
    this.ca = new InternalCa({ load: async () => undefined, save: async () => {} }, now)
  }

  async issue(hostname: string, replaces?: string): Promise<Issued> {
    this.orders.push({ hostname, replaces })
    await this.held?.promise
    if (this.fault) throw this.fault
    return this.ca.issue(hostname)
  }

  async renewalWindow(): Promise<RenewalWindow | undefined> {
    this.questions++
    return this.window
  }
}

async function setup(more: Partial<CertificatesOptions> & { db?: Db; at?: number } = {}) {
  const clock = { at: more.at ?? Date.UTC(2026, 5, 1) }
  const now = () => clock.at
  const db = more.db ?? (await openDatabase(":memory:"))
  if (!more.db) opened.push(() => db.destroy())
  const store = new CertificateStore(db, new Vault(KEY))
  const allowed = new Set([HOST])
  const issuer = new WatchedIssuer("https://ca.test/dir", now)
  const gate = (hostname: string) => allowed.has(hostname)
  const shared = { gate, store, issuerFor: () => issuer as Issuer, log: silentLog, now, random: () => 0.5, ...more }
  const certificates = new Certificates(shared)
  const worker = new RenewalWorker({ ...shared, certificates })
  return { certificates, worker, store, issuer, allowed, clock, db, shared }
}

const refusal = async (promise: Promise<unknown>) => {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(CertificateRefused)
  return (error as CertificateRefused).reason
}

const validationFault = () => new IssuanceError("refused", { problem: '{"type":"urn:x"}', failedValidations: 1 })

test("a name the gate refuses reaches neither store nor issuer", async () => {
  const { certificates, issuer, db } = await setup()
  await db.schema.dropTable("certificates").execute()
  await db.schema.dropTable("certificateAttempts").execute()
  expect(await refusal(certificates.secureContext("other.example.test"))).toBe("not_allowed")
  await certificates.obtain("other.example.test")
  expect(issuer.orders).toEqual([])
})

test("a name in memory is refused once the gate no longer allows it", async () => {
  const { certificates, allowed } = await setup()
  await certificates.secureContext(HOST)
  allowed.delete(HOST)
  expect(await refusal(certificates.secureContext(HOST))).toBe("not_allowed")
})

test("a certificate obtained beforehand serves handshakes from memory, and after a restart from the store", async () => {
  const { certificates, issuer, shared, store } = await setup()
  await certificates.obtain(HOST)
  const context = await certificates.secureContext(HOST)
  expect(await certificates.secureContext(HOST)).toBe(context)
  await new Certificates(shared).secureContext(HOST)
  await certificates.obtain(HOST)
  expect(issuer.orders).toHaveLength(1)
  expect(await certificates.status(HOST)).toMatchObject({ state: "issued", issuer: "https://ca.test/dir" })
  expect(await store.attempt(HOST)).toBeUndefined()
})

test("handshakes at once share one order", async () => {
  const { certificates, issuer } = await setup()
  const all = await Promise.all([...Array(20)].map(() => certificates.secureContext(HOST)))
  expect(new Set(all).size).toBe(1)
  expect(issuer.orders).toHaveLength(1)
})

test("a handshake waits so long, and the order goes on without it", async () => {
  const { certificates, issuer } = await setup({ handshakeWaitMs: 20 })
  issuer.held = Promise.withResolvers()
  expect(await refusal(certificates.secureContext(HOST))).toBe("waiting")
  expect((await certificates.status(HOST)).state).toBe("none")
  issuer.held.resolve()
  await certificates.obtain(HOST)
  await certificates.secureContext(HOST)
  expect(issuer.orders).toHaveLength(1)
})

test("a name unmapped while its order runs is refused, and nothing of it stays in memory", async () => {
  const { certificates, issuer, allowed } = await setup()
  issuer.held = Promise.withResolvers()
  const handshake = refusal(certificates.secureContext(HOST))
  while (issuer.orders.length === 0) await Bun.sleep(1)
  allowed.delete(HOST)
  await certificates.remove(HOST)
  issuer.held.resolve()
  expect(await handshake).toBe("not_allowed")
})

test("orders under way are bounded, and what found no room is taken up later", async () => {
  const { certificates, issuer, allowed, worker } = await setup({ maxOrders: 1 })
  allowed.add("b.test")
  issuer.held = Promise.withResolvers()
  const first = certificates.obtain(HOST)
  while (issuer.orders.length === 0) await Bun.sleep(1)
  expect(await refusal(certificates.secureContext("b.test"))).toBe("busy")
  await certificates.obtain("b.test")
  issuer.held.resolve()
  await first
  await worker.turn()
  expect((await certificates.status("b.test")).state).toBe("issued")
})

test("a failure is kept with the CA's words, and its name refused from memory until the time is up", async () => {
  const { certificates, issuer, clock, db } = await setup()
  issuer.fault = validationFault()
  expect(await refusal(certificates.secureContext(HOST))).toBe("failed")
  const status = await certificates.status(HOST)
  expect(status).toMatchObject({ state: "backing_off", problem: '{"type":"urn:x"}' })
  expect((status.nextAttemptAt ?? 0) - clock.at).toBe(1.05 * MINUTE_MS)
  await certificates.obtain(HOST)
  expect(issuer.orders).toHaveLength(1)
  await db.schema.alterTable("certificates").renameTo("elsewhere").execute()
  expect(await refusal(certificates.secureContext(HOST))).toBe("backing_off")
  await db.schema.alterTable("elsewhere").renameTo("certificates").execute()
  clock.at += 2 * MINUTE_MS
  issuer.fault = undefined
  await certificates.secureContext(HOST)
  expect((await certificates.status(HOST)).state).toBe("issued")
})

test("the back-off outlives the process", async () => {
  const { certificates, issuer, shared } = await setup()
  issuer.fault = validationFault()
  await certificates.obtain(HOST)
  expect(await refusal(new Certificates(shared).secureContext(HOST))).toBe("backing_off")
  expect(issuer.orders).toHaveLength(1)
})

test.each([1, 2])("with %p failed validations an attempt, no hour holds more than five, and the pause grows to a day", async (cost) => {
  const { certificates, issuer, clock, worker } = await setup()
  issuer.fault = new IssuanceError("refused", { failedValidations: cost })
  const tried: number[] = []
  await certificates.obtain(HOST)
  tried.push(clock.at)
  for (let n = 0; n < 14; n++) {
    clock.at = (await certificates.status(HOST)).nextAttemptAt ?? 0
    await worker.turn()
    tried.push(clock.at)
  }
  expect(issuer.orders).toHaveLength(tried.length)
  for (const start of tried) expect(tried.filter((at) => at >= start && at < start + HOUR_MS).length * cost).toBeLessThanOrEqual(5)
  expect(((await certificates.status(HOST)).nextAttemptAt ?? 0) - clock.at).toBe(1.05 * DAY_MS)
})

test("mapping a name anew does not give it another five failures", async () => {
  const { certificates, issuer, clock } = await setup()
  issuer.fault = validationFault()
  for (let n = 0; n < 10; n++) {
    await certificates.obtain(HOST)
    await certificates.remove(HOST)
    clock.at += 1000
  }
  expect(issuer.orders).toHaveLength(5)
})

test("a CA that says by itself that its limit is reached has put the order off; one that says no has not", async () => {
  const { certificates, issuer, clock } = await setup()
  const problem = (type: string) => JSON.stringify({ type: `urn:ietf:params:acme:error:${type}`, detail: "too many" })
  issuer.fault = new IssuanceError("no", { problem: problem("rateLimited"), retryAfterMs: HOUR_MS })
  await certificates.obtain(HOST)
  expect(await certificates.status(HOST)).toMatchObject({ isPutOff: true, nextAttemptAt: clock.at + HOUR_MS })
  clock.at += 2 * HOUR_MS
  issuer.fault = new IssuanceError("no", { problem: problem("caa") })
  await certificates.obtain(HOST)
  const status = await certificates.status(HOST)
  expect(status).toMatchObject({ state: "backing_off", problem: problem("caa") })
  expect(status).not.toHaveProperty("isPutOff")
})

test("an order that a limit puts off is no failure: it waits until the time, and says why", async () => {
  const { certificates, issuer, clock, worker } = await setup()
  issuer.fault = new IssuanceError("not yet", { putOffUntil: clock.at + HOUR_MS, problem: "3 of 3 used" })
  await certificates.obtain(HOST)
  expect(await certificates.status(HOST)).toEqual({
    state: "backing_off",
    problem: "3 of 3 used",
    nextAttemptAt: clock.at + HOUR_MS,
    isPutOff: true,
  })
  issuer.fault = undefined
  await certificates.obtain(HOST)
  clock.at += HOUR_MS - 1
  await worker.turn()
  expect(issuer.orders).toHaveLength(1)
  clock.at += 1
  await worker.turn()
  expect(issuer.orders).toHaveLength(2)
  expect((await certificates.status(HOST)).state).toBe("issued")
})

test("a name that comes back to its holder has its certificate again, another holder gets a new key and the old one is deleted", async () => {
  const holder = { of: "ada" }
  const reused: string[] = []
  const t = await setup({ holderOf: async () => holder.of, onReused: (hostname) => reused.push(hostname) })
  const key = async () => (await t.store.find(HOST))?.keyPem
  await t.certificates.obtain(HOST)
  const first = await key()
  await t.certificates.remove(HOST)
  t.allowed.delete(HOST)
  expect(await refusal(t.certificates.secureContext(HOST))).toBe("not_allowed")
  expect(await key()).toBe(first)
  t.allowed.add(HOST)
  await t.certificates.obtain(HOST)
  expect(t.issuer.orders).toHaveLength(1)
  expect(reused).toEqual([HOST])
  await t.certificates.remove(HOST)
  holder.of = "bob"
  // A visitor who is there before the order is, and a thread of the edge.
  await t.certificates.pair(HOST)
  expect(t.issuer.orders).toHaveLength(2)
  expect(await key()).not.toBe(first)
})

test("what was ordered for one holder is not given to the next", async () => {
  const holder = { of: "ada" }
  const t = await setup({ holderOf: async () => holder.of })
  t.issuer.held = Promise.withResolvers<void>()
  const order = t.certificates.obtain(HOST)
  while (t.issuer.orders.length === 0) await Bun.sleep(1)
  holder.of = "bob"
  t.issuer.held.resolve()
  await order
  expect(await t.store.find(HOST)).toBeUndefined()
  expect((await t.certificates.status(HOST)).problem).toContain("changed hands")
})

test("the certificate of a name that is gone is kept until it ends, and its key no longer", async () => {
  const { certificates, allowed, clock, store, worker } = await setup()
  await certificates.obtain(HOST)
  await certificates.remove(HOST)
  allowed.delete(HOST)
  clock.at += 29 * DAY_MS
  await worker.turn()
  expect(await store.find(HOST)).toBeDefined()
  clock.at += 2 * DAY_MS
  await worker.turn()
  expect(await store.find(HOST)).toBeUndefined()
})

test("a certificate whose key does not open, or that has expired, counts as absent", async () => {
  const { certificates, issuer, clock, db, shared } = await setup()
  await certificates.obtain(HOST)
  const rotated = { ...shared, store: new CertificateStore(db, new Vault("cd".repeat(32))) }
  await new Certificates(rotated).secureContext(HOST)
  expect(issuer.orders).toHaveLength(2)
  clock.at += 31 * DAY_MS
  expect((await certificates.status(HOST)).state).toBe("none")
  await certificates.secureContext(HOST)
  expect(issuer.orders).toHaveLength(3)
})

test("keys are sealed in the store", async () => {
  const { certificates, db } = await setup()
  await certificates.obtain(HOST)
  const row = await db.selectFrom("certificates").selectAll().executeTakeFirstOrThrow()
  expect(JSON.stringify(row)).not.toContain("PRIVATE KEY")
  expect(new Vault(KEY).open(row.sealedKey, `certificates/${HOST}`)).toContain("PRIVATE KEY")
})

test("a removed name keeps its certificate for the day it comes back", async () => {
  const { certificates, issuer, allowed } = await setup()
  await certificates.obtain(HOST)
  allowed.delete(HOST)
  await certificates.remove(HOST)
  allowed.add(HOST)
  await certificates.secureContext(HOST)
  expect(issuer.orders).toHaveLength(1)
})

test("a certificate is renewed at a third of its lifetime left, and the next handshake gets the new one", async () => {
  const { certificates, worker, issuer, clock } = await setup()
  const before = await certificates.secureContext(HOST)
  clock.at += 19 * DAY_MS - 12 * HOUR_MS
  await worker.turn()
  expect(issuer.orders).toHaveLength(1)
  clock.at += 1 * DAY_MS
  await worker.turn()
  expect(issuer.orders).toHaveLength(2)
  expect(issuer.orders[1]?.replaces).toContain("BEGIN CERTIFICATE")
  expect(await certificates.secureContext(HOST)).not.toBe(before)
})

test("a renewal that fails keeps serving what is valid, says so, and is tried again", async () => {
  const { certificates, worker, issuer, clock } = await setup()
  const before = await certificates.secureContext(HOST)
  clock.at += 20 * DAY_MS
  issuer.fault = validationFault()
  await worker.turn()
  expect(await certificates.secureContext(HOST)).toBe(before)
  expect(await certificates.status(HOST)).toMatchObject({ state: "issued", problem: '{"type":"urn:x"}' })
  await worker.turn()
  expect(issuer.orders).toHaveLength(2)
  issuer.fault = undefined
  clock.at += 2 * MINUTE_MS
  await worker.turn()
  expect(await certificates.secureContext(HOST)).not.toBe(before)
})

test("names the gate no longer allows are not renewed", async () => {
  const { certificates, worker, issuer, allowed, clock } = await setup()
  await certificates.obtain(HOST)
  allowed.delete(HOST)
  clock.at += 25 * DAY_MS
  await worker.turn()
  expect(issuer.orders).toHaveLength(1)
  expect(issuer.questions).toBe(0)
})

test("the window an issuer suggests decides, and is asked for again when the issuer says", async () => {
  const { certificates, worker, store, issuer, clock } = await setup()
  await certificates.obtain(HOST)
  const startMs = clock.at + 2 * DAY_MS
  issuer.window = { startMs, endMs: startMs + DAY_MS, retryAfterMs: 6 * HOUR_MS }
  await worker.turn()
  expect((await store.find(HOST))?.renewAt).toBe(startMs + DAY_MS / 2)
  await worker.turn()
  expect(issuer.questions).toBe(1)
  clock.at += 6 * HOUR_MS
  issuer.window = { startMs: clock.at - DAY_MS, endMs: clock.at - HOUR_MS, retryAfterMs: 6 * HOUR_MS }
  await worker.turn()
  expect(issuer.questions).toBe(2)
  await worker.turn()
  expect(issuer.orders).toHaveLength(2)
})

test("a name that changes its issuer is certified anew while the old certificate is served", async () => {
  const { certificates, worker, shared, clock } = await setup()
  await certificates.obtain(HOST)
  const other = new WatchedIssuer("internal", () => clock.at)
  const moved = { ...shared, issuerFor: () => other }
  const after = new Certificates(moved)
  other.fault = validationFault()
  await new RenewalWorker({ ...moved, certificates: after }).turn()
  await after.secureContext(HOST)
  expect(await after.status(HOST)).toMatchObject({ state: "issued", issuer: "https://ca.test/dir" })
  other.fault = undefined
  clock.at += 2 * MINUTE_MS
  await new RenewalWorker({ ...moved, certificates: after }).turn()
  expect(await after.status(HOST)).toMatchObject({ state: "issued", issuer: "internal" })
  await worker.stop()
})

test("the worker runs by itself until it is stopped", async () => {
  const { worker, certificates, store, clock } = await setup()
  await store.begin(HOST, clock.at)
  worker.start()
  for (let n = 0; n < 500 && (await certificates.status(HOST)).state !== "issued"; n++) await Bun.sleep(5)
  expect((await certificates.status(HOST)).state).toBe("issued")
  await worker.stop()
})

test("an order cut short by our own end is no failure and is due at the next start", async () => {
  const { certificates, issuer, store, clock } = await setup()
  issuer.held = Promise.withResolvers()
  issuer.fault = new IssuanceError("stopped")
  const order = certificates.obtain(HOST)
  while (issuer.orders.length === 0) await Bun.sleep(1)
  const stopped = certificates.stop()
  issuer.held.resolve()
  await Promise.all([order, stopped])
  expect(await store.attempt(HOST)).toMatchObject({ failures: 0, nextAttemptAt: clock.at })
  expect(await refusal(certificates.secureContext(HOST))).toBe("busy")
})

test("memory holds no more contexts than it was given room for", async () => {
  const { certificates, allowed, db } = await setup({ contextCacheSize: 1 })
  allowed.add("b.test")
  const first = await certificates.secureContext(HOST)
  await certificates.secureContext("b.test")
  expect(await certificates.secureContext(HOST)).not.toBe(first)
  expect(await db.selectFrom("certificates").select("hostname").execute()).toHaveLength(2)
})

test("accounts are kept sealed; one that does not open is made anew, but a root never is", async () => {
  const { store, db } = await setup()
  await store.accountKeeper("https://ca.test/dir").save("PRIVATE KEY", "https://ca.test/1")
  expect(await store.accountKeeper("https://ca.test/dir").load()).toEqual({ keyPem: "PRIVATE KEY", accountUrl: "https://ca.test/1" })
  const ca = new InternalCa(store.rootKeeper("internal"))
  const root = await ca.rootPem()
  expect(await new InternalCa(store.rootKeeper("internal")).rootPem()).toBe(root)
  const rotated = new CertificateStore(db, new Vault("cd".repeat(32)))
  expect(await rotated.accountKeeper("https://ca.test/dir").load()).toBeUndefined()
  expect(await new InternalCa(rotated.rootKeeper("internal")).issue("a.lan").catch((error: unknown) => error)).toBeInstanceOf(IssuanceError)
  expect(await new InternalCa(store.rootKeeper("internal")).rootPem()).toBe(root)
})

test.skipIf(!hasPebble)("a process killed while the CA validates leaves nothing half written, and the next one finishes", async () => {
  const pebble = await startLonePebble()
  opened.push(() => pebble.stop())
  const path = join(folder, "killed.sqlite")
  const source = join(folder, "killed.ts")
  const from = (file: string) => JSON.stringify(join(import.meta.dir, "..", file))
  await Bun.write(
    source,
    `import { AcmeIssuer } from ${from("acme/acme-issuer")}
     import { ChallengeBoard } from ${from("acme/challenges")}
     import { openDatabase } from ${from("db/open")}
     import { silentLog } from ${from("log")}
     import { Vault } from ${from("vault")}
     import { CertificateStore } from ${from("edge/certificate-store")}
     import { Certificates } from ${from("edge/certificates")}
     const [path, directoryUrl, caPem] = process.argv.slice(2)
     const store = new CertificateStore(await openDatabase(path), new Vault("${KEY}"))
     const account = store.accountKeeper(directoryUrl)
     const issuer = new AcmeIssuer({ directoryUrl, caPem, account, board: new ChallengeBoard(), challengeTypes: () => ["http-01"] })
     await new Certificates({ gate: () => true, store, issuerFor: () => issuer, log: silentLog }).obtain("${HOST}")`,
  )
  const child = Bun.spawn([process.execPath, source, path, pebble.directoryUrl, pebble.caPem], { stdout: "ignore", stderr: "inherit" })
  const board = new ChallengeBoard()
  let knocks = 0
  const server = createHttpServer((req, res) => {
    if (knocks++ === 0) {
      process.kill(child.pid, "SIGKILL")
      void child.exited.then(() => req.socket.destroy())
    } else res.end(board.httpAnswer(req.url?.split("/").pop() ?? "") ?? "")
  })
  await new Promise<void>((resolve) => server.listen(pebble.httpPort, "127.0.0.1", resolve))
  opened.push(() => new Promise((resolve) => server.close(resolve)))
  await child.exited
  expect(child.signalCode).toBe("SIGKILL")

  const db = await openDatabase(path)
  opened.push(() => db.destroy())
  expect(await db.selectFrom("certificates").selectAll().execute()).toEqual([])
  expect(await db.selectFrom("certificateAttempts").selectAll().execute()).toMatchObject([{ hostname: HOST, failures: 0, problem: "" }])
  const { accountUrl } = await db.selectFrom("issuerAccounts").selectAll().executeTakeFirstOrThrow()
  expect(accountUrl).toStartWith("https://localhost:")

  const store = new CertificateStore(db, new Vault(KEY))
  const { directoryUrl, caPem } = pebble
  const account = store.accountKeeper(directoryUrl)
  const issuer = new AcmeIssuer({ directoryUrl, caPem, account, board, challengeTypes: () => ["http-01"], pollMs: 20 })
  const { certificates, worker } = await setup({ db, store, issuerFor: () => issuer, at: Date.now() })
  await worker.turn()
  expect((await certificates.status(HOST)).state).toBe("issued")
  expect(await db.selectFrom("certificateAttempts").selectAll().execute()).toEqual([])
  expect((await account.load())?.accountUrl).toBe(accountUrl)
})

test("what an owner has yet to put in place is looked for again within minutes, however often it was missing", async () => {
  const { certificates, issuer, clock, store } = await setup()
  issuer.fault = new IssuanceError("make the record", { isUnready: true })
  for (let round = 0; round < 8; round++) {
    await certificates.obtain(HOST)
    clock.at = (await store.attempt(HOST))!.nextAttemptAt
  }
  const attempt = await store.attempt(HOST)
  expect(attempt?.failures).toBe(8)
  expect(attempt!.nextAttemptAt - attempt!.lastAttemptAt).toBeLessThanOrEqual(5.5 * MINUTE_MS)
  issuer.fault = undefined
  await certificates.obtain(HOST)
  expect((await certificates.status(HOST)).state).toBe("issued")
})

test("while the store is broken, a name that was served is served, nothing is ordered for the others, and all is well when it is back", async () => {
  const { certificates, issuer, allowed, db, shared } = await setup()
  allowed.add("cold.test")
  await certificates.obtain(HOST)
  await new Certificates(shared).obtain("cold.test")
  const orders = issuer.orders.length
  await db.schema.alterTable("certificates").renameTo("away").execute()
  expect(await certificates.secureContext(HOST)).toBeDefined()
  await expect(certificates.secureContext("cold.test")).rejects.toThrow("no such table")
  await certificates.obtain("cold.test")
  expect(issuer.orders).toHaveLength(orders)
  await db.schema.alterTable("away").renameTo("certificates").execute()
  expect(await certificates.secureContext("cold.test")).toBeDefined()
  expect(issuer.orders).toHaveLength(orders)
})
