import { Elysia } from "elysia"
import { readJsonObject } from "../body"
import type { Caller } from "./model"
import type { SshService } from "./ssh-service"

/** Says who asks and that they may; throws `unauthorized` or `forbidden`. `id` is the path segment that the scope names. */
export type SshGuard = (
  request: Request,
  resource: "containers" | "keys",
  id: string | undefined,
  action: "read" | "create" | "update" | "delete",
) => Promise<Caller>

const raw = { parse: "none" } as const

/** `/compute/ssh-keys` and `/compute/containers/:id/ssh`. The guard comes before everything else; success is always 200. */
export const sshRoutes = (ssh: SshService, guard: SshGuard) =>
  new Elysia({ prefix: "/compute" })
    .get("/ssh-keys", async ({ request }) => ({ ssh_keys: await ssh.list(await guard(request, "keys", undefined, "read")) }))
    .post(
      "/ssh-keys",
      async ({ request }) => {
        const caller = await guard(request, "keys", undefined, "create")
        return ssh.add(caller, await readJsonObject(request, "invalid request body"))
      },
      raw,
    )
    .delete(
      "/ssh-keys/:id",
      async ({ request, params }) => {
        await ssh.delete(await guard(request, "keys", params.id, "delete"), params.id)
        return { status: "ok" }
      },
      raw,
    )
    .get("/containers/:id/ssh", async ({ request, params }) => ssh.status(await guard(request, "containers", params.id, "read"), params.id))
    .put(
      "/containers/:id/ssh",
      async ({ request, params }) => {
        const caller = await guard(request, "containers", params.id, "update")
        return ssh.switch(caller, params.id, await readJsonObject(request, "invalid request body"))
      },
      raw,
    )
