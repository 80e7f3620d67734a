import { expect, test } from "bun:test"
import { type Route, RouteTable } from "./edge/route-table"
import { type ContainerTarget, Publisher, type RouteMapping } from "./publisher"

const mapping = (domain: string, containerId: string, change: Partial<RouteMapping> = {}): RouteMapping => ({
  domain,
  containerId,
  targetPort: 80,
  http: "redirect",
  upstreamProtocol: "http1",
  accessLog: 1,
  ...change,
})

function setup() {
  const table = new RouteTable()
  const containers = new Map<string, ContainerTarget>()
  const mappings: RouteMapping[] = []
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
  for (const containerId of ["run", "stop", "gone"]) t.mappings.push(mapping(`${containerId}.example.com`, containerId))
  await t.publisher.publish()
  expect(t.table.match("run.example.com")?.target).toEqual({ kind: "upstream", upstream: { host: "192.0.2.9", port: 32_400 } })
  expect(t.table.match("stop.example.com")?.target).toEqual({ kind: "stopped", reason: "stopped" })
  expect(t.table.match("gone.example.com")?.target.kind).toBe("stopped")
  expect(t.table.match("net.cloud.example.org")?.target).toEqual({ kind: "upstream", upstream: { unix: "/x/api.sock" } })
})

test("a route says only what is unlike the default, and names that lead to the same place share one target", async () => {
  const t = setup()
  t.containers.set("run", { running: true, address: "192.0.2.9", port: (port) => port })
  t.containers.set("stop", { running: false, port: (port) => port })
  const choices: Record<string, Partial<RouteMapping>> = {
    usual: {},
    alike: {},
    plain: { http: "serve" },
    grpc: { upstreamProtocol: "h2c" },
    quiet: { accessLog: 0 },
    port: { targetPort: 8080 },
    all: { http: "serve", upstreamProtocol: "h2c", accessLog: 0 },
  }
  for (const [name, change] of Object.entries(choices)) t.mappings.push(mapping(`${name}.test`, "run", change))
  t.mappings.push(mapping("stop.test", "stop", { http: "serve", upstreamProtocol: "h2c", accessLog: 0 }))
  await t.publisher.publish()
  const route = (name: string) => t.table.match(`${name}.test`)
  const usual = { kind: "upstream" as const, upstream: { host: "192.0.2.9", port: 80 } }
  const grpc = { kind: "upstream" as const, upstream: { host: "192.0.2.9", port: 80, protocol: "h2c" as const } }
  expect(route("usual")).toStrictEqual({ host: "usual.test", target: usual })
  expect(route("plain")).toStrictEqual({ host: "plain.test", target: usual, plain: "serve" })
  expect(route("grpc")).toStrictEqual({ host: "grpc.test", target: grpc })
  expect(route("quiet")).toStrictEqual({ host: "quiet.test", target: usual, unlogged: true })
  expect(route("all")).toStrictEqual({ host: "all.test", target: grpc, plain: "serve", unlogged: true })
  expect(route("stop")).toMatchObject({ target: { kind: "stopped" }, plain: "serve", unlogged: true })
  for (const name of ["alike", "plain", "quiet"]) expect(route(name)?.target).toBe(route("usual")!.target)
  expect(route("all")?.target).toBe(route("grpc")!.target)
  expect(route("port")?.target).toEqual({ kind: "upstream", upstream: { host: "192.0.2.9", port: 8080 } })
})

test("no mapping takes the place of our own hosts", async () => {
  const t = setup()
  t.mappings.push(mapping("net.cloud.example.org", "run", { http: "serve" }))
  await t.publisher.publish()
  expect(t.table.match("net.cloud.example.org")).toEqual({
    host: "net.cloud.example.org",
    target: { kind: "upstream", upstream: { unix: "/x/api.sock" } },
  })
})

test("a change during a run is live when its own publish resolves, in one more run for all who asked", async () => {
  const t = setup()
  t.gate.held = true
  const first = t.publisher.publish()
  t.mappings.push(mapping("late.example.com", "x"))
  const later = [t.publisher.publish(), t.publisher.publish(), t.publisher.publish()]
  t.gate.held = false
  t.runs[0]?.resolve()
  await first
  await Promise.all(later)
  expect(t.table.match("late.example.com")).toBeDefined()
  expect(t.runs.length).toBe(2)
})

const rule = (containerId: string, port: number, targetPort = port) => ({
  host: `${containerId}.compute.test`,
  containerId,
  port,
  targetPort,
})

test.each([
  ["443 alone", [rule("run", 443, 3000)], { port: 3000 }, undefined],
  ["80 alone", [rule("run", 80, 3000)], { port: 3000 }, "serve"],
  ["both to one port", [rule("run", 80, 3000), rule("run", 443, 3000)], { port: 3000 }, "serve"],
  ["both to different ports", [rule("run", 80, 3000), rule("run", 443, 4000)], { port: 4000 }, undefined],
] as const)("rules for %s lead from the container's own name", async (_, rules, upstream, plain) => {
  const table = new RouteTable()
  const containers = async () => new Map([["run", { running: true, address: "192.0.2.9", port: (port: number) => port }]])
  const sources = { mappings: async () => [], containers, rules: async () => [...rules], ownHosts: [], ownUpstream: { unix: "/x" } }
  await new Publisher(sources, table).publish()
  expect(table.match("run.compute.test")).toEqual({
    host: "run.compute.test",
    target: { kind: "upstream", upstream: { host: "192.0.2.9", ...upstream } },
    ...(plain === undefined ? {} : { plain }),
  })
})

test("rules for other ports go to their listeners, and the name keeps its certificate", async () => {
  const table = new RouteTable()
  const seen: Map<number, Route[]>[] = []
  const containers = async () => new Map([["run", { running: true, address: "192.0.2.9", port: (port: number) => port }]])
  const rules = async () => [rule("run", 8443, 3000), rule("gone", 8443), rule("run", 8000)]
  const sources = { mappings: async () => [], containers, rules, ownHosts: [], ownUpstream: { unix: "/x" } }
  const publisher = new Publisher(sources, table, { replace: async (routes) => void seen.push(routes) })
  await publisher.publish()
  expect(table.match("run.compute.test")?.target).toEqual({ kind: "stopped", reason: "no ingress rule leads to this port" })
  const upstream = (port: number) => ({ kind: "upstream" as const, upstream: { host: "192.0.2.9", port } })
  expect(seen[0]).toEqual(
    new Map([
      [
        8443,
        [
          { host: "run.compute.test", target: upstream(3000), plain: "serve" },
          { host: "gone.compute.test", target: { kind: "stopped" as const, reason: "the application is not running" }, plain: "serve" },
        ],
      ],
      [8000, [{ host: "run.compute.test", target: upstream(8000), plain: "serve" }]],
    ]),
  )
})

test("a wildcard around our own hosts does not take their place", async () => {
  const t = setup()
  t.containers.set("run", { running: true, address: "192.0.2.9", port: (port) => port })
  t.mappings.push(mapping("*.cloud.example.org", "run"), mapping("*.example.com", "run"), mapping("own.example.com", "gone"))
  await t.publisher.publish()
  expect(t.table.match("net.cloud.example.org")?.target).toEqual({ kind: "upstream", upstream: { unix: "/x/api.sock" } })
  expect(t.table.certifiedBy("net.cloud.example.org")).toBe("net.cloud.example.org")
  expect(t.table.match("any.example.com")?.host).toBe("*.example.com")
  expect(t.table.match("own.example.com")?.target.kind).toBe("stopped")
})
