import { afterEach, expect, test } from "bun:test"
import { waitUntil } from "../../test/lab/process"
import { AppError } from "../errors"
import { serveApi } from "../listen"
import { silentLog } from "../log"
import type { Peer, PeerUser, SocketRoute } from "../peer"
import type { OpenSocket } from "./open-socket"
import { type SocketDecision, type SocketNeeds, Sockets } from "./sockets"

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

/** One route that echoes, at a real listener. A token is a person's name; those in `revoked` no longer count. */
async function setup(change: Partial<SocketNeeds> = {}, routeChange: Partial<SocketRoute> = {}) {
  const clock = { ms: 0 }
  const revoked = new Set<string>()
  const peers: { peer: Peer; closed: boolean; drained: number; params: Record<string, string>; protocol: string | undefined }[] = []
  const decisions: Pick<SocketDecision, "status" | "params">[] = []
  const route: SocketRoute = {
    path: "/things/:id/socket",
    isOnRecord: true,
    maxPerPerson: 2,
    protocols: ["v2", "v1"],
    authorize: async (request) => {
      const name =
        request.headers.get("authorization")?.slice("Bearer ".length) ?? /token=(\w+)/.exec(request.headers.get("cookie") ?? "")?.[1]
      if (name === undefined || revoked.has(name)) throw new AppError("unauthorized", "unauthorized")
      return { personId: name, isAdmin: false }
    },
    prepare: async ({ params, protocol }) => {
      if (params.id === "gone") throw new AppError("not_found", "thing not found")
      return (peer): PeerUser => {
        const entry = { peer, closed: false, drained: 0, params, protocol }
        peers.push(entry)
        return {
          onMessage: (message) => void peer.send(message),
          onDrain: () => void entry.drained++,
          onClosed: () => void (entry.closed = true),
        }
      }
    },
    ...routeChange,
  }
  const sockets = new Sockets({
    routes: [route],
    isAllowedOrigin: (origin) => origin === "https://cloud.test",
    redeem: (ticket, path) => (ticket === "good" && path === "/things/a/socket" ? new Headers({ cookie: "token=ann" }) : undefined),
    onDecision: async ({ status, params }) => void decisions.push({ status, params }),
    log: silentLog,
    checkEveryMs: 20,
    now: () => clock.ms,
    ...change,
  })
  const server = serveApi<OpenSocket>(
    "api_listen",
    { host: "127.0.0.1", port: 0 },
    async (request, _address, at) =>
      sockets.concerns(request) ? sockets.answer(request, (...upgrade) => at.upgrade(...upgrade)) : new Response("elsewhere"),
    sockets.handler,
  )
  cleanups.push(
    () => sockets.stop(),
    () => server.stop(true),
  )
  const open = async (path: string, headers: Record<string, string> = {}, protocols: string[] = []) => {
    const options: Bun.WebSocketOptions = { headers, protocols }
    const socket = new WebSocket(`ws://127.0.0.1:${server.port}${path}`, options as unknown as string[]) as unknown as Bun.WebSocket
    socket.binaryType = "nodebuffer"
    const state = { isOpen: false, closed: undefined as { code: number; reason: string } | undefined, messages: [] as (string | Buffer)[] }
    socket.addEventListener("open", () => (state.isOpen = true))
    socket.addEventListener("close", ({ code, reason }) => (state.closed = { code, reason }))
    socket.addEventListener("message", ({ data }) => void state.messages.push(data as string | Buffer))
    await waitUntil(() => state.isOpen || state.closed !== undefined, { what: "an answer", everyMs: 1 })
    cleanups.push(() => socket.terminate())
    return { socket, state }
  }
  /** The handshake as a plain request, to see how it is refused. */
  const ask = async (path: string, headers: Record<string, string> = {}) => {
    const res = await fetch(`http://127.0.0.1:${server.port}${path}`, { headers })
    return { status: res.status, text: await res.text() }
  }
  /** The handshake as it should be, to see how it is refused. */
  const shake = (path: string, name: string) =>
    ask(path, {
      ...bearer(name),
      upgrade: "websocket",
      connection: "Upgrade",
      "sec-websocket-version": "13",
      "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
    })
  return { sockets, server, open, ask, shake, revoked, peers, decisions, clock }
}

const bearer = (name: string) => ({ authorization: `Bearer ${name}` })

test("texts and bytes go both ways, and the path's segments come decoded", async () => {
  const { open, peers, decisions } = await setup()
  const { socket, state } = await open("/things/a%20b/socket", bearer("ann"))
  socket.send("héllo")
  socket.send(new Uint8Array([0, 255]))
  await waitUntil(() => state.messages.length === 2, { what: "two echoes" })
  expect(state.messages).toEqual(["héllo", Buffer.from([0, 255])])
  expect(peers[0]?.params).toEqual({ id: "a b" })
  expect(decisions).toEqual([{ status: 101, params: { id: "a b" } }])
  socket.close(1000)
  await waitUntil(() => peers[0]?.closed === true, { what: "the end to be told" })
})

test("a token may stand in a header, a cookie, a ticket or the address", async () => {
  const { open } = await setup({}, { maxPerPerson: 10 })
  for (const [path, headers] of [
    ["/things/a/socket", bearer("ann")],
    ["/things/a/socket", { cookie: "x=1; token=ann" }],
    ["/things/a/socket?ticket=good", {}],
    ["/things/a/socket?token=ann", {}],
  ] as [string, Record<string, string>][])
    expect((await open(path, headers)).state.isOpen).toBe(true)
})

test.each([
  ["no token", "/things/a/socket", {}, 401, "unauthorized"],
  ["a ticket that is not good", "/things/a/socket?ticket=bad&token=ann", {}, 401, "unauthorized"],
  ["a ticket for another path", "/things/b/socket?ticket=good", {}, 401, "unauthorized"],
  ["what the route refuses", "/things/gone/socket", bearer("ann"), 404, "thing not found"],
  ["a foreign page with a cookie", "/things/a/socket", { cookie: "token=ann", origin: "https://evil.test" }, 403, "forbidden: this origin"],
  ["a foreign page with a token", "/things/a/socket?token=ann", { origin: "null" }, 403, "forbidden: this origin"],
  ["a plain request", "/things/a/socket", bearer("ann"), 426, "speaks WebSocket"],
  ["half a handshake", "/things/a/socket", { ...bearer("ann"), upgrade: "websocket", connection: "Upgrade" }, 400, "not the handshake"],
])("refused over HTTP: %s", async (_what, path, headers, status, text) => {
  const { ask, decisions, sockets } = await setup()
  expect(await ask(path, headers as Record<string, string>)).toEqual({ status, text: expect.stringContaining(text) })
  expect(decisions.map((decision) => decision.status)).toEqual([status])
  expect(sockets.count).toBe(0)
})

test("the guard hears from which page a socket is opened, since not every allowed one may use a cookie", async () => {
  const heard: (string | null)[] = []
  const authorize = async (request: Request) => {
    heard.push(request.headers.get("origin"))
    return { personId: "ann", isAdmin: false }
  }
  const { ask } = await setup({}, { authorize })
  expect((await ask("/things/a/socket", { cookie: "token=ann", origin: "https://cloud.test" })).status).toBe(426)
  expect((await ask("/things/a/socket", { cookie: "token=ann" })).status).toBe(426)
  expect(heard).toEqual(["https://cloud.test", null])
})

test("a page of an allowed origin, and one of the server itself, may connect", async () => {
  const { open, server } = await setup()
  for (const origin of ["https://cloud.test", `http://127.0.0.1:${server.port}`])
    expect((await open("/things/a/socket", { ...bearer("ann"), origin })).state.isOpen).toBe(true)
})

test("what is no socket's path is somebody else's", async () => {
  const { ask, sockets } = await setup()
  for (const path of ["/things/a/socket/", "/things//a/socket", "/things/%zz/socket", "/things"])
    expect(await ask(path)).toEqual({ status: 200, text: "elsewhere" })
  expect(sockets.hasPath("/things/a/socket")).toBe(true)
})

test("a path may be an ordinary one too, for requests that are no handshake", async () => {
  const { open, ask } = await setup({}, { isAlsoPlain: true })
  expect(await ask("/things/a/socket")).toEqual({ status: 200, text: "elsewhere" })
  expect((await open("/things/a/socket", bearer("ann"))).state.isOpen).toBe(true)
})

test("the preferred subprotocol that both know holds, or none", async () => {
  const { open, peers } = await setup()
  const first = await open("/things/a/socket", bearer("ann"), ["v0", "v1", "v2"])
  expect(first.socket.protocol).toBe("v2")
  await open("/things/a/socket", bearer("ann"))
  expect(peers.map(({ protocol }) => protocol)).toEqual(["v2", undefined])
})

test("one person may have so many, and the house so many", async () => {
  const { open, shake, sockets, peers } = await setup({ maxSockets: 3 })
  const first = await open("/things/a/socket", bearer("ann"))
  await open("/things/b/socket", bearer("ann"))
  expect(await shake("/things/c/socket", "ann")).toMatchObject({ status: 429 })
  expect(peers[2]?.closed).toBe(true)
  await open("/things/c/socket", bearer("bob"))
  expect(await shake("/things/d/socket", "cid")).toMatchObject({ status: 503 })
  first.socket.close()
  await waitUntil(() => sockets.count === 2, { what: "room" })
  expect((await open("/things/c/socket", bearer("ann"))).state.isOpen).toBe(true)
})

test("a token that no longer counts ends its sockets, and no others", async () => {
  const { open, revoked } = await setup()
  const [ann, bob] = [await open("/things/a/socket", bearer("ann")), await open("/things/a/socket?token=bob")]
  revoked.add("ann")
  await waitUntil(() => ann.state.closed !== undefined, { what: "the socket to be closed" })
  expect(ann.state.closed).toEqual({ code: 1008, reason: "unauthorized" })
  expect(bob.state.closed).toBeUndefined()
})

test("a client that is alive stays, and one that gives no sign of life is ended", async () => {
  const { open, peers, clock } = await setup()
  const alive = await open("/things/a/socket", bearer("ann"))
  const deaf = await open("/things/a/socket", bearer("bob"))
  deaf.socket.pause()
  for (let turn = 0; turn < 8; turn++) {
    clock.ms += 10_000
    await Bun.sleep(50)
  }
  await waitUntil(() => peers[1]?.closed === true, { what: "the deaf one's end" })
  expect(alive.state.closed).toBeUndefined()
  expect(peers[0]?.closed).toBe(false)
})

test("a client that does not take what is sent is known to be behind, and is told nothing is lost", async () => {
  const { open, peers } = await setup()
  const { socket, state } = await open("/things/a/socket", bearer("ann"))
  socket.pause()
  const chunk = Buffer.alloc(64 * 1024, 1)
  let sent = 0
  while (peers[0]?.peer.send(chunk) === true) sent++
  expect(sent).toBeLessThan(200)
  socket.resume()
  await waitUntil(() => state.messages.length === sent + 1 && peers[0]?.drained === 1, { what: "all of it" })
})

test("a message that is too long closes the socket", async () => {
  const { open } = await setup()
  const { socket, state } = await open("/things/a/socket", bearer("ann"))
  socket.send(new Uint8Array(1024 * 1024 + 1))
  await waitUntil(() => state.closed !== undefined, { what: "the close" })
  expect([1006, 1009]).toContain(state.closed?.code ?? 0)
})

test("a stop closes all of them with 1001 and waits for what they had started", async () => {
  let stopped = false
  const stop = async () => {
    await Bun.sleep(30)
    stopped = true
  }
  const { open, shake, sockets, peers } = await setup({}, { stop })
  const { state } = await open("/things/a/socket", bearer("ann"))
  await sockets.stop()
  expect(stopped).toBe(true)
  expect(peers[0]?.closed).toBe(true)
  await waitUntil(() => state.closed !== undefined, { what: "the close" })
  expect(state.closed).toEqual({ code: 1001, reason: "the server is stopping" })
  expect(await shake("/things/a/socket", "ann")).toMatchObject({ status: 503 })
})
