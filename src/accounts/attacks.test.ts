import { describe, expect, test } from "bun:test"
import { jwtSecret, password, startApi } from "../../test/api"
import { LoginLimit } from "./login-limit"
import { People } from "./people"
import { SessionStore } from "./sessions-store"
import { Settings } from "./settings"
import { Signer } from "./signer"
import { AccountStore } from "./store"

type Api = Awaited<ReturnType<typeof startApi>>

/** People over a store that does something else right after it has read a person, as another request may. */
function peopleWith(api: Api, meanwhile: () => Promise<unknown>): People {
  const store = new AccountStore(api.db)
  const { personById } = store
  store.personById = async (id) => {
    const row = await personById(id)
    await meanwhile()
    return row
  }
  const now = () => api.clock.ms
  return new People(store, new Signer(jwtSecret, now), new LoginLimit(now), now)
}

const sessions = (api: Api, personId: string) => api.db.selectFrom("sessions").selectAll().where("personId", "=", personId).execute()

describe("what happens while somebody signs in", () => {
  test("a person who is disabled gets no session that would come to life when they are enabled", async () => {
    const api = await startApi()
    await api.person("ada")
    const bob = await api.person("bob")
    const people = peopleWith(api, () => api.administration.disable(bob.id))
    await expect(people.signIn(bob.id, "192.0.2.1")).rejects.toThrow("invalid credentials")
    await api.administration.enable(bob.id)
    expect(await sessions(api, bob.id)).toEqual([])
  })

  test("a login with the old password gets no session once there is a new one", async () => {
    const api = await startApi()
    const ada = await api.person("ada")
    const shown = (await new AccountStore(api.db).personById(ada.id))?.passwordHash
    const other = await Bun.password.hash("another good password", "argon2id")
    const people = peopleWith(api, () => new SessionStore(api.db).setPassword(ada.id, { from: shown ?? "", to: other, keptId: "" }))
    await expect(people.signIn(ada.id, "192.0.2.1", shown)).rejects.toThrow("invalid credentials")
    expect(await sessions(api, ada.id)).toEqual([])
  })
})

test("a change of the password that began before an administrator's link was used does not undo the link", async () => {
  const api = await startApi()
  const ada = await api.person("ada")
  const { link } = (await (await api.send("POST", `/admin/users/${ada.id}/reset`, { token: ada.token })).json()) as { link: string }
  // The link is used between the look at the old password and the writing of the new one.
  const people = peopleWith(api, () => api.send("POST", link, { body: { password: "a password by the link" } }))
  const [session] = await sessions(api, ada.id)
  const settings = new Settings(people, new SessionStore(api.db))
  const principal = {
    kind: "session",
    sessionId: session?.id,
    personId: ada.id,
    username: "ada",
    displayName: "ada",
    isAdmin: true,
  } as const
  const change = settings.changePassword(principal, { current_password: password, new_password: "a password of the thief" }, "192.0.2.1")
  await expect(change).rejects.toThrow("current password is incorrect")
  const login = async (secret: string) =>
    (await api.send("POST", "/api/login", { body: { username: "ada", password: secret }, from: "192.0.2.9" })).status
  expect([await login("a password of the thief"), await login("a password by the link")]).toEqual([401, 200])
})

test("who has no set-up link is told so before anything else is looked at, so that nobody else can ask for the costly hash", async () => {
  const api = await startApi()
  const link = `/setup/${await api.people.setupSecret()}`
  const ask = async (path: string) => (await api.send("POST", path, { body: { username: "ada", password: "short" } })).status
  expect([await ask("/setup/wrong"), await ask(link)]).toEqual([404, 400])
})

test("a token of a person who is disabled is not valid", async () => {
  const api = await startApi()
  await api.person("ada")
  const bob = await api.person("bob")
  const body = { name: "ci", scopes: { [`networking.${bob.id}`]: ["read"] } }
  const { id } = (await (await api.send("POST", "/api/tokens", { token: bob.token, body })).json()) as { id: string }
  const check = async () => (await api.send("GET", `/api/tokens/${id}/check`)).status
  expect(await check()).toBe(200)
  await api.administration.disable(bob.id)
  expect(await check()).toBe(404)
  await api.administration.enable(bob.id)
  expect(await check()).toBe(200)
})

test("a password is kept as argon2id of 64 MiB and two passes", async () => {
  const store = new AccountStore((await startApi()).db)
  const id = await new People(store, new Signer(jwtSecret), new LoginLimit()).create("ada", "a password to be kept")
  expect((await store.personById(id))?.passwordHash).toStartWith("$argon2id$v=19$m=65536,t=2,p=1$")
})

test("an unknown name takes the steps of a wrong password, from the first login on", async () => {
  const api = await startApi()
  await api.person("ada")
  const { hash, verify } = Bun.password
  let steps: string[] = []
  const noted =
    <G extends unknown[], R>(name: string, work: (...given: G) => Promise<R>) =>
    async (...given: G) => {
      steps.push(name)
      return work(...given).finally(() => steps.push(`${name} done`))
    }
  Object.assign(Bun.password, { hash: noted("hash", hash), verify: noted("verify", verify) })
  try {
    const seen = []
    for (const username of ["ada", "nobody"]) {
      const people = new People(new AccountStore(api.db), new Signer(jwtSecret), new LoginLimit())
      for (let i = 0; i < 2; i++) {
        steps = []
        await expect(people.identify({ username, password: "wrong password" }, "192.0.2.1")).rejects.toThrow("invalid credentials")
        seen.push(steps)
      }
    }
    const [known, knownLater, unknown, unknownLater] = seen
    expect(known).toEqual(["hash", "hash done", "verify", "verify done"])
    expect(knownLater).toEqual(["verify", "verify done"])
    expect([unknown, unknownLater]).toEqual([known, knownLater])
  } finally {
    Object.assign(Bun.password, { hash, verify })
  }
})

test("a guess counts for its network, and an address of IPv4 is the same however it is written", () => {
  const limit = new LoginLimit(() => 0)
  for (let i = 0; i < 20; i++) limit.takeAddress(i % 2 === 0 ? "192.0.2.1" : "::ffff:192.0.2.1")
  expect(() => limit.takeAddress("::ffff:192.0.2.1")).toThrow("too many login attempts")
  for (let i = 0; i < 20; i++) limit.takeAddress(`2001:db8:0:1::${i}`)
  expect(() => limit.takeAddress("2001:db8:0:1:ffff::1")).toThrow("too many login attempts")
  limit.takeAddress("2001:db8:0:2::1")
})
