import { expect, test } from "bun:test"
import { waitUntil } from "../../test/lab/process"
import { silentLog } from "../log"
import type { Peer, PeerUser } from "../peer"
import type { Caller, ContainerReply } from "./model"
import { StatusSockets } from "./status-sockets"

const caller = (personId: string): Caller => ({ personId, isAdmin: false })
const container = (id: string, status: string, address?: string) => ({ id, name: id, status, address }) as ContainerReply

/** Sockets over lists that the test changes; a peer is behind while `slow`. */
function setup() {
  const lists: Record<string, ContainerReply[]> = { ann: [container("a", "pending")], bob: [] }
  const looks: string[] = []
  const list = async ({ personId }: Caller) => {
    looks.push(personId)
    await Bun.sleep(1)
    return lists[personId] ?? []
  }
  const sockets = new StatusSockets({ list, log: silentLog })
  const route = sockets.route(async () => caller("ann"))
  const join = async (personId: string) => {
    const seen: { type: string; data: unknown }[] = []
    const state = { slow: false }
    const peer: Peer = {
      send: (message) => {
        seen.push(JSON.parse(String(message)) as { type: string; data: unknown })
        return !state.slow
      },
      pause() {},
      resume() {},
      close() {},
    }
    const begin = await route.prepare({ caller: caller(personId), params: {}, query: new URLSearchParams(), protocol: undefined })
    const user: PeerUser = begin(peer)
    await waitUntil(() => seen.length > 0, { what: "the first message" })
    return { seen, user, state }
  }
  return { lists, looks, sockets, route, join }
}

test("the list comes first, then each change to those whose container it is", async () => {
  const { lists, sockets, join } = setup()
  const [ann, again, bob] = [await join("ann"), await join("ann"), await join("bob")]
  expect(ann.seen).toEqual([{ type: "containers", data: [{ id: "a", name: "a", status: "pending" }] }])
  expect(bob.seen).toEqual([{ type: "containers", data: [] }])
  lists.ann = [container("a", "running", "10.0.0.2")]
  sockets.changed()
  await waitUntil(() => ann.seen.length === 2 && again.seen.length === 2, { what: "the change" })
  expect(ann.seen[1]).toEqual({ type: "container_status", data: { container_id: "a", status: "running", external_ip: "10.0.0.2" } })
  expect(again.seen).toEqual(ann.seen)
  sockets.changed()
  await Bun.sleep(80)
  expect([ann.seen.length, bob.seen.length]).toEqual([2, 1])
})

test("a container that came or went is told by the whole list", async () => {
  const { lists, sockets, join } = setup()
  const { seen } = await join("ann")
  lists.ann = [container("b", "running"), container("a", "pending")]
  sockets.changed()
  await waitUntil(() => seen.length === 2, { what: "the longer list" })
  lists.ann = []
  sockets.changed()
  await waitUntil(() => seen.length === 3, { what: "the empty list" })
  expect(seen.map(({ type, data }) => [type, (data as unknown[]).length])).toEqual([
    ["containers", 1],
    ["containers", 2],
    ["containers", 0],
  ])
})

test("a burst of changes is one look", async () => {
  const { lists, looks, sockets, join } = setup()
  const { seen } = await join("ann")
  for (let i = 0; i < 100; i++) {
    lists.ann = [container("a", i === 99 ? "running" : "initializing")]
    sockets.changed()
  }
  await waitUntil(() => seen.length === 2, { what: "the change" })
  expect(looks).toEqual(["ann", "ann"])
  expect(seen[1]?.data).toMatchObject({ status: "running" })
})

test("a peer that is behind gets the whole once it has caught up, and others do not wait for it", async () => {
  const { lists, sockets, join } = setup()
  const [slow, quick] = [await join("ann"), await join("ann")]
  slow.state.slow = true
  for (const status of ["initializing", "running", "stopped"]) {
    const before = quick.seen.length
    lists.ann = [container("a", status)]
    sockets.changed()
    await waitUntil(() => quick.seen.length > before, { what: status })
  }
  expect(slow.seen.map(({ type }) => type)).toEqual(["containers", "container_status"])
  slow.state.slow = false
  slow.user.onDrain()
  await waitUntil(() => slow.seen.length === 3, { what: "the whole" })
  expect(slow.seen[2]).toEqual({ type: "containers", data: [{ id: "a", name: "a", status: "stopped" }] })
  slow.user.onDrain()
  await Bun.sleep(20)
  expect([slow.seen.length, quick.seen.length]).toEqual([3, 4])
})

test("nobody is asked about people who have gone", async () => {
  const { looks, sockets, route, join } = setup()
  const { user } = await join("ann")
  user.onClosed()
  sockets.changed()
  await Bun.sleep(60)
  expect(looks).toEqual(["ann"])
  await route.stop?.()
})
