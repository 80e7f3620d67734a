import { afterEach, expect, test } from "bun:test"
import { IssuanceError, type Issuer } from "../acme/issuer"
import { InternalCa } from "../acme/internal-ca"
import { openDatabase } from "../db/open"
import { Vault } from "../vault"
import { CertificateRefused } from "./certificate-refused"
import { CertificateStore } from "./certificate-store"
import { Certificates } from "./certificates"

const HOUR_MS = 3_600_000
const opened: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of opened.splice(0)) await close()
})

/** Certificates of a CA of which handshakes may order `budget`, for the names `a` to `z` below `example.test`. */
async function setup({ budget = 2, issuerName = "https://ca.test/dir", maxOrders = 256 } = {}) {
  const clock = { at: Date.UTC(2026, 5, 1) }
  const db = await openDatabase(":memory:")
  opened.push(() => db.destroy())
  const ca = new InternalCa({ load: async () => undefined, save: async () => {} }, () => clock.at)
  const ordered: string[] = []
  const held: { gate: PromiseWithResolvers<void> | undefined } = { gate: undefined }
  const issuer: Issuer = {
    name: issuerName,
    issue: async (hostname) => {
      ordered.push(hostname)
      await held.gate?.promise
      return ca.issue(hostname)
    },
    renewalWindow: async () => undefined,
  }
  const booked: string[] = []
  const lines: { message: string; fields: Record<string, unknown> | undefined }[] = []
  const log = {
    debug: () => {},
    info: () => {},
    error: () => {},
    warn: (message: string, fields?: object) => void lines.push({ message, fields: { ...fields } }),
  }
  const certificates = new Certificates({
    gate: (hostname) => hostname.endsWith(".example.test"),
    store: new CertificateStore(db, new Vault("ab".repeat(32))),
    issuerFor: () => issuer,
    bookHandshake: async (hostname) => {
      if (booked.length >= budget) throw new IssuanceError("no", { problem: "the budget is used up", putOffUntil: clock.at + HOUR_MS })
      booked.push(hostname)
    },
    log,
    now: () => clock.at,
    maxOrders,
  })
  return {
    certificates,
    ordered,
    booked,
    held,
    clock,
    lines,
    settings: {
      set budget(to: number) {
        budget = to
      },
    },
  }
}

const reasonOf = async (promise: Promise<unknown>) => {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  return error === undefined ? "served" : error instanceof CertificateRefused ? error.reason : error
}

test("handshakes order within their budget; beyond it they are refused from memory, and operators are told once", async () => {
  const { certificates, ordered, booked, clock, lines, settings } = await setup()
  const at = (letter: string) => reasonOf(certificates.secureContext(`${letter}.example.test`))
  expect([await at("a"), await at("b"), await at("c"), await at("c"), await at("d")]).toEqual([
    "served",
    "served",
    "backing_off",
    "backing_off",
    "backing_off",
  ])
  // Who has a certificate is served without another order.
  expect(await at("a")).toBe("served")
  expect(ordered).toEqual(["a.example.test", "b.example.test"])
  expect(lines).toEqual([
    {
      message: "handshakes ask for more certificates than their budget",
      fields: { hostname: "c.example.test", problem: "the budget is used up", refused: 1 },
    },
  ])
  expect(certificates.counts.all()[0]?.failures.get("handshake_budget")).toBe(2)
  // It is no failure of the name, and on no record.
  expect(await certificates.status("c.example.test")).toEqual({ state: "none" })
  settings.budget = 3
  clock.at += HOUR_MS - 1
  expect(await at("c")).toBe("backing_off")
  clock.at += 1
  expect(await at("c")).toBe("served")
  expect(booked).toEqual(["a.example.test", "b.example.test", "c.example.test"])
  expect(await at("e")).toBe("backing_off")
  expect(lines.map(({ fields }) => fields?.["refused"])).toEqual([1, 2])
})

test("names that are certified in the background need no budget, also while handshakes of theirs are refused", async () => {
  const { certificates, ordered, booked } = await setup({ budget: 0 })
  const [handshake] = await Promise.all([reasonOf(certificates.secureContext("a.example.test")), certificates.obtain("a.example.test")])
  expect(handshake).toBe("backing_off")
  expect(ordered).toEqual(["a.example.test"])
  expect(await reasonOf(certificates.secureContext("a.example.test"))).toBe("served")
  await certificates.renew("a.example.test")
  expect(ordered).toHaveLength(2)
  expect(booked).toEqual([])
})

test("a crowd at one name takes one order from the budget, and the built-in CA's orders take none", async () => {
  const { certificates, booked } = await setup({ budget: 1 })
  const ends = await Promise.all(Array.from({ length: 50 }, () => reasonOf(certificates.secureContext("a.example.test"))))
  expect(new Set(ends)).toEqual(new Set(["served"]))
  expect(booked).toEqual(["a.example.test"])
  const own = await setup({ budget: 0, issuerName: "internal" })
  expect(await reasonOf(own.certificates.secureContext("a.example.test"))).toBe("served")
})

test("orders at handshakes leave a quarter of the places to others", async () => {
  const { certificates, ordered, held } = await setup({ budget: 100, maxOrders: 4 })
  held.gate = Promise.withResolvers()
  const visits = ["a", "b", "c"].map((letter) => reasonOf(certificates.secureContext(`${letter}.example.test`)))
  while (ordered.length < 3) await Bun.sleep(1)
  expect(await reasonOf(certificates.secureContext("d.example.test"))).toBe("busy")
  const renewal = certificates.renew("e.example.test")
  while (ordered.length < 4) await Bun.sleep(1)
  held.gate.resolve()
  await renewal
  expect(await Promise.all(visits)).toEqual(["served", "served", "served"])
  expect(ordered.at(-1)).toBe("e.example.test")
})
