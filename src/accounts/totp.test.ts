import { expect, test } from "bun:test"
import { Secret, TOTP } from "otpauth"
import { password, startApi } from "../../test/api"

type Api = Awaited<ReturnType<typeof startApi>>
type Reply = Record<string, string>

async function json<T = Reply>(response: Promise<Response>): Promise<T> {
  return (await (await response).json()) as T
}

const post = (api: Api, path: string, token: string, body: object = {}) => api.send("POST", path, { token, body })

/** What the app of the secret shows at the test's time, moved by some steps. */
const codeOf = (api: Api, secret: string, steps = 0) =>
  TOTP.generate({ secret: Secret.fromBase32(secret), timestamp: api.clock.ms + steps * 30_000 })

async function withApp() {
  const api = await startApi()
  const ada = await api.person("ada")
  const { secret = "", uri = "" } = await json(post(api, "/api/settings/totp/begin", ada.token))
  const done = await json<{ recovery_codes: string[] }>(post(api, "/api/settings/totp/finish", ada.token, { code: codeOf(api, secret) }))
  const challenge = async () => (await json(api.send("POST", "/api/login", { body: { username: "ada", password } }))).challenge_token ?? ""
  const attempt = async (code: string) => post(api, "/api/login/totp", await challenge(), { code })
  return { api, ada, secret, uri, codes: done.recovery_codes, challenge, attempt }
}

test("an app is set up by its first code, sealed in the store, and asked for at the next login", async () => {
  const { api, ada, secret, uri, codes, challenge, attempt } = await withApp()
  expect(uri).toBe(
    `otpauth://totp/Freehold%20cloud.example.org:ada?issuer=Freehold%20cloud.example.org&secret=${secret}&algorithm=SHA1&digits=6&period=30`,
  )
  expect(codes.length).toBe(10)
  expect(JSON.stringify(await api.db.selectFrom("totpSecrets").selectAll().execute())).not.toContain(secret)
  expect(await json(api.send("GET", "/api/login/factors", { token: await challenge() }))).toEqual({
    factors: ["totp", "recovery_code"] as never,
    username: "ada",
    page: "https://cloud.example.org/cli-2fa",
  })
  const noKey = await post(api, "/api/webauthn/login/begin", await challenge())
  expect([noKey.status, await noKey.json()]).toEqual([400, { error: "no security key is registered: use a code" }])
  api.clock.ms += 30_000
  const res = await attempt(codeOf(api, secret))
  expect([res.status, await res.json()]).toEqual([200, expect.objectContaining({ user_id: ada.id, token: expect.any(String) }) as never])
})

test("a code counts once, and none that is older than the last used", async () => {
  const { api, secret, attempt } = await withApp()
  // The code that confirmed the app was a use too.
  expect((await attempt(codeOf(api, secret))).status).toBe(401)
  expect((await attempt(codeOf(api, secret, 1))).status).toBe(200)
  expect((await attempt(codeOf(api, secret, 1))).status).toBe(401)
  api.clock.ms += 60_000
  const [first, second] = await Promise.all([attempt(codeOf(api, secret)), attempt(codeOf(api, secret))])
  expect([first.status, second.status].sort()).toEqual([200, 401])
  expect((await attempt(codeOf(api, secret, -1))).status).toBe(401)
}, 20_000)

test("a code is good one step to either side, and no further", async () => {
  const { api, secret, attempt } = await withApp()
  api.clock.ms += 300_000
  for (const steps of [-2, 2]) expect((await attempt(codeOf(api, secret, steps))).status).toBe(401)
  expect((await attempt(codeOf(api, secret, -1))).status).toBe(200)
  expect((await attempt(codeOf(api, secret, 1).replace(/^.../, "$& "))).status).toBe(200)
}, 20_000)

test("a code makes one session of a challenge", async () => {
  const { api, secret, challenge } = await withApp()
  const token = await challenge()
  expect((await post(api, "/api/login/totp", token, { code: codeOf(api, secret, 1) })).status).toBe(200)
  api.clock.ms += 60_000
  const again = await post(api, "/api/login/totp", token, { code: codeOf(api, secret) })
  expect([again.status, await again.json()]).toEqual([401, { error: "invalid or expired challenge token" }])
})

test.each([
  ["nothing", undefined],
  ["a number", 123456],
  ["too long", "1234567"],
  ["letters", "12345a"],
  ["empty", ""],
])("%s is no code", async (_name, code) => {
  const { api, challenge } = await withApp()
  const res = await post(api, "/api/login/totp", await challenge(), { code })
  expect([res.status, await res.json()]).toEqual([401, { error: "invalid code" }])
})

test("an app that was not confirmed asks for nothing, and a wrong first code confirms nothing", async () => {
  const api = await startApi()
  const ada = await api.person("ada")
  const finish = (code: string) => post(api, "/api/settings/totp/finish", ada.token, { code })
  expect(await json(finish("000000"))).toEqual({ error: "no authenticator app is being set up" })
  const earlier = await json(post(api, "/api/settings/totp/begin", ada.token))
  const later = await json(post(api, "/api/settings/totp/begin", ada.token))
  expect((await finish(codeOf(api, earlier.secret ?? ""))).status).toBe(400)
  expect(await json(api.send("POST", "/api/login", { body: { username: "ada", password } }))).toHaveProperty("token")
  expect((await finish(codeOf(api, later.secret ?? ""))).status).toBe(200)
  const third = await post(api, "/api/settings/totp/begin", ada.token)
  expect([third.status, await third.json()]).toEqual([409, { error: "an authenticator app is already set up: remove it first" }])
})

test("an app is removed with the password, and its recovery codes go with it", async () => {
  const { api, ada } = await withApp()
  const remove = (current_password?: string) => post(api, "/api/settings/totp/delete", ada.token, { current_password })
  expect((await remove()).status).toBe(401)
  expect((await remove("wrong")).status).toBe(401)
  expect((await remove(password)).status).toBe(200)
  expect((await remove(password)).status).toBe(404)
  const status = await json<object>(api.send("GET", "/api/settings/two-factor", { token: ada.token }))
  expect(status).toEqual({ enabled: false, keys: 0, totp: false, recovery_codes_left: 0 })
})
