import { expect, test } from "bun:test"
import { password, startApi } from "../../test/api"

type Session = { id: number; ip_address: string; created_at: number; is_current: boolean }

async function signedInTwice() {
  const api = await startApi()
  const ada = await api.person("ada")
  api.clock.ms += 60_000
  const second = (await (await api.send("POST", "/api/login", { body: { username: "ada", password }, from: "198.51.100.9" })).json()) as {
    token: string
  }
  const isAlive = async (token: string) => (await api.send("GET", "/api/session", { token })).status === 200
  const list = async (token: string) => (await (await api.send("GET", "/api/settings/sessions", { token })).json()) as Session[]
  return { api, ada, second, isAlive, list }
}

test("the name that is shown changes, in the profile's shape, and the session knows it at once", async () => {
  const api = await startApi()
  const ada = await api.person("ada")
  const change = (display_name: unknown) => api.send("PUT", "/api/settings/profile", { token: ada.token, body: { display_name } })
  expect(await (await change(" Ada Lovelace ")).json()).toEqual({ username: "ada", display_name: "Ada Lovelace", user_id: ada.id })
  expect(await (await api.send("GET", "/api/session", { token: ada.token })).json()).toMatchObject({ display_name: "Ada Lovelace" })
  for (const wrong of ["", " ", 5, "x".repeat(65), "a\u0000b"]) expect((await change(wrong)).status).toBe(400)
})

test("a new password needs the old one, ends all other sessions, and is the one that counts", async () => {
  const { api, ada, second, isAlive } = await signedInTwice()
  const change = (current_password: unknown, new_password: unknown) =>
    api.send("PUT", "/api/settings/password", { token: ada.token, body: { current_password, new_password } })
  const wrong = await change("wrong password", "another good password")
  expect([wrong.status, await wrong.json()]).toEqual([401, { error: "current password is incorrect" }])
  const short = await change(password, "short")
  expect([short.status, await short.json()]).toEqual([400, { error: "password must have 10 to 256 characters" }])
  expect(await isAlive(second.token)).toBe(true)
  const done = await change(password, "another good password")
  expect([done.status, await done.text()]).toEqual([200, ""])
  expect([await isAlive(ada.token), await isAlive(second.token)]).toEqual([true, false])
  const login = async (attempt: string) => (await api.send("POST", "/api/login", { body: { username: "ada", password: attempt } })).status
  expect([await login(password), await login("another good password")]).toEqual([401, 200])
})

test("guesses at the current password are limited like logins", async () => {
  const api = await startApi()
  const ada = await api.person("ada")
  const guess = () =>
    api.send("PUT", "/api/settings/password", {
      token: ada.token,
      body: { current_password: "wrong", new_password: "another good password" },
    })
  for (let i = 0; i < 9; i++) expect((await guess()).status).toBe(401)
  expect((await guess()).status).toBe(429)
}, 20_000)

test("sessions are listed newest first, with the one that asks marked, and without those that are over", async () => {
  const { api, ada, second, list } = await signedInTwice()
  const sessions = await list(ada.token)
  expect(sessions.map(({ ip_address, is_current }) => [ip_address, is_current])).toEqual([
    ["198.51.100.9", false],
    ["ada", true],
  ])
  expect(sessions.every(({ id }) => Number.isSafeInteger(id))).toBe(true)
  expect(sessions[0]?.created_at).toBe(Math.floor(api.clock.ms / 1000))
  expect((await list(second.token)).map(({ is_current }) => is_current)).toEqual([true, false])
  api.clock.ms += 24 * 3_600_000 - 30_000
  expect((await list(second.token)).length).toBe(1)
})

test("a session is ended by its id, all others at once, and never another person's", async () => {
  const { api, ada, second, isAlive, list } = await signedInTwice()
  const eve = await api.person("eve")
  const [newest] = await list(ada.token)
  const end = (token: string, id: unknown) => api.send("DELETE", `/api/settings/sessions/${id}`, { token })
  const foreign = await end(eve.token, newest?.id)
  expect([foreign.status, await foreign.json()]).toEqual([404, { error: "session not found" }])
  expect((await end(ada.token, "1")).status).toBe(404)
  expect(await isAlive(second.token)).toBe(true)
  expect(await (await end(ada.token, newest?.id)).json()).toEqual({ status: "ok" })
  expect([await isAlive(second.token), await isAlive(ada.token)]).toEqual([false, true])
  await api.send("POST", "/api/login", { body: { username: "ada", password } })
  expect(await (await api.send("DELETE", "/api/settings/sessions", { token: ada.token })).json()).toEqual({ status: "ok", ended: 1 })
  expect([await isAlive(ada.token), await isAlive(eve.token)]).toEqual([true, true])
})

test("settings are for sessions only", async () => {
  const api = await startApi()
  const ada = await api.person("ada")
  const bot = await api.serviceToken(ada, { [`networking.${ada.id}`]: ["create", "read", "update", "delete"] })
  for (const [method, path] of [
    ["PUT", "profile"],
    ["PUT", "password"],
    ["GET", "sessions"],
    ["DELETE", "sessions"],
    ["DELETE", "sessions/1"],
    ["GET", "keys"],
    ["POST", "keys/add/begin"],
    ["POST", "keys/add/finish"],
    ["POST", "keys/rename"],
    ["POST", "keys/delete"],
    ["GET", "two-factor"],
    ["POST", "totp/begin"],
    ["POST", "totp/finish"],
    ["POST", "totp/delete"],
    ["POST", "recovery-codes"],
  ] as const) {
    for (const token of [undefined, bot.token]) {
      const res = await api.send(method, `/api/settings/${path}`, { token, ...(method === "GET" ? {} : { body: {} }) })
      expect([path, res.status, await res.json()]).toEqual([path, 401, { error: "unauthorized" }])
    }
  }
})
