import { Elysia } from "elysia"
import type { Backups } from "./service"

/** The session of an administrator; throws `unauthorized` or `forbidden`. */
export type BackupsGuard = (request: Request) => Promise<unknown>

/** `/admin/backups`: for administrators' sessions. Errors are `{"error": "…"}`. */
export const backupRoutes = (backups: Backups, guard: BackupsGuard) =>
  new Elysia({ name: "backup-routes" })
    .get("/admin/backups", async ({ request }) => {
      await guard(request)
      return backups.view()
    })
    .post(
      "/admin/backups",
      async ({ request, status }) => {
        await guard(request)
        return status(202, backups.begin())
      },
      { parse: "none" },
    )
