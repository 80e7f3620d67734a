import { expect, test } from "bun:test"
import type { RecordReport } from "../connect/needs"
import { HostnameRecords, type HostnameRecordsNeeds } from "./hostname-records"

const record = { host: "app.demo.test", type: "A" as const, value: "203.0.113.7", ttl: 300 }

const records = (recursives: RecordReport["recursives"]) => {
  const place = { zone: "demo.test", apex: "demo.test", kind: "subdomain" as const, detected: undefined, nameServers: ["ns.demo.test"] }
  return new HostnameRecords({
    world: {
      surroundings: () => Promise.resolve(place),
      judge: () =>
        Promise.resolve([{ record, propagated: true, observedValue: record.value, authorities: [], recursives, explanation: "" }]),
    } as unknown as HostnameRecordsNeeds["world"],
    usual: () => [record],
    privateZones: ["lan"],
    take: () => {},
    now: () => 0,
  })
}

const claimed = { hostname: "app.demo.test", ownership: undefined, address: undefined, challenge: undefined }

test("what resolvers still remember is told with how long they will, in the API's own spelling", async () => {
  const seen = { resolver: "1.1.1.1", outcome: "answer", values: ["203.0.113.9"] }
  const { records: shown } = await records([{ ...seen, ttlLeftSeconds: 2460 }, seen]).read("ada", claimed)
  expect(shown[0]?.recursives as object[]).toEqual([
    { ...seen, ttl_left: 2460 },
    { ...seen, ttl_left: null },
  ])
})
