import { type AnyElysia, Elysia } from "elysia"
import { diskUnavailable } from "../disk-fault"
import { AppError } from "../errors"
import type { Log } from "../log"
import { corsPolicy } from "./cors"
import { renderError } from "./errors"
import { Heads } from "./head"
import type { RequestAudit } from "./request-audit"

/** The HTTP API as listeners use it; `routes` are those it knows, with their patterns. */
export type HttpRoot = {
  handle: (request: Request) => Promise<Response>
  readonly routes: readonly ApiRoute[]
}

/** A route by method and pattern; `isSocket` where a WebSocket is opened. */
export type ApiRoute = { method: string; path: string; isSocket?: true }

/** The whole HTTP API: CORS, then the routes given, then one answer for what is unknown. Errors are rendered and requests put on record in one place. */
export function httpRoot(options: {
  routes: AnyElysia[]
  isAllowedOrigin: (origin: string) => boolean
  /** Whether pages of an origin may call the connect API with tokens of their own. */
  embeds?: (origin: string) => boolean
  /** What OPTIONS of a path says besides. */
  discovery?: Record<string, Record<string, string>>
  /** Sees what was committed onto the disk, so that an acknowledged change outlives a power cut; left out by tests that have no disk. */
  durable?: () => Promise<void>
  /** Left out by tests of a single family: then nothing is put on record. */
  audit?: RequestAudit
  log: Log
}): HttpRoot {
  const { audit } = options
  const heads = new Heads()
  const root = new Elysia({ handler: { standardHostname: false } } as object)
    .use(corsPolicy(options.isAllowedOrigin, options.embeds, options.discovery))
    // Before the routes and global, or Elysia would not ask it about faults in plug-ins.
    .onError({ as: "global" }, ({ error, request, code }) => {
      const unknown = code === "NOT_FOUND" ? new AppError("not_found", "not found") : error
      return renderError(unknown, request, options.log)
    })
    // Likewise before the routes: a guard may run as early as this, and what it denies is put on record too.
    .onTransform({ as: "global" }, ({ request, route, params }) => audit?.routed(request, route, (params ?? {}) as Record<string, string>))
    .onAfterHandle({ as: "global" }, async ({ request, responseValue }) => {
      audit?.handled(request, responseValue)
      return heads.shorten(request, responseValue)
    })
    .get("/livez", () => Response.json({ status: "ok" }, { headers: { "cache-control": "no-store" } }))
  for (const routes of options.routes) root.use(routes)
  const kept = async (request: Request, response: Response) => {
    if (["GET", "HEAD", "OPTIONS"].includes(request.method) || response.status >= 400 || options.durable === undefined) return response
    try {
      await options.durable()
      return response
    } catch (error) {
      return renderError(diskUnavailable(error), request, options.log)
    }
  }
  const handle = async (request: Request) => {
    const response = heads.finish(request, await kept(request, await root.handle(request)))
    await audit?.finished(request, response.status)
    return response
  }
  return { handle, routes: root.routes }
}
