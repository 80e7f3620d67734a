import { expect, test } from "bun:test"
import { EdgeTotals } from "./edge-totals"
import type { EndedRequest } from "./record"
import { HostCounts } from "./host-counts"
import { TrafficCounters } from "./traffic-counters"

const application = { host: "a.example", target: { kind: "upstream", upstream: { host: "127.0.0.1", port: 1 } } } as EndedRequest["route"]
const platform = { host: "b.example", target: { kind: "upstream", upstream: { unix: "/api" } } } as EndedRequest["route"]
const answered = (status: number, firstByteMs = 0) =>
  ({ status, bytesIn: 10, bytesOut: 100, firstByteMs }) as NonNullable<EndedRequest["exchange"]>

const ended = (given: Partial<EndedRequest>): EndedRequest => ({
  head: undefined,
  route: undefined,
  exchange: undefined,
  status: 200,
  client: "",
  startedAt: 0,
  requestId: "",
  version: 1,
  ...given,
})

const shown = (totals: EdgeTotals) =>
  totals
    .requests()
    .filter(({ count }) => count > 0)
    .map(({ scheme, protocol, code, answeredBy, count }) => `${scheme} ${protocol} ${code} ${answeredBy} ${count}`)

test("requests are told apart by scheme, version, class and who answered", () => {
  const totals = new EdgeTotals()
  totals.request(ended({ route: application, exchange: answered(200) }), true, 1)
  totals.request(ended({ route: application, exchange: answered(502), status: 502, version: 2 }), true, 1)
  // The application was asked and never answered: the page is ours.
  totals.request(ended({ route: application, exchange: answered(0), status: 502, version: 2 }), true, 1)
  totals.request(ended({ route: platform, exchange: answered(404), status: 404, version: 2 }), true, 1)
  totals.request(ended({ status: 301 }), false, 1)
  totals.request(ended({ status: 400, version: 0 }), false, 1)
  totals.request(ended({ status: 0 }), true, 1)
  totals.request(ended({ route: application, exchange: answered(101), status: 101 }), true, 1)
  expect(shown(totals).sort()).toEqual(
    [
      "http 1.0 4xx edge 1",
      "http 1.1 3xx edge 1",
      "https 1.1 1xx application 1",
      "https 1.1 2xx application 1",
      "https 1.1 4xx edge 1",
      "https 2 4xx platform 1",
      "https 2 5xx application 1",
      "https 2 5xx edge 1",
    ].sort(),
  )
  expect(totals.requests()).toHaveLength(75)
  expect(totals.bytes).toEqual({ received: 50, sent: 500 })
})

test("times are counted in the bucket whose bound they do not pass", () => {
  const totals = new EdgeTotals()
  for (const ms of [1, 1.1, 60_000, 60_001]) totals.request(ended({ route: application, exchange: answered(200, ms) }), true, ms)
  const [times] = totals.durations()
  expect(times?.times.counts).toEqual([1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1])
  expect(times?.times.sum).toBeCloseTo(120.0031, 9)
  expect(totals.firstBytes().counts).toEqual(times!.times.counts)
  expect(totals.durations()[2]?.times.counts.every((count) => count === 0)).toBe(true)
})

test("what another thread counted is added once", () => {
  const [main, thread] = [new EdgeTotals(), new EdgeTotals()]
  thread.request(ended({ route: application, exchange: answered(200) }), true, 5)
  thread.connection("turned_away")
  main.connection("accepted")
  for (let round = 0; round < 2; round++) main.absorb(thread.take())
  expect(shown(main)).toEqual(["https 1.1 2xx application 1"])
  expect(main.connections().map(({ count }) => count)).toEqual([1, 1, 0, 0])
  expect(main.durations()[0]?.times.sum).toBe(0.005)
  expect(shown(thread)).toEqual([])
})

test("counts of a named hostname only grow, over the minutes, and begin when it is named", () => {
  let named = ["a.example"]
  const counts = new HostCounts(() => named)
  const traffic = new TrafficCounters({ onTaken: (minute) => counts.keep(minute) }, () => 0)
  const read = () => counts.read(traffic.current).map(({ host, classes, bytesOut }) => [host, classes["2xx"], classes["5xx"], bytesOut])
  traffic.note("a.example", 200, 0, 10, 1)
  traffic.note("b.example", 200, 0, 10, 1)
  expect(read()).toEqual([["a.example", 1, 0, 10]])
  traffic.take(60_000)
  expect(read()).toEqual([["a.example", 1, 0, 10]])
  traffic.note("a.example", 503, 0, 1, 1)
  traffic.take(120_000)
  named = ["a.example", "b.example"]
  expect(read()).toEqual([
    ["a.example", 1, 1, 11],
    ["b.example", 0, 0, 0],
  ])
})
