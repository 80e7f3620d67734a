import { afterAll, afterEach, expect, test } from "bun:test"
import { startAuthority } from "../certificate-authority.fixture"
import type { Lookup, RecordType } from "../dns/lookup"
import { freePort } from "../../test/lab/ports"
import { examineServedHostname, type ServedHostnameNeeds } from "./served-hostname"

const now = Date.UTC(2026, 10, 30)
const dayMs = 86_400_000
const undo: (() => unknown)[] = []
const authority = await startAuthority()
afterEach(async () => {
  for (const step of undo.splice(0)) await step()
})
afterAll(() => authority.remove())

const lookup = async (name: string, type: RecordType): Promise<Lookup> => ({
  name,
  type,
  zone: "app.test",
  via: "authoritative",
  answers: [{ server: "ns1.test", address: "", outcome: type === "A" ? "answer" : "nodata", values: type === "A" ? ["127.0.0.1"] : [] }],
})

async function tls(name: string): Promise<number> {
  const server = await authority.serve([`DNS:${name}`], (_, res) => res.writeHead(200).end())
  undo.push(() => server.stop())
  return server.port
}

type Edge = NonNullable<ServedHostnameNeeds["edge"]>

async function look(change: Partial<ServedHostnameNeeds> & { edgeChange?: Partial<Edge> } = {}, name = "app.test") {
  const { edgeChange, ...rest } = change
  const port = await tls("app.test")
  const edge: Edge = {
    at: () => ({ host: "127.0.0.1", port }),
    isServed: (one) => one === "app.test",
    compare: async () => ({ state: "ok", detail: null }),
    ...edgeChange,
  }
  const checks = await examineServedHostname(name, {
    privateZones: ["home.arpa"],
    lookup,
    resolve: async () => ({ addresses: [] }),
    publicAddresses: async () => ["127.0.0.1"],
    ownAddresses: () => [],
    lanAddresses: () => ["192.168.1.5"],
    caa: async () => ({ authorities: ["Let's Encrypt"] }),
    now: () => now,
    certificate: async () => ({ notAfter: now + 60 * dayMs, issuer: "internal", problem: undefined, nextAttemptAt: undefined }),
    publicPort: port,
    edge,
    ...rest,
  })
  return Object.fromEntries(checks.map(({ name: of, ...verdict }) => [of, verdict]))
}

const saying = (text: string) => expect.stringContaining(text) as never

test("a hostname that is well", async () => {
  const found = await look()
  expect(Object.entries(found).map(([name, { status }]) => `${name} ${status}`)).toEqual([
    "served ok",
    "address ok",
    "caa ok",
    "certificate ok",
    "handshake ok",
    "reach ok",
    "answer ok",
  ])
  expect(found.reach?.verdict).toContain("came back to our edge")
})

test("hairpin NAT is told apart from down: the edge answers here, its public address does not", async () => {
  const closed = await freePort()
  expect((await look({ publicPort: closed })).reach).toMatchObject({ status: "unknown", verdict: saying("hairpin NAT") })
  const down = await look({ edgeChange: { at: () => ({ host: "127.0.0.1", port: closed }) } })
  expect(down.reach).toMatchObject({ status: "bad", verdict: saying("gave no certificate") })
  expect(down.answer).toMatchObject({ status: "unknown" })
})

test("another certificate than the stored one, and somebody else at the public address", async () => {
  const found = await look({
    edgeChange: { compare: async () => ({ state: "differs", detail: "visitors are served another certificate, of x.test" }) },
    publicPort: await tls("router.test"),
  })
  expect(found.handshake).toMatchObject({ status: "bad", verdict: "Visitors are served another certificate, of x.test." })
  expect(found.reach).toMatchObject({ status: "warn", verdict: saying("router.test") })
})

test.each([
  [undefined, "warn", "no certificate for app.test"],
  [{ notAfter: undefined, problem: "CAA forbids it." }, "bad", "There is no certificate for app.test: CAA forbids it."],
  [
    { notAfter: undefined, problem: "all are used up; it is ordered at 03:22", isPutOff: true },
    "warn",
    "There is no certificate for app.test yet: all are used up; it is ordered at 03:22.",
  ],
  [{ notAfter: now - 1, problem: "no." }, "bad", "expired at 2026-11-29 23:59 UTC, for no."],
  [{ notAfter: now + 20 * dayMs, problem: "no." }, "warn", "cannot be renewed, with 20 days left: no."],
  [{ notAfter: now + 3 * dayMs, problem: "no." }, "bad", "with 3 days left"],
] as const)("the stored certificate %p is %s", async (kept, status, verdict) => {
  const certificate = async () => kept && { issuer: undefined, nextAttemptAt: undefined, ...kept }
  expect((await look({ certificate })).certificate).toMatchObject({ status, verdict: saying(verdict) })
})

test("a limit that keeps its order waiting is a warning with what is to be done, and none is well", async () => {
  const limits = async () => ({ severity: "warning", sentence: "All are used up; it is ordered at 03:22.", fix: "Nothing is to be done." })
  expect((await look({ limits })).limits).toMatchObject({ status: "warn", verdict: "All are used up; it is ordered at 03:22." })
  expect((await look({ limits: async () => undefined })).limits).toMatchObject({ status: "ok" })
})

test("a hostname that nobody serves here, one of the house, one that is none, and an appliance that is down", async () => {
  const found = await look({}, "other.test")
  expect(found.served).toMatchObject({ status: "bad" })
  expect(Object.keys(found)).toEqual(["served", "address", "caa", "certificate"])
  expect((await look({}, "nas.home.arpa")).address).toMatchObject({ status: "warn", verdict: saying("own resolver does not know") })
  await expect(look({}, "bad host")).rejects.toMatchObject({ code: "invalid" })
  expect(Object.keys(await look({ edge: undefined }))).toEqual(["address", "caa", "certificate"])
})
