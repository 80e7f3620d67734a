import { afterAll, expect, test } from "bun:test"
import { temporaryFolder } from "../lab/process"
import { type SharedCertificate, makeCertificate } from "./certificate"
import { Connection, openAll } from "./connection"
import { runConstantRate } from "./constant-rate"
import { compare, median, quantile } from "./measure"
import { atLeast, atMost, isMet, ownAtMost, type Result } from "./report"
import { hostname } from "./seed"
import { Undo } from "./undo"

const undo = new Undo()
afterAll(() => undo.run())

/** An HTTPS server that answers after what `delayMs` says of a request's moment. */
async function slowServer(delayMs: (sinceStartMs: number) => number): Promise<{ visit: Parameters<typeof Connection.open>[0] }> {
  const folder = await temporaryFolder("bench-test")
  undo.add(() => folder.remove())
  const certificate: SharedCertificate = await makeCertificate(folder.path)
  let began: number | undefined
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    tls: { cert: certificate.certificatePem, key: certificate.keyPem },
    async fetch() {
      began ??= performance.now()
      await Bun.sleep(delayMs(performance.now() - began))
      return new Response("ok")
    },
  })
  undo.add(() => server.stop(true))
  const { port = 0 } = server
  const about = { name: "slow", address: "127.0.0.1", port, pid: process.pid, accessLog: "", stop: async () => {} }
  return { visit: { server: about, host: hostname(1), ca: certificate.certificatePem } }
}

test("a stall is charged to every request that it held up, not only to those that were under way", async () => {
  // From 200 ms to 700 ms after the start nothing is answered; one connection, so that all later requests wait behind it.
  const { visit } = await slowServer((since) => (since > 200 && since < 700 ? 700 - since : 0))
  const connections = await openAll([visit])
  const { requests, failed, p50, p99 } = await runConstantRate(connections, { perSecond: 200, seconds: 1.5 })
  expect({ requests, failed }).toEqual({ requests: 300, failed: 0 })
  // A third of the requests were meant to be sent during the stall; a client that waits for its answers would have seen one slow request.
  expect(p50).toBeLessThan(450)
  expect(p99).toBeGreaterThan(400)
  for (const connection of connections) connection.close()
})

test("a connection of another certificate is refused", async () => {
  const { visit } = await slowServer(() => 0)
  const { visit: other } = await slowServer(() => 0)
  expect(Connection.open({ ...visit, ca: other.ca })).rejects.toThrow()
})

test.each([
  [[3, 1, 2], 2],
  [[4, 1, 2, 3], 2.5],
  [[7], 7],
])("the median of %p is %p", (values, expected) => {
  expect(median(values)).toBe(expected)
})

test("the quantile is a value that was measured, and the share is not above it", () => {
  const values = Array.from({ length: 100 }, (_, index) => index + 1)
  expect([quantile(values, 0.5), quantile(values, 0.99), quantile(values, 1)]).toEqual([50, 99, 100])
})

test("the ratio is the median of the ratios of runs that followed each other", () => {
  const figures = new Map([
    ["freehold", [10, 40, 30]],
    ["nginx", [10, 20, 10]],
  ])
  expect(compare({ case: "c", peer: "nginx", unit: "u" }, figures)).toMatchObject({ ours: 30, theirs: 10, ratio: 2 })
})

const line: Result = { case: "c", peer: "p", unit: "u", ours: 10, theirs: 8, ratio: 1.25 }

test.each([
  [atLeast(1.25), true],
  [atLeast(1.3), false],
  [atMost(1.25), true],
  [atMost(1), false],
  [ownAtMost(10, "u"), true],
  [ownAtMost(9, "u"), false],
  [undefined, undefined],
] as const)("goal %p is met: %p", (goal, expected) => {
  expect(isMet({ ...line, goal })).toBe(expected)
})
