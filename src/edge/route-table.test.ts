import { expect, test } from "bun:test"
import { type RouteChange, ungrouped } from "./route-change"
import { type Route, RouteTable } from "./route-table"

const at = (port: number) => ({ kind: "upstream", upstream: { host: "192.0.2.1", port } }) as const

const routes = (count: number, change: (index: number) => Partial<Route> = () => ({})): Route[] => {
  const target = at(80)
  return Array.from({ length: count }, (_, index) => ({ host: `n${index}.example.com`, target, ...change(index) }))
}

function followed(): { table: RouteTable; changes: RouteChange[]; copy: RouteTable } {
  const [table, copy] = [new RouteTable(), new RouteTable()]
  const changes: RouteChange[] = []
  table.follow(async (change) => {
    // As it arrives in another thread.
    const received = structuredClone(change)
    changes.push(received)
    copy.apply(received)
  })
  return { table, changes, copy }
}

const contentOf = (table: RouteTable) => [...ungrouped(table.whole().set)].sort((a, b) => (a.host < b.host ? -1 : 1))

test("of a hundred thousand names a follower hears only of the one that changed", async () => {
  const { table, changes, copy } = followed()
  await table.replace(routes(100_000))
  await table.replace(routes(100_000, (index) => (index === 70_000 ? { target: at(81) } : {})))
  expect(changes[1]).toEqual({ set: [{ target: at(81), hosts: "n70000.example.com" }], removed: "" })
  expect(copy.size).toBe(100_000)
  expect(copy.match("n70000.example.com")).toEqual({ host: "n70000.example.com", target: at(81) })
  expect(changes[0]?.set).toHaveLength(1)
})

test("nothing new is no news, although every object is another", async () => {
  const { table, changes } = followed()
  const state = () => [
    ...routes(3, (index) => (index === 1 ? { plain: "serve", unlogged: true } : {})),
    { host: "own.test", target: { kind: "upstream", upstream: { unix: "/x.sock" } } } as const,
    { host: "off.test", target: { kind: "stopped", reason: "stopped" } } as const,
  ]
  await table.replace(state())
  await table.replace(state())
  expect(changes).toHaveLength(1)
})

const one: Route = { host: "a.test", target: at(80) }
test.each<[string, Route]>([
  ["the port", { ...one, target: at(81) }],
  ["the address", { ...one, target: { kind: "upstream", upstream: { host: "192.0.2.2", port: 80 } } }],
  ["the protocol", { ...one, target: { kind: "upstream", upstream: { host: "192.0.2.1", port: 80, protocol: "h2c" } } }],
  ["a Unix socket", { ...one, target: { kind: "upstream", upstream: { unix: "/x.sock" } } }],
  ["a stop", { ...one, target: { kind: "stopped", reason: "stopped" } }],
  ["another reason", { ...one, target: { kind: "stopped", reason: "failed" } }],
  ["plain HTTP", { ...one, plain: "serve" }],
  ["the access log", { ...one, unlogged: true }],
])("a follower's copy is equal after a change and after its way back: %s", async (_what, other) => {
  const { table, changes, copy } = followed()
  const before: Route = other.target.kind === "stopped" ? { ...one, target: { kind: "stopped", reason: "none" } } : one
  for (const state of [before, other, before]) {
    await table.replace([state, ...routes(2)])
    expect(contentOf(copy)).toEqual(contentOf(table))
  }
  expect(changes).toHaveLength(3)
})

test("names come and go in one step, and who stops following hears no more", async () => {
  const table = new RouteTable()
  const copy = new RouteTable()
  const heard: RouteChange[] = []
  const leave = table.follow(async (change) => {
    heard.push(change)
    copy.apply(change)
  })
  await table.replace(routes(3))
  await table.replace([...routes(2), { host: "new.test", target: at(9) }])
  expect(contentOf(copy)).toEqual(contentOf(table))
  expect(heard[1]?.removed).toBe("n2.example.com")
  await table.replace([])
  expect(copy.size).toBe(0)
  leave()
  await table.replace(routes(1))
  expect(heard).toHaveLength(3)
})

test("a change holds here at once, and the promise waits for every follower", async () => {
  const table = new RouteTable()
  const slow = Promise.withResolvers<void>()
  table.follow(async () => {})
  table.follow(() => slow.promise)
  let isDone = false
  const replaced = table.replace(routes(1)).then(() => (isDone = true))
  expect(table.size).toBe(1)
  await Bun.sleep(5)
  expect(isDone).toBe(false)
  slow.resolve()
  await replaced
})
