import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { createHash } from "node:crypto"
import { type AttackedHouse, newPerson, password } from "./attacked-house"
import { rawExchange, rawRequest } from "./raw-exchange"
import type { Mapping, Person } from "../e2e/person"
import { type Stage, stageObstacle, startStage } from "../e2e/stage"
import { waitUntil } from "../lab/process"

const obstacle = await stageObstacle({ pebble: true })

describe.skipIf(obstacle !== undefined)(`names and certificates of others${obstacle ? ` (skipped: ${obstacle})` : ""}`, () => {
  let stage: Stage
  let attacked: AttackedHouse
  let adas: string
  const upstreams: Bun.Server<undefined>[] = []
  const application = (text: string) => {
    const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response(text) })
    upstreams.push(server)
    return server.port ?? 0
  }

  beforeAll(async () => {
    stage = await startStage({ pebble: true, zones: ["customer.test", "mallory.test"] })
    const { house } = stage
    const ada = await house.login()
    const mallory = await newPerson(ada, "mallory")
    attacked = { house, ada, bob: mallory, mallory, stop: async () => {} }
    adas = await ada.external("ada", { "8080": application("ada's") })
  })
  afterAll(async () => {
    await stage?.stop()
    for (const server of upstreams) await server.stop(true)
  })

  /** Only administrators make external containers, so mallory's names lead to an origin of her own, by connections. */
  const connect = async (who: Person, hostname: string) => {
    const { id } = await who.send<{ id: string }>("POST", "/v1/applications", { name: `for ${hostname}` })
    const { status, text } = await who.ask("POST", "/v1/connections", { application_id: id, hostname })
    return { status, connection: JSON.parse(text) as { id: string; ownership_challenge: { name: string; value: string } } }
  }
  const live = async (domain: string): Promise<Mapping> => {
    const mapping = await attacked.ada.map(domain, adas)
    await stage.point(domain)
    await stage.dns.publish("both", mapping.verify_name, "TXT", mapping.verify_token)
    expect(await attacked.ada.verify(mapping.id)).toMatchObject({ status: "verified" })
    await attacked.ada.certified(mapping.id)
    return mapping
  }
  const visit = (serverName: string) =>
    rawExchange({ address: stage.house.address, port: stage.house.ports.https, serverName }, rawRequest("GET /", { Host: serverName }))

  test("a name that somebody has proved is nobody else's, by either API, in any spelling", async () => {
    const { mallory } = attacked
    await live("held.customer.test")
    for (const hostname of ["held.customer.test", "HELD.customer.test.", "held。customer.test"])
      expect([hostname, (await connect(mallory, hostname)).status]).toEqual([hostname, 409])
  })

  test("a dangling name is not taken by whoever asks first: its DNS still leads here, and only its owner can prove it", async () => {
    const { ada, mallory } = attacked
    const before = await live("dangling.customer.test")
    const old = await stage.house.certificate("dangling.customer.test")
    expect(old).toBeDefined()
    await ada.unmap(before.id)
    // The owner forgot the records: the name leads here, and even the old proof stands there yet.
    const { status, connection } = await connect(mallory, "dangling.customer.test")
    expect(status).toBe(201)
    expect(connection.ownership_challenge.value).not.toBe(before.verify_token)
    expect((await mallory.ask("POST", `/v1/connections/${connection.id}/verify`)).status).toBe(409)
    expect((await visit("dangling.customer.test")).status).toBe(0)
    expect(await stage.house.certificate("dangling.customer.test")).toBeUndefined()
    // Ada herself needs a new proof as well: another token.
    const again = await ada.map("dangling.customer.test", adas)
    expect(again.verify_token).not.toBe(before.verify_token)
    expect((await ada.verify(again.id)).status).toBe("pending")
  })

  test("the proof of one person, name or API is none for another", async () => {
    const { ada, mallory } = attacked
    const hers = await connect(mallory, "proof.customer.test")
    const his = await ada.map("proof.customer.test", adas)
    // Mallory's value at the place of the mapping, and beside it, below and above.
    const { value, name } = hers.connection.ownership_challenge
    await stage.dns.publish("both", his.verify_name, "TXT", value)
    await stage.dns.publish("both", "proof.customer.test", "TXT", value)
    await stage.dns.publish("both", `x.${name}`, "TXT", value)
    await stage.dns.publish("both", name, "TXT", his.verify_token)
    for (const almost of [value.slice(0, -1), `${value}x`, `x${value}`, `v=${value}`, value.slice(0, 20)])
      await stage.dns.publish("both", name, "TXT", almost)
    expect((await mallory.ask("POST", `/v1/connections/${hers.connection.id}/verify`)).status).toBe(409)
    expect((await ada.verify(his.id)).status).toBe("pending")
  })

  test("who is sent away takes no name along, and leaves none to be served", async () => {
    const { ada } = attacked
    const eve = await newPerson(ada, "eve")
    const { connection } = await connect(eve, "eves.mallory.test")
    const { name, value } = connection.ownership_challenge
    await stage.point("eves.mallory.test")
    await stage.dns.publish("both", name, "TXT", value)
    await eve.ask("POST", `/v1/connections/${connection.id}/verify`)
    expect((await ada.ask("DELETE", `/admin/users/${eve.id}?confirm=eve`)).status).toBeLessThan(300)
    expect((await eve.ask("GET", "/api/session")).status).toBe(401)
    await waitUntil(async () => (await visit("eves.mallory.test")).status === 0, { what: "the name to be gone" })
    expect((await stage.house.api("POST", "/api/login", { body: { username: "eve", password } })).status).toBe(401)
  })

  describe("ACME challenges", () => {
    const challenge = (token: string, host: string) =>
      rawExchange(
        { address: stage.house.address, port: stage.house.ports.http },
        rawRequest(`GET /.well-known/acme-challenge/${token}`, { Host: host }),
      )

    test("a token that we did not ask for is not answered in our name, for any host", async () => {
      const { mallory } = attacked
      const { connection } = await connect(mallory, "thief.mallory.test")
      expect(connection.id).toBeDefined()
      for (const host of ["held.customer.test", "freehold.localhost", "ingress.freehold.localhost", "thief.mallory.test", "nobody.test"]) {
        for (const token of [
          createHash("sha256").update("x").digest("base64url"),
          "..%2f..%2fetc%2fpasswd",
          "%",
          "x".repeat(300),
          "",
          "__proto__",
          "constructor",
        ]) {
          const { status, body, head } = await challenge(token, host)
          // A redirect to the name's own application, or nothing.
          expect([host, token, status === 404 || status === 301, token !== "" && body.includes(`${token}.`)]).toEqual([
            host,
            token,
            true,
            false,
          ])
          if (status === 301) expect(head).toContain(`https://${host}`)
        }
      }
    })

    test("acme-tls/1 is answered for no name without an order of ours under way", async () => {
      for (const name of ["held.customer.test", "dangling.customer.test", "nobody.customer.test", "freehold.localhost"]) {
        const child = Bun.spawn(
          [
            "openssl",
            "s_client",
            "-connect",
            `${stage.house.address}:${stage.house.ports.https}`,
            "-servername",
            name,
            "-alpn",
            "acme-tls/1",
          ],
          { stdin: "ignore", stdout: "pipe", stderr: "ignore" },
        )
        const out = await new Response(child.stdout).text()
        expect([name, /ALPN protocol: acme-tls\/1/.test(out)]).toEqual([name, false])
        // In particular no certificate that has the extension of RFC 8737.
        expect([name, out.includes("1.3.6.1.5.5.7.1.31")]).toEqual([name, false])
      }
    })

    test("an order for a name that only points here is refused before the CA hears of it", async () => {
      const { mallory } = attacked
      await stage.point("pointed.customer.test")
      const ordersBefore = stage.pebble.output().split("POST /order-plz").length
      const { connection } = await connect(mallory, "pointed.customer.test")
      for (let n = 0; n < 3; n++) await mallory.ask("POST", `/v1/connections/${connection.id}/verify`)
      expect((await visit("pointed.customer.test")).status).toBe(0)
      expect(stage.pebble.output().split("POST /order-plz").length).toBe(ordersBefore)
    })
  })
})
