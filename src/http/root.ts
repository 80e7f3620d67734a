import { type AnyElysia, Elysia } from "elysia"
import { AppError } from "../errors"
import type { Log } from "../log"
import { corsPolicy } from "./cors"
import { renderError } from "./errors"

/** The whole HTTP API: CORS, then the routes given, then one answer for what is unknown. Errors are rendered in one place. */
export function httpRoot(options: { routes: AnyElysia[]; isAllowedOrigin: (origin: string) => boolean; log: Log }) {
  const root = new Elysia({ handler: { standardHostname: false } } as object)
    .use(corsPolicy(options.isAllowedOrigin))
    // Before the routes and global, or Elysia would not ask it about faults in plug-ins.
    .onError({ as: "global" }, ({ error, request, code }) => {
      const unknown = code === "NOT_FOUND" ? new AppError("not_found", "not found") : error
      return renderError(unknown, request, options.log)
    })
    .get("/healthz", () => new Response("ok", { headers: { "content-type": "text/plain; charset=utf-8" } }))
  for (const routes of options.routes) root.use(routes)
  return root
}
