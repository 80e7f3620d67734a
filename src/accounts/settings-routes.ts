import { Elysia } from "elysia"
import { readJsonObject } from "../body"
import type { AccountDoor } from "./routes"
import type { Sessions } from "./sessions"
import type { Settings } from "./settings"
import type { TwoFactor } from "./two-factor"
import type { SecurityKeys } from "./webauthn-keys"

export type SettingsNeeds = { settings: Settings; sessions: Sessions; keys: SecurityKeys; twoFactor: TwoFactor }

const body = (request: Request) => readJsonObject(request, "invalid request body")
const empty = () => new Response(null, { status: 200 })
const raw = { parse: "none" } as const

/** A person's own settings (platform-api.md section 2.5), for sessions only. */
export const settingsRoutes = ({ settings, sessions, keys, twoFactor }: SettingsNeeds, door: AccountDoor) => {
  const personId = async (request: Request) => (await door.session(request)).personId
  return new Elysia({ name: "settings-routes", prefix: "/api/settings" })
    .put("/profile", async ({ request }) => settings.changeProfile(await door.session(request), await body(request)), raw)
    .put(
      "/password",
      async ({ request }) => {
        await settings.changePassword(await door.session(request), await body(request), door.address(request))
        return empty()
      },
      raw,
    )
    .get("/sessions", async ({ request }) => {
      const { personId, sessionId } = await door.session(request)
      return sessions.list(personId, sessionId)
    })
    .delete("/sessions", async ({ request }) => {
      const { personId, sessionId } = await door.session(request)
      return sessions.endOthers(personId, sessionId)
    })
    .delete("/sessions/:id", async ({ request, params }) => {
      await sessions.end(await personId(request), params.id)
      return { status: "ok" }
    })
    .get("/keys", async ({ request }) => keys.list(await personId(request)))
    .post("/keys/add/begin", async ({ request }) => keys.beginAdding(await door.session(request)), raw)
    .post(
      "/keys/add/finish",
      async ({ request }) => {
        await keys.finishAdding(await personId(request), await body(request))
        return empty()
      },
      raw,
    )
    .post(
      "/keys/rename",
      async ({ request }) => {
        await keys.rename(await personId(request), await body(request))
        return empty()
      },
      raw,
    )
    .post(
      "/keys/delete",
      async ({ request }) => {
        await keys.delete(await personId(request), await body(request))
        return empty()
      },
      raw,
    )
    .get("/two-factor", async ({ request }) => twoFactor.status(await personId(request)))
    .post("/totp/begin", async ({ request }) => twoFactor.beginTotp(await door.session(request)), raw)
    .post("/totp/finish", async ({ request }) => twoFactor.finishTotp(await personId(request), await body(request)), raw)
    .post(
      "/totp/delete",
      async ({ request }) => twoFactor.removeTotp(await personId(request), await body(request), door.address(request)),
      raw,
    )
    .post(
      "/recovery-codes",
      async ({ request }) => twoFactor.renewRecoveryCodes(await personId(request), await body(request), door.address(request)),
      raw,
    )
}
