import { afterEach, expect, test } from "bun:test"
import { InternalCa } from "../acme/internal-ca"
import { openDatabase } from "../db/open"
import { Vault } from "../vault"
import { type CertificateReportNeeds, reportCertificate } from "./certificate-report"
import { CertificateStore } from "./certificate-store"

const host = "www.example.test"
const now = Date.UTC(2026, 10, 21)
const dayMs = 86_400_000

const undo: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const step of undo.splice(0)) await step()
})

async function setup(renewAt?: (notAfter: number) => number) {
  const db = await openDatabase(":memory:")
  undo.push(() => db.destroy())
  const store = new CertificateStore(db, new Vault("ab".repeat(32)))
  const issued = await new InternalCa({ load: async () => undefined, save: async () => {} }, () => now).issue(host)
  const third = issued.notAfter - (issued.notAfter - issued.notBefore) / 3
  await store.save(host, { issuer: "internal", holder: "" }, issued, Math.floor(renewAt?.(issued.notAfter) ?? third), now)
  const report = (change: Partial<CertificateReportNeeds> = {}) =>
    reportCertificate({ store, issuerFor: () => ({ name: "internal" }), mayOrder: () => true, ...change }, host)
  return { store, issued, third: Math.floor(third), report }
}

test("a certificate is told with its names and chain, and never with its key", async () => {
  const { issued, third, report } = await setup()
  const told = await report()
  expect(told).toMatchObject({ issuer: "internal", names: [host], notAfter: issued.notAfter, renewal: { at: third, reason: "lifetime" } })
  expect(told.fingerprint).toMatch(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/)
  expect(told.chain[0]?.notAfter).toBe(Math.floor(issued.notAfter / 1000) * 1000)
  expect(told.chain.at(-1)?.issuer).toMatch(/CN=/)
  expect(JSON.stringify(told)).not.toContain("PRIVATE")
})

test("the plan says why: the issuer's wish, another issuer, a failure, or orders that are held", async () => {
  const { store, report } = await setup((notAfter) => notAfter - dayMs / 100)
  expect((await report()).renewal?.reason).toBe("issuer")
  expect((await report({ issuerFor: () => ({ name: "https://another.test/dir" }) })).renewal).toEqual({
    at: undefined,
    reason: "other_issuer",
  })
  await store.saveAttempt({
    hostname: host,
    failures: 2,
    lastAttemptAt: now,
    nextAttemptAt: now + dayMs,
    problem: "CAA forbids it",
    putOff: 0,
  })
  const failed = await report()
  expect(failed.renewal).toEqual({ at: now + dayMs, reason: "retry" })
  expect(failed.lastFailure).toEqual({ problem: "CAA forbids it", failures: 2, at: now, nextAttemptAt: now + dayMs })
  expect((await report({ mayOrder: () => false })).renewal).toEqual({ at: undefined, reason: "held" })
  const limited = { hostname: host, failures: 0, lastAttemptAt: now, nextAttemptAt: now + dayMs, problem: "a rate limit", putOff: 1 }
  await store.saveAttempt(limited)
  expect((await report()).lastFailure).toMatchObject({ problem: "a rate limit", isPutOff: true })
})

test("a name without a certificate has nothing but its last failure", async () => {
  const { store } = await setup()
  const needs = { store, issuerFor: () => ({ name: "internal" }), mayOrder: () => true }
  expect(await reportCertificate(needs, "other.test")).toMatchObject({
    issuer: undefined,
    chain: [],
    renewal: undefined,
    lastFailure: undefined,
  })
})
