// What a request pays for the live feed: `bun test/probes/request-tap.ts`. Best of nine rounds of 200,000 requests, nanoseconds a request.
import { AccessLog } from "../../src/edge/access-log"
import { type EndedRequest, recordRequest } from "../../src/edge/record"
import type { RelayContext } from "../../src/edge/relay-context"
import { RequestTap } from "../../src/edge/request-tap"
import { TrafficCounters } from "../../src/edge/traffic-counters"

const tap = new RequestTap(() => {})
const facts = { serverName: "app.test", address: "192.0.2.7", tls: "TLSv1.3" }
const head = { host: "app.test", method: "GET", target: "/a/b?page=2", version: 1 }
const route = { host: "app.test", target: { kind: "upstream", upstream: { host: "127.0.0.1", port: 80 } } }
const ended = {
  head,
  route,
  exchange: undefined,
  status: 200,
  client: "192.0.2.7",
  startedAt: 0,
  requestId: "x",
  version: 1,
} as unknown as EndedRequest
const context = (more: object) =>
  ({
    isLogged: () => false,
    now: Date.now,
    accessLog: new AccessLog(undefined),
    traffic: new TrafficCounters(),
    ...more,
  }) as unknown as RelayContext

const cases: [string, RelayContext, string[]][] = [
  ["without a tap", context({}), []],
  ["nobody watches", context({ tap }), []],
  ["another name is watched", context({ tap }), ["other.test"]],
  ["the name is watched", context({ tap }), ["app.test"]],
]
for (const [, each] of cases) for (let i = 0; i < 400_000; i++) recordRequest(each, facts, ended)
const best = new Map<string, number>()
for (let round = 0; round < 9; round++) {
  for (const [name, each, watched] of cases) {
    tap.watch(watched)
    const began = Bun.nanoseconds()
    for (let i = 0; i < 200_000; i++) recordRequest(each, facts, ended)
    best.set(name, Math.min(best.get(name) ?? Infinity, (Bun.nanoseconds() - began) / 200_000))
  }
}
tap.watch([])
for (const [name, ns] of best) console.log(`${name}: ${ns.toFixed(0)} ns`)
