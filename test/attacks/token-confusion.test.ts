import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { createHmac, createPublicKey, generateKeyPairSync, sign } from "node:crypto"
import { join } from "node:path"
import { type AttackedHouse, apiToken, houseObstacle, startAttackedHouse } from "./attacked-house"

const encode = (value: object | string) => Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url")
const parts = (token: string) => token.replace(/^ecloud_/, "").split(".") as [string, string, string]
const decode = (part: string) => JSON.parse(Buffer.from(part, "base64url").toString()) as Record<string, unknown>

describe.skipIf(houseObstacle !== undefined)(
  `tokens that are taken for others${houseObstacle ? ` (skipped: ${houseObstacle})` : ""}`,
  () => {
    let attacked: AttackedHouse
    let secret: string
    let widget: string
    let api: string

    beforeAll(async () => {
      attacked = await startAttackedHouse()
      const { house, ada } = attacked
      secret = (await Bun.file(join(house.dataDir, "jwt-secret")).text()).trim()
      const { id } = await ada.send<{ id: string }>("POST", "/v1/applications", { name: "Site" })
      widget = (await ada.send<{ auth_token: string }>("POST", "/v1/tokens", { application_id: id })).auth_token
      api = await apiToken(ada, { "networking.me": ["read", "create", "delete"] })
    })
    afterAll(() => attacked?.stop())

    const session = async (token: string) => (await attacked.house.api("GET", "/api/session", { token })).status
    /** Any door that a token of some kind opens. */
    const doors = async (token: string) =>
      Promise.all(
        ["/api/session", "/api/domain-mappings", "/compute/containers", "/v1/applications", "/admin/users"].map(
          async (path) => (await attacked.house.api("GET", path, { token })).status,
        ),
      )
    const hs = (header: object, claims: object, key: string | Buffer, hash = "sha256") => {
      const input = `${encode(header)}.${encode(claims)}`
      return `${input}.${createHmac(hash, key).update(input).digest("base64url")}`
    }
    const real = () => parts(attacked.ada.token)
    const claims = () => decode(real()[1])
    const usual = { alg: "HS256", typ: "JWT" }

    test("the test can sign what the house takes, so that what follows fails for its one fault", async () => {
      expect(await session(hs(usual, claims(), secret))).toBe(200)
    })

    test("without a signature, or with one that is not asked for", async () => {
      const [, body, signature] = real()
      for (const alg of ["none", "None", "NONE", "nOnE", "", "HS256 ", "hs256"])
        for (const tail of ["", ".", `.${signature}`])
          expect(await doors(`${encode({ alg, typ: "JWT" })}.${body}${tail}`)).toEqual([401, 401, 401, 401, 401])
      for (const header of [{ typ: "JWT" }, { alg: null }, { alg: ["HS256"] }, { alg: { HS256: 1 } }])
        expect(await session(hs(header, claims(), secret))).toBe(401)
    })

    test("another algorithm with our secret, and an asymmetric key in the place of a secret", async () => {
      for (const [alg, hash] of [
        ["HS384", "sha384"],
        ["HS512", "sha512"],
      ] as const)
        expect(await session(hs({ alg, typ: "JWT" }, claims(), secret, hash))).toBe(401)
      const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 })
      const pem = publicKey.export({ type: "spki", format: "pem" })
      const input = `${encode({ alg: "RS256", typ: "JWT", jwk: createPublicKey(pem).export({ format: "jwk" }) })}.${encode(claims())}`
      expect(await session(`${input}.${sign("sha256", Buffer.from(input), privateKey).toString("base64url")}`)).toBe(401)
      // What is public is no secret: neither the attacker's key nor the house's own certificate authority.
      const ca = await attacked.house.api("GET", "/ca.pem")
      for (const key of [String(pem), ca.text, "", "secret", Buffer.alloc(32)]) expect(await session(hs(usual, claims(), key))).toBe(401)
    })

    test("a key that the header names, wherever that leads", async () => {
      const own = "x".repeat(32)
      for (const extra of [
        { kid: "../../../../../../dev/null" },
        { kid: "1' UNION SELECT 'x" },
        { jwk: { kty: "oct", k: encode(own) } },
        { jku: "http://127.0.0.1:9/keys" },
        { x5u: "http://127.0.0.1:9/cert" },
        { crit: ["exp"], exp: 1 },
      ])
        expect([
          extra,
          await session(hs({ ...usual, ...extra }, claims(), own)),
          await session(hs({ ...usual, ...extra }, claims(), "")),
        ]).toEqual([extra, 401, 401])
    })

    test("a claim that was changed after it was signed", async () => {
      const [header, , signature] = real()
      const { user_id: bob } = JSON.parse((await attacked.bob.ask("GET", "/api/session")).text) as { user_id: string }
      for (const change of [{ user_id: bob }, { is_admin: false }, { exp: 9e9 }, { type: "api_token" }])
        expect(await session(`${header}.${encode({ ...claims(), ...change })}.${signature}`)).toBe(401)
      // Even signed, what a claim says of rights is not asked: the store is.
      const mallorys = decode(parts(attacked.mallory.token)[1])
      const raised = hs(usual, { ...mallorys, is_admin: true, username: "ada" }, secret)
      expect((await attacked.house.api("GET", "/admin/users", { token: raised })).status).toBe(403)
      expect(await session(hs(usual, { ...mallorys, user_id: attacked.ada.id }, secret))).toBe(401)
    })

    test("out of its time, by any spelling of time", async () => {
      const now = Math.floor(Date.now() / 1000)
      for (const change of [
        { exp: now - 1 },
        { exp: 0 },
        { exp: -1 },
        { exp: "9999999999" },
        { exp: null },
        { nbf: now + 3600 },
        { exp: [9e9] },
      ])
        expect([change, await session(hs(usual, { ...claims(), ...change }, secret))]).toEqual([change, 401])
    })

    test("a token of one kind is none of another", async () => {
      const { house, ada } = attacked
      expect(await doors(widget)).toEqual([401, 401, 401, 403, 401])
      expect(await doors(api)).toEqual([401, 200, 403, 401, 401])
      for (const type of ["2fa_challenge", "connect_widget", "repository", "session", "SESSION", " ", 0, null, [], {}]) {
        const statuses = await doors(hs(usual, { ...claims(), type }, secret))
        // `null` and what is no text are as good as a type that nobody knows.
        expect([type, statuses.every((status) => status === 401 || status === 403)]).toEqual([type, true])
        expect([type, statuses[0]]).toEqual([type, 401])
      }
      const { ticket } = await ada.send<{ ticket: string }>("POST", "/compute/tickets", { path: "/compute/ws" })
      expect(await doors(ticket)).toEqual([401, 401, 401, 401, 401])
      // A session is no widget's token, and an API token's claims open nothing with another hash.
      const forged = hs(usual, { ...decode(parts(api)[1]), iat: 1 }, secret)
      expect((await house.api("GET", "/api/domain-mappings", { token: forged })).status).toBe(401)
    })

    test("a token is one string of three parts, and nothing about it", async () => {
      const { token } = attacked.ada
      for (const odd of [
        `${token}.`,
        `${token}.x`,
        `.${token}`,
        `${token}A`,
        `${token},${token}`,
        token.toUpperCase(),
        "..",
        "a.b",
        "ecloud_",
        `ecloud_ecloud_${token}`,
      ])
        expect([odd.slice(0, 10), await session(odd)]).toEqual([odd.slice(0, 10), 401])
    })

    test("what has ended stays ended", async () => {
      const { house } = attacked
      const { token } = await house.login({ username: "mallory", password: "correct horse battery" })
      expect(await session(token)).toBe(200)
      await house.api("POST", "/api/logout", { token })
      expect(await session(token)).toBe(401)
    })
  },
)
