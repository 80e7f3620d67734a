import { expect, test } from "bun:test"
import { RouteTable } from "./edge/route-table"
import { type ContainerTarget, Publisher } from "./publisher"

function setup() {
  const table = new RouteTable()
  const containers = new Map<string, ContainerTarget>()
  const mappings: { domain: string; containerId: string; targetPort: number }[] = []
  const runs: PromiseWithResolvers<void>[] = []
  const gate = { held: false }
  const publisher = new Publisher(
    {
      mappings: async () => {
        const seen = [...mappings]
        const run = Promise.withResolvers<void>()
        runs.push(run)
        if (gate.held) await run.promise
        return seen
      },
      containers: async () => new Map(containers),
      ownHosts: ["net.cloud.example.org"],
      ownUpstream: { unix: "/x/api.sock" },
    },
    table,
  )
  return { table, containers, mappings, publisher, runs, gate }
}

test("a running container is an upstream at its real port, a stopped or vanished one keeps its name, and our own hosts are there", async () => {
  const t = setup()
  t.containers.set("run", { running: true, address: "192.0.2.9", port: (port) => (port === 80 ? 32_400 : port) })
  t.containers.set("stop", { running: false, reason: "stopped", port: (port) => port })
  for (const containerId of ["run", "stop", "gone"]) t.mappings.push({ domain: `${containerId}.example.com`, containerId, targetPort: 80 })
  await t.publisher.publish()
  expect(t.table.match("run.example.com")?.target).toEqual({ kind: "upstream", upstream: { host: "192.0.2.9", port: 32_400 } })
  expect(t.table.match("stop.example.com")?.target).toEqual({ kind: "stopped", reason: "stopped" })
  expect(t.table.match("gone.example.com")?.target.kind).toBe("stopped")
  expect(t.table.match("net.cloud.example.org")?.target).toEqual({ kind: "upstream", upstream: { unix: "/x/api.sock" } })
})

test("a change during a run is live when its own publish resolves, in one more run for all who asked", async () => {
  const t = setup()
  t.gate.held = true
  const first = t.publisher.publish()
  t.mappings.push({ domain: "late.example.com", containerId: "x", targetPort: 80 })
  const later = [t.publisher.publish(), t.publisher.publish(), t.publisher.publish()]
  t.gate.held = false
  t.runs[0]?.resolve()
  await first
  await Promise.all(later)
  expect(t.table.match("late.example.com")).toBeDefined()
  expect(t.runs.length).toBe(2)
})
