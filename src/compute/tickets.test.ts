import { expect, test } from "bun:test"
import { Elysia } from "elysia"
import { AppError } from "../errors"
import { renderError } from "../http/errors"
import { silentLog } from "../log"
import { ticketRoutes } from "./ticket-routes"
import { Tickets } from "./tickets"

const fields = new Headers({ authorization: "Bearer t1", cookie: "token=t2", "x-other": "1" })
const path = "/compute/ws"

test("a ticket stands for its token once, at its path, for thirty seconds", () => {
  const clock = { ms: 0 }
  const tickets = new Tickets(() => clock.ms)
  const issue = () => tickets.issue("ann", fields, path).ticket
  const first = issue()
  expect(Object.fromEntries(tickets.redeem(first, path) ?? [])).toEqual({ authorization: "Bearer t1", cookie: "token=t2" })
  expect(tickets.redeem(first, path)).toBeUndefined()
  const second = issue()
  expect(tickets.redeem(second, "/compute/containers/c/terminal")).toBeUndefined()
  expect(tickets.redeem(second, path)).toBeUndefined()
  const third = issue()
  clock.ms = 29_999
  expect(tickets.redeem(third, path)).toBeDefined()
  const fourth = issue()
  clock.ms += 30_000
  expect(tickets.redeem(fourth, path)).toBeUndefined()
})

test("one person's tickets crowd out their own and nobody else's", () => {
  const tickets = new Tickets(() => 0)
  const bobs = tickets.issue("bob", fields, path).ticket
  const anns = Array.from({ length: 25 }, () => tickets.issue("ann", fields, path).ticket)
  expect(anns.map((ticket) => tickets.redeem(ticket, path) !== undefined)).toEqual(Array.from({ length: 25 }, (_, i) => i >= 5))
  expect(tickets.redeem(bobs, path)).toBeDefined()
})

test("a ticket is given to whoever has a token, for the path of a WebSocket only, and is kept by no cache", async () => {
  const tickets = new Tickets(() => 0)
  const principal = async (request: Request) => {
    if (!request.headers.has("authorization")) throw new AppError("unauthorized", "unauthorized")
    return { personId: "ann" }
  }
  const app = new Elysia()
    .onError({ as: "global" }, ({ error, request }) => renderError(error, request, silentLog))
    .use(ticketRoutes(tickets, principal, (wanted) => wanted === path))
  const send = (body: string, headers: HeadersInit = { authorization: "Bearer t1" }) =>
    app.handle(new Request("http://localhost/compute/tickets", { method: "POST", body, headers }))
  expect((await send(JSON.stringify({ path }), {})).status).toBe(401)
  for (const body of ["", "[]", "{}", '{"path":7}', '{"path":"/api/session"}']) expect((await send(body)).status).toBe(400)
  const res = await send(JSON.stringify({ path }))
  expect(res.headers.get("cache-control")).toBe("no-store")
  const { ticket, expires_in } = (await res.json()) as { ticket: string; expires_in: number }
  expect(ticket).toMatch(/^[\w-]{43}$/)
  expect(expires_in).toBe(30)
  expect(tickets.redeem(ticket, path)?.get("authorization")).toBe("Bearer t1")
})
