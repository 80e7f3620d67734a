import { expect, test } from "bun:test"
import { createSecureContext } from "node:tls"
import { freePort } from "../../test/lab/ports"
import type { ConfigInForce } from "../config"
import { selfSigned } from "../edge/edge.fixture"
import type { Route } from "../edge/route-table"
import { silentLog } from "../log"
import { PortListeners } from "./port-listeners"

test("a port is served while a rule names it, and one that is taken says so until it is free", async () => {
  const port = await freePort()
  const backend = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("inside") })
  const secure = createSecureContext(await selfSigned())
  const current = {
    httpsListen: { host: "127.0.0.1", port: 0 },
    proxyProtocol: [],
    trustedProxies: [],
    accessLog: false,
    logLevel: "info",
    maxConnections: 100,
  }
  let now = 0
  const ports = new PortListeners({
    config: { current } as unknown as ConfigInForce,
    certification: { secureContext: () => secure },
    write: async () => {},
    log: silentLog,
    now: () => now,
  })
  const upstream = { kind: "upstream" as const, upstream: { host: "127.0.0.1", port: backend.port ?? 0 } }
  const routes = new Map<number, Route[]>([[port, [{ host: "app.test", target: upstream }]]])
  const visit = async () => {
    const options = { headers: { host: "app.test" }, tls: { rejectUnauthorized: false, serverName: "app.test" }, keepalive: false }
    const res = await fetch(`https://127.0.0.1:${port}/`, options as RequestInit).catch(() => undefined)
    return res?.text()
  }

  const other = Bun.listen({ hostname: "127.0.0.1", port, socket: { data: () => {} } })
  await ports.replace(routes)
  expect(ports.problem(port)).toBeUndefined()
  await ports.start()
  expect(ports.problem(port)).toContain(`port ${port}`)
  other.stop(true)
  await ports.replace(routes)
  expect(ports.problem(port)).toContain("may hold the port")
  now = 10_000
  await ports.replace(routes)
  expect(ports.problem(port)).toBeUndefined()
  expect(await visit()).toBe("inside")
  await ports.replace(new Map([[port, [{ host: "app.test", target: { kind: "stopped", reason: "it rests" } }]]]))
  expect(await visit()).toContain("is stopped")
  await ports.replace(new Map())
  expect(await visit()).toBeUndefined()
  await ports.replace(routes)
  expect(await visit()).toBe("inside")
  await ports.drain(100)
  await ports.stop()
  expect(await visit()).toBeUndefined()
  await backend.stop(true)
})
