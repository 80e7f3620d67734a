import { Elysia } from "elysia"
import type { ConnectionRow } from "../db/connect-schema"
import type { Connections } from "./connections"
import type { ConnectGuard } from "./request"

/** `GET /v1/connections/{id}/{what}`: something of a connection as it is now, for whoever may read it. */
export const connectionViewRoutes = (
  what: "preflight" | "records" | "certificate",
  guard: ConnectGuard,
  connections: Pick<Connections, "own">,
  view: (row: ConnectionRow) => Promise<object>,
) =>
  new Elysia({ name: `connection-${what}-routes` }).get(`/v1/connections/:id/${what}`, async ({ request, params }) => {
    const principal = await guard(request, ["connections:read"], { widget: true })
    // Elysia's types see no parameter in a path that is made.
    return view(await connections.own(principal, (params as { id: string }).id))
  })
