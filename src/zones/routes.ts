import { Elysia, t } from "elysia"
import { readText } from "../body"
import { AppError } from "../errors"
import { ConnectionList, ZoneSnapshot } from "./model"
import type { ZoneService } from "./service"
import { RecordCheck, WrittenRecordPage } from "./written-record-model"
import type { WrittenRecords } from "./written-records"

/** Says who asks and that they may; throws `unauthorized` or `forbidden`. `id` is the path segment that the scope names. */
export type NetworkingGuard = (
  request: Request,
  resource: "domains",
  id: string | undefined,
) => Promise<{ personId: string; isAdmin: boolean }>

const prefix = "/api/domains"

/** `/api/domains`, in this order: guard, 503, path and method, body. The body is read whatever its content type says. */
export const zoneRoutes = (zones: ZoneService, records: WrittenRecords, guard: NetworkingGuard) =>
  new Elysia({ prefix })
    .derive(async ({ request }) => {
      const path = new URL(request.url).pathname.slice(prefix.length)
      const { personId } = await guard(request, "domains", path.split("/")[1] || undefined)
      zones.requireVault()
      if (path.endsWith("/")) throw new AppError("not_found", "not found")
      return { personId }
    })
    .get("/", ({ personId }) => zones.list(personId), { response: ConnectionList })
    .post(
      "/",
      async ({ personId, request, query, status }) => status(201, await zones.add(personId, await readText(request), mayExplain(query))),
      {
        parse: "none",
        response: { 201: ZoneSnapshot },
      },
    )
    .put(
      "/:id",
      async ({ personId, params, request, query }) => zones.replaceToken(personId, params.id, await readText(request), mayExplain(query)),
      {
        parse: "none",
        response: ZoneSnapshot,
      },
    )
    .delete("/:id", async ({ personId, params, status }) => status(204, await zones.remove(personId, params.id)), {
      parse: "none",
      response: { 204: t.Void() },
    })
    .post("/:id/refresh", ({ personId, params }) => zones.refresh(personId, params.id), { parse: "none", response: ZoneSnapshot })
    .get("/:id/records", ({ personId, params, query }) => records.list(personId, params.id, query), { response: WrittenRecordPage })
    .post("/:id/records/check", ({ personId, params }) => records.check(personId, params.id), { parse: "none", response: RecordCheck })
    .all("/", refuseMethod, { parse: "none" })
    .all("/:id", refuseMethod, { parse: "none" })
    .all("/:id/refresh", refuseMethod, { parse: "none" })
    .all("/:id/records", refuseMethod, { parse: "none" })
    .all("/:id/records/check", refuseMethod, { parse: "none" })
    .all("/*", refusePath, { parse: "none" })

/** Stock clients compare the sentence of a refused token, so what the provider said follows only where it is asked for. */
const mayExplain = ({ explain }: Record<string, string>) => explain === "true"

function refuseMethod(): never {
  throw new AppError("method_not_allowed", "method not allowed")
}

function refusePath(): never {
  throw new AppError("not_found", "not found")
}
