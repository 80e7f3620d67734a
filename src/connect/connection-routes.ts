import { Elysia } from "elysia"
import type { ConnectionState } from "../db/connect-schema"
import { AppError } from "../errors"
import { canonicalHost } from "../hostname"
import { parsePage } from "../paging"
import type { ConnectionFilter } from "./connection-store"
import { type Connections, states } from "./connections"
import type { EmailApply } from "./email-apply"
import type { Idempotency } from "./idempotency"
import { invalid, parseUuid, type Principal, shown } from "./model"
import { answerMade, type ConnectGuard, readBody } from "./request"

/** What is known of a domain before anything is made; `hostname` is canonical. */
export type Inspect = (principal: Principal, body: Record<string, unknown>) => Promise<unknown>

export type ConnectionDoor = {
  connections: Connections
  email: EmailApply
  inspect: Inspect
  idempotency: Idempotency
  guard: ConnectGuard
}

/** `/v1/connections` and `/v1/domains:check`. The router takes what follows a colon for a parameter, so verbs are told apart here. */
export const connectionRoutes = ({ connections, email, inspect, idempotency, guard }: ConnectionDoor) =>
  new Elysia({ name: "connection-routes" })
    .post(
      "/v1/domains:verb",
      async ({ request, params }) => {
        if (verbOf(params) !== ":check") throw new AppError("not_found", "not found")
        const principal = await guard(request, ["connections:read"], { widget: true })
        return inspect(principal, await readBody(request))
      },
      { parse: "none" },
    )
    .post(
      "/v1/connections",
      async ({ request, set }) => {
        const principal = await guard(request, ["connections:write"], { widget: true })
        return answerMade(idempotency, request, principal, set, (body) => connections.create(principal, body))
      },
      { parse: "none" },
    )
    .get("/v1/connections", async ({ request, query }) => {
      const principal = await guard(request, ["connections:read"])
      return connections.list(principal, parseFilter(query), parsePage(query))
    })
    .get("/v1/connection-counts", async ({ request }) => connections.counts(await guard(request, ["connections:read"])))
    .get("/v1/connections/:id", async ({ request, params }) =>
      connections.get(await guard(request, ["connections:read"], { widget: true }), params.id),
    )
    .patch(
      "/v1/connections/:id",
      async ({ request, params }) => {
        const principal = await guard(request, ["connections:write"])
        return connections.update(principal, params.id, await readBody(request))
      },
      { parse: "none" },
    )
    .delete("/v1/connections/:id", async ({ request, params }) =>
      connections.archive(await guard(request, ["connections:write"]), params.id),
    )
    .post(
      "/v1/connections/:id/verify",
      async ({ request, params }) => connections.verify(await guard(request, ["connections:write"]), params.id),
      { parse: "none" },
    )
    .post(
      "/v1/connections/:id/records:verb",
      async ({ request, params }) => {
        if (verbOf(params) === ":check") {
          return connections.checkRecords(await guard(request, ["connections:write"], { widget: true }), params.id)
        }
        if (verbOf(params) === ":apply") return connections.applyRecords(await guard(request, ["connections:write"]), params.id)
        throw new AppError("not_found", "not found")
      },
      { parse: "none" },
    )
    .post(
      "/v1/connections/:id/email:verb",
      async ({ request, params }) => {
        if (verbOf(params) !== ":apply") throw new AppError("not_found", "not found")
        const principal = await guard(request, ["connections:write"], { widget: true })
        return email.apply(principal, params.id, await readBody(request))
      },
      { parse: "none" },
    )

/** Elysia's types see no parameter that begins within a segment. */
const verbOf = (params: object) => (params as { verb: string }).verb

function parseState(raw: string): ConnectionState {
  const state = states.find((one) => one === raw)
  if (state === undefined) throw invalid(`state: ${shown(raw)} is none of ${states.join(", ")}`)
  return state
}

function parseFilter(query: Record<string, string | undefined>): ConnectionFilter {
  const { application_id, state, hostname, q, batch_id } = query
  const filter: ConnectionFilter = {}
  if (application_id !== undefined) filter.applicationId = parseUuid(application_id, "application_id")
  if (state !== undefined) filter.states = state.split(",").map(parseState)
  if (q !== undefined && q.trim() !== "") filter.part = q.trim().toLowerCase().slice(0, 253)
  if (hostname !== undefined) filter.hostname = canonicalHost(hostname) ?? hostname.toLowerCase()
  if (batch_id !== undefined) filter.batchId = parseUuid(batch_id, "batch_id")
  return filter
}
