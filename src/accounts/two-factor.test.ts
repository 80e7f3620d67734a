import { describe, expect, test } from "bun:test"
import { password, startApi } from "../../test/api"
import { type KeyBehaviour, SoftwareKey } from "./webauthn.fixture"

const origin = "https://cloud.example.org"

type Api = Awaited<ReturnType<typeof startApi>>
type Begun = { options: { publicKey: { challenge: string; rp: { id: string }; rpId: string; [more: string]: unknown } }; state: string }
type Reply = Record<string, string>

async function json<T>(response: Response | Promise<Response>): Promise<T> {
  return (await (await response).json()) as T
}

/** Registers a new key by the settings. */
async function addKey(api: Api, token: string, name?: string): Promise<SoftwareKey> {
  const key = new SoftwareKey(origin)
  const { options, state } = await json<Begun>(api.send("POST", "/api/settings/keys/add/begin", { token }))
  const body = { state, credential: key.create(options.publicKey), ...(name === undefined ? {} : { name }) }
  const res = await api.send("POST", "/api/settings/keys/add/finish", { token, body })
  expect([res.status, await res.text()]).toEqual([200, ""])
  return key
}

const login = (api: Api, username: string, from = "192.0.2.7") =>
  json<Reply>(api.send("POST", "/api/login", { body: { username, password }, from }))

async function withKey() {
  const api = await startApi()
  const ada = await api.person("ada")
  const key = await addKey(api, ada.token)
  const { challenge_token: challenge = "" } = await login(api, "ada")
  const begin = (token: string | undefined = challenge) => api.send("POST", "/api/webauthn/login/begin", { token })
  const finish = (body: unknown) => api.send("POST", "/api/webauthn/login/finish", { body })
  return { api, ada, key, challenge, begin, finish }
}

describe("a login with a security key", () => {
  test("answers a challenge instead of a session, in the document's shapes, and the key completes it", async () => {
    const { api, ada, key, begin, finish } = await withKey()
    const reply = await login(api, "ada")
    expect(reply).toEqual({ requires_2fa: true as never, challenge_token: expect.any(String) as never })
    const claims = JSON.parse(atob(reply.challenge_token?.split(".")[1] ?? "")) as Record<string, number>
    expect(claims).toMatchObject({ user_id: ada.id as never, type: "2fa_challenge" as never })
    expect((claims.exp ?? 0) - (claims.iat ?? 0)).toBe(300)
    const { options, state } = await json<Begun>(begin())
    expect(options).toEqual({
      publicKey: {
        challenge: expect.any(String) as never,
        timeout: 300_000,
        rpId: "cloud.example.org",
        allowCredentials: [{ type: "public-key", id: key.id, transports: ["usb"] }],
        userVerification: "discouraged",
      } as never,
    })
    const done = await finish({ state, credential: key.get(options.publicKey) })
    expect(done.status).toBe(200)
    const session = await json<Reply>(done)
    expect(session).toEqual({ username: "ada", display_name: "ada", user_id: ada.id, is_admin: true as never, token: expect.any(String) })
    expect((await api.send("GET", "/api/session", { token: session.token })).status).toBe(200)
  })

  test("the challenge token is no session and no API token", async () => {
    const { api, challenge } = await withKey()
    for (const path of ["/api/session", "/api/settings/keys", "/api/domain-mappings"]) {
      expect((await api.send("GET", path, { token: challenge })).status).toBe(401)
    }
  })

  test.each([
    ["no token", () => undefined, "challenge token required"],
    ["garbage", () => "a.b.c", "invalid or expired challenge token"],
    ["a session", ({ ada }: { ada: { token: string } }) => ada.token, "invalid challenge token"],
  ])("begin with %s is 401", async (_name, token, error) => {
    const { api, ada } = await withKey()
    for (const [method, path] of [
      ["POST", "/api/webauthn/login/begin"],
      ["GET", "/api/login/factors"],
    ] as const) {
      const res = await api.send(method, path, { token: token({ ada }) as string })
      expect([res.status, await res.json()]).toEqual([401, { error }])
    }
  })

  test("a challenge is over after five minutes", async () => {
    const { api, begin } = await withKey()
    api.clock.ms += 299_000
    expect((await begin()).status).toBe(200)
    api.clock.ms += 1000
    expect(await json(begin())).toEqual({ error: "invalid or expired challenge token" })
  })

  test("a challenge makes one session, however many ceremonies it began", async () => {
    const { key, begin, finish } = await withKey()
    const first = await json<Begun>(begin())
    const second = await json<Begun>(begin())
    const early = await finish({ state: first.state, credential: key.get(first.options.publicKey) })
    expect([early.status, await early.json()]).toEqual([400, { error: "ceremony session not found or expired" }])
    const body = { state: second.state, credential: key.get(second.options.publicKey) }
    const both = await Promise.all([finish(body), finish(body)])
    expect(both.map(({ status }) => status).sort()).toEqual([200, 400])
    expect(await json(begin())).toEqual({ error: "invalid or expired challenge token" })
  })

  test.each<[string, KeyBehaviour]>([
    ["another origin", { origin: "https://evil.example" }],
    ["a container's own host below the base domain", { origin: "https://x.compute.cloud.example.org" }],
    ["another party", { rpId: "evil.example" }],
    ["another challenge", { challenge: "AAAA" }],
    ["a registration's data", { type: "webauthn.create" }],
    ["another person's handle", { userHandle: "someone" }],
  ])("a key that signs for %s is refused", async (_name, behaviour) => {
    const { key, begin, finish } = await withKey()
    const { options, state } = await json<Begun>(begin())
    const res = await finish({ state, credential: key.get(options.publicKey, behaviour) })
    expect([res.status, await res.json()]).toEqual([401, { error: "authentication failed" }])
  })

  test("a foreign key, a copied key that counts behind, and nonsense are refused", async () => {
    const { api, key, begin, finish } = await withKey()
    const eve = await api.person("eve")
    const foreign = await addKey(api, eve.token)
    const attempt = async (credential: (options: Begun["options"]["publicKey"]) => unknown) => {
      const { options, state } = await json<Begun>(begin())
      return (await finish({ state, credential: credential(options.publicKey) })).status
    }
    expect(await attempt((options) => foreign.get(options))).toBe(401)
    expect(await attempt(() => ({ id: key.id }))).toBe(401)
    expect(await attempt(() => null)).toBe(401)
    expect(await attempt((options) => ({ ...key.get(options), response: { clientDataJSON: 1 } }))).toBe(401)
    // 4 logins with other answers later, the copy still shows what the key showed at first.
    key.counter = 7
    expect(await attempt((options) => key.get(options))).toBe(200)
    const again = (await login(api, "ada")).challenge_token
    key.counter = 6
    const { options, state } = await json<Begun>(begin(again))
    expect((await finish({ state, credential: key.get(options.publicKey) })).status).toBe(401)
  })

  test("attempts are limited for the account and for the address", async () => {
    const { api, challenge } = await withKey()
    const guess = (token: string, from: string) =>
      api.send("POST", "/api/login/recovery-code", { token, from, body: { code: "aaaa-aaaa-aaaa-aaaa" } })
    for (let i = 0; i < 10; i++) expect((await guess(challenge, `192.0.2.${i}`)).status).toBe(401)
    const limited = await guess(challenge, "192.0.2.99")
    expect(limited.status).toBe(429)
    expect(Number(limited.headers.get("retry-after"))).toBeGreaterThan(800)
  })

  test("ends when the password changes in between", async () => {
    const { api, ada, key, begin, finish } = await withKey()
    const { options, state } = await json<Begun>(begin())
    const body = { current_password: password, new_password: "another good password" }
    expect((await api.send("PUT", "/api/settings/password", { token: ada.token, body })).status).toBe(200)
    expect((await finish({ state, credential: key.get(options.publicKey) })).status).toBe(401)
  })
})

describe("security keys in the settings", () => {
  test("are listed, renamed and removed by their person only; without the last one a password is enough", async () => {
    const { api, ada, key } = await withKey()
    const eve = await api.person("eve")
    const keys = async (token: string) => (await json<{ keys: Reply[] }>(api.send("GET", "/api/settings/keys", { token }))).keys
    expect(await keys(ada.token)).toEqual([
      {
        id: key.id,
        name: "Security key",
        authenticator_type: "Security Key",
        created_at: Math.floor(api.clock.ms / 1000) as never,
        last_used_at: 0 as never,
      },
    ])
    expect(await keys(eve.token)).toEqual([])
    const change = (token: string, what: string, body: object) => api.send("POST", `/api/settings/keys/${what}`, { token, body })
    for (const what of ["rename", "delete"]) {
      const res = await change(eve.token, what, { id: key.id, name: "mine" })
      expect([res.status, await res.json()]).toEqual([404, { error: "key not found" }])
    }
    const renamed = await change(ada.token, "rename", { id: key.id, name: " Blue " })
    expect([renamed.status, await renamed.text()]).toEqual([200, ""])
    expect((await keys(ada.token))[0]?.name).toBe("Blue")
    expect((await change(ada.token, "rename", { id: key.id, name: "" })).status).toBe(400)
    const codes = { current_password: password }
    expect((await api.send("POST", "/api/settings/recovery-codes", { token: ada.token, body: codes })).status).toBe(200)
    expect((await change(ada.token, "delete", { id: key.id })).status).toBe(200)
    expect(await login(api, "ada")).toHaveProperty("token")
    expect(await api.db.selectFrom("recoveryCodes").selectAll().execute()).toEqual([])
  }, 20_000)

  test("a registration belongs to who began it, counts once, and a credential to one person", async () => {
    const { api, ada } = await withKey()
    const eve = await api.person("eve")
    const begin = (token: string) => json<Begun>(api.send("POST", "/api/settings/keys/add/begin", { token }))
    const finish = (token: string, body: unknown) => api.send("POST", "/api/settings/keys/add/finish", { token, body })
    const key = new SoftwareKey(origin)
    const { options, state } = await begin(eve.token)
    const body = { state, credential: key.create(options.publicKey) }
    expect(await json(finish(ada.token, body))).toEqual({ error: "ceremony session not found or expired" })
    const next = await begin(eve.token)
    expect((await finish(eve.token, { state: next.state, credential: key.create(next.options.publicKey) })).status).toBe(200)
    expect((await finish(eve.token, { state: next.state, credential: key.create(next.options.publicKey) })).status).toBe(400)
    const stolen = await begin(ada.token)
    const res = await finish(ada.token, { state: stolen.state, credential: key.create(stolen.options.publicKey) })
    expect([res.status, await res.json()]).toEqual([409, { error: "this key is already registered" }])
    const late = await begin(ada.token)
    api.clock.ms += 300_001
    expect((await finish(ada.token, { state: late.state, credential: key.create(late.options.publicKey) })).status).toBe(400)
  })

  test.each<[string, KeyBehaviour]>([
    ["for another origin", { origin: "https://evil.example" }],
    ["for another party", { rpId: "evil.example" }],
    ["for another challenge", { challenge: "AAAA" }],
  ])("a registration %s is refused", async (_name, behaviour) => {
    const api = await startApi()
    const ada = await api.person("ada")
    const { options, state } = await json<Begun>(api.send("POST", "/api/settings/keys/add/begin", { token: ada.token }))
    const body = { state, credential: new SoftwareKey(origin).create(options.publicKey, behaviour) }
    const res = await api.send("POST", "/api/settings/keys/add/finish", { token: ada.token, body })
    expect([res.status, await res.json()]).toEqual([400, { error: "registration failed" }])
  })
})

describe("an administrator", () => {
  test("removes all second factors of somebody who has lost them; others may not", async () => {
    const { api, ada } = await withKey()
    const eve = await api.person("eve")
    await addKey(api, eve.token)
    const remove = (token: string, id: string) => api.send("DELETE", `/admin/users/${id}/two-factor`, { token })
    expect((await remove(eve.token, ada.id)).status).toBe(403)
    expect((await remove(ada.token, "nobody")).status).toBe(404)
    expect(await login(api, "eve")).toHaveProperty("challenge_token")
    expect((await remove(ada.token, eve.id)).status).toBe(200)
    expect(await login(api, "eve")).toHaveProperty("token")
    expect((await login(api, "ada")).requires_2fa).toBe(true as never)
    expect((await remove(ada.token, eve.id)).status).toBe(404)
  }, 20_000)
})

describe("a passkey", () => {
  test("logs in without a name and a password when it has verified its user, and not otherwise", async () => {
    const { api, ada, key } = await withKey()
    const attempt = async (behaviour: KeyBehaviour) => {
      const { options, state } = await json<Begun>(api.send("POST", "/api/webauthn/passkey/begin"))
      expect(options.publicKey).toMatchObject({ userVerification: "required", rpId: "cloud.example.org" })
      return api.send("POST", "/api/webauthn/passkey/finish", { body: { state, credential: key.get(options.publicKey, behaviour) } })
    }
    expect((await attempt({ userHandle: ada.id })).status).toBe(401)
    expect((await attempt({ userHandle: "other", isVerified: true })).status).toBe(401)
    // Who it is, only the handle can say before anybody is named (WebAuthn Level 3, section 7.2, step 6).
    expect((await attempt({ isVerified: true })).status).toBe(401)
    const done = await attempt({ userHandle: ada.id, isVerified: true })
    expect([done.status, await done.json()]).toEqual([200, expect.objectContaining({ user_id: ada.id }) as never])
  })

  test("begins are limited for an address", async () => {
    const api = await startApi()
    for (let i = 0; i < 20; i++) expect((await api.send("POST", "/api/webauthn/passkey/begin")).status).toBe(200)
    expect((await api.send("POST", "/api/webauthn/passkey/begin")).status).toBe(429)
  })
})

describe("recovery codes", () => {
  test("are shown once, kept as hashes, used up one by one, and end when made anew", async () => {
    const { api, ada } = await withKey()
    const renew = async () => {
      const body = { current_password: password }
      return json<{ recovery_codes: string[] }>(api.send("POST", "/api/settings/recovery-codes", { token: ada.token, body }))
    }
    const attempt = async (code: string) => {
      const { challenge_token: token = "" } = await login(api, "ada", crypto.randomUUID())
      return (await api.send("POST", "/api/login/recovery-code", { token, body: { code } })).status
    }
    const first = (await renew()).recovery_codes
    expect(new Set(first).size).toBe(10)
    for (const code of first) expect(code).toMatch(/^[a-km-np-z2-9]{4}(-[a-km-np-z2-9]{4}){3}$/)
    const stored = JSON.stringify(await api.db.selectFrom("recoveryCodes").selectAll().execute())
    for (const code of first) expect(stored).not.toContain(code)
    expect(await attempt(` ${first[0]?.toUpperCase().replaceAll("-", " ")}`)).toBe(200)
    expect(await attempt(first[0] ?? "")).toBe(401)
    const status = await json(api.send("GET", "/api/settings/two-factor", { token: ada.token }))
    expect(status).toEqual({ enabled: true, keys: 1, totp: false, recovery_codes_left: 9 })
    const second = (await renew()).recovery_codes
    expect(await attempt(first[1] ?? "")).toBe(401)
    expect(await attempt(second[1] ?? "")).toBe(200)
  }, 20_000)

  test("need the password and a second factor, and are nobody else's", async () => {
    const { api, ada, challenge } = await withKey()
    const eve = await api.person("eve")
    const renew = (token: string, current_password: string) =>
      api.send("POST", "/api/settings/recovery-codes", { token, body: { current_password } })
    const wrong = await renew(ada.token, "wrong")
    expect([wrong.status, await wrong.json()]).toEqual([401, { error: "current password is incorrect" }])
    expect((await renew(eve.token, password)).status).toBe(409)
    await addKey(api, eve.token)
    const { recovery_codes: hers } = await json<{ recovery_codes: string[] }>(renew(eve.token, password))
    const res = await api.send("POST", "/api/login/recovery-code", { token: challenge, body: { code: hers[0] } })
    expect([res.status, await res.json()]).toEqual([401, { error: "invalid code" }])
    const left = await json(api.send("GET", "/api/settings/two-factor", { token: eve.token }))
    expect(left).toMatchObject({ recovery_codes_left: 10 })
  }, 20_000)
})
