import { Elysia } from "elysia"
import { parsePage } from "../paging"
import type { Applications } from "./applications"
import type { Credentials } from "./credentials"
import type { Idempotency } from "./idempotency"
import type { Keys } from "./keys"
import type { Scope } from "./model"
import type { DnsWriter } from "./needs"
import { answerMade, type ConnectGuard, readBody } from "./request"
import { namedApplication, type WidgetTokens } from "./widget-tokens"

export type ApplicationDoor = {
  applications: Applications
  keys: Keys
  credentials: Credentials<DnsWriter>
  tokens: WidgetTokens
  idempotency: Idempotency
  guard: ConnectGuard
}

const administer: Scope[] = ["apps:admin"]
const read: Scope[] = ["apps:admin", "connections:read"]

/** `/v1/applications` with their keys and credentials, and `/v1/tokens` (connect-api.md section 5, rows 1 to 9). */
export const applicationRoutes = ({ applications, keys, credentials, tokens, idempotency, guard }: ApplicationDoor) =>
  new Elysia({ name: "application-routes" })
    .post(
      "/v1/applications",
      async ({ request, set }) => {
        const principal = await guard(request, administer)
        return answerMade(idempotency, request, principal, set, (body) => applications.create(principal, body))
      },
      { parse: "none" },
    )
    .get("/v1/applications", async ({ request, query }) => applications.list(await guard(request, read), parsePage(query)))
    .get("/v1/applications/:id", async ({ request, params }) => applications.get(await guard(request, read), params.id))
    .patch(
      "/v1/applications/:id",
      async ({ request, params }) => {
        const principal = await guard(request, administer)
        return applications.update(principal, params.id, await readBody(request))
      },
      { parse: "none" },
    )
    .delete("/v1/applications/:id", async ({ request, params, set }) => {
      await applications.delete(await guard(request, administer), params.id)
      set.status = 204
    })
    .post(
      "/v1/applications/:id/keys",
      async ({ request, params, set }) => {
        const principal = await guard(request, administer)
        const application = await applications.own(principal, params.id)
        return answerMade(idempotency, request, principal, set, (body) => keys.create(principal, application, body))
      },
      { parse: "none" },
    )
    .get("/v1/applications/:id/keys", async ({ request, params, query }) => {
      const application = await applications.own(await guard(request, administer), params.id)
      return keys.list(application, parsePage(query))
    })
    .delete("/v1/applications/:id/keys/:key", async ({ request, params }) => {
      const application = await applications.own(await guard(request, administer), params.id)
      return keys.revoke(application, params.key)
    })
    .post(
      "/v1/applications/:id/credentials",
      async ({ request, params, set }) => {
        const principal = await guard(request, administer)
        const application = await applications.own(principal, params.id)
        return answerMade(idempotency, request, principal, set, (body) => credentials.create(application, body))
      },
      { parse: "none" },
    )
    .get("/v1/applications/:id/credentials", async ({ request, params }) =>
      credentials.list(await applications.own(await guard(request, administer), params.id)),
    )
    .put(
      "/v1/applications/:id/credentials/:credential",
      async ({ request, params }) => {
        const application = await applications.own(await guard(request, administer), params.id)
        return credentials.replace(application, params.credential, await readBody(request))
      },
      { parse: "none" },
    )
    .delete("/v1/applications/:id/credentials/:credential", async ({ request, params, set }) => {
      await credentials.delete(await applications.own(await guard(request, administer), params.id), params.credential)
      set.status = 204
    })
    .post(
      "/v1/tokens",
      async ({ request }) => {
        const principal = await guard(request, ["connections:write"])
        const body = await readBody(request)
        const application = await applications.own(principal, namedApplication(principal, body.application_id))
        return Response.json(await tokens.mint(application, body), { status: 201, headers: { "cache-control": "no-store" } })
      },
      { parse: "none" },
    )
