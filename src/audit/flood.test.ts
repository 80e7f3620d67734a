import { expect, test } from "bun:test"
import { startApi } from "../../test/api"
import { AuditTrail } from "./service"
import { AuditStore } from "./store"

test("whoever floods the trail pushes out what they did themselves, and nothing of others", async () => {
  const api = await startApi()
  const now = () => api.clock.ms
  const bounds = { maxKnown: 100, maxPerPerson: 20 }
  const trail = new AuditTrail({ store: new AuditStore(api.db), retentionMs: 86_400_000, log: api.log, now, ...bounds })
  await api.db.deleteFrom("auditEntries").execute()
  const act = (personId: string, target: string) => {
    const entry = { personId, username: personId, tokenKind: null, tokenId: null, address: "192.0.2.1", action: "PUT /x", target }
    return trail.record({ ...entry, outcome: "allowed", status: 200 })
  }
  for (let i = 0; i < 10; i++) await act("u2", String(i))
  for (let i = 0; i < 120; i++) await act("u1", String(i))
  await trail.sweep(new AbortController().signal)
  const left = await api.db.selectFrom("auditEntries").select(["personId", "target"]).orderBy("id").execute()
  const of = (who: string) => left.filter(({ personId }) => personId === who).map(({ target }) => target)
  expect(of("u2")).toEqual(Array.from({ length: 10 }, (_, i) => String(i)))
  expect(of("u1")).toEqual(Array.from({ length: 20 }, (_, i) => String(i + 100)))
  expect(api.logged.filter((line) => line.includes("cut at its bound") && line.includes("u1"))).toHaveLength(1)
})

test("of requests by nobody, a network of IPv6 gets as many entries as an address", async () => {
  const api = await startApi()
  const ada = await api.person("ada")
  for (let i = 0; i < 40; i++) await api.send("GET", "/api/tokens", { from: `2001:db8::${i.toString(16)}` })
  const page = (await (await api.send("GET", "/api/audit?action=GET /api/tokens", { token: ada.token })).json()) as { entries: object[] }
  expect(page.entries).toHaveLength(30)
})
