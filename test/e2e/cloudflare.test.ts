import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { type CloudflareLab, startCloudflare } from "../lab/cloudflare"
import { knotApply } from "../lab/cloudflare-records"
import type { Mapping, Person } from "./person"
import { type Stage, stageObstacle, startStage } from "./stage"

const obstacle = await stageObstacle({ pebble: true })
const base = "cloud.test"
const zoneId = "1".repeat(32)
const token = "token-that-edits-the-zone"
const keys = ["a".repeat(64), "b".repeat(64)] as const

describe.skipIf(obstacle !== undefined)(`a zone at Cloudflare${obstacle ? ` (skipped: ${obstacle})` : ""}`, () => {
  let stage: Stage
  let cloudflare: CloudflareLab
  let upstream: Bun.Server<undefined>
  let ada: Person
  let container: string
  let connection: string

  beforeAll(async () => {
    upstream = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("automated\n") })
    stage = await startStage({
      pebble: true,
      zones: ["customer.test", base],
      prepare: async (dns, address) => {
        const servers = [dns.addresses.ns1, dns.addresses.ns2].map((server) => knotApply({ address: server, port: 53 }))
        cloudflare = startCloudflare({
          zones: [{ id: zoneId, name: "customer.test" }],
          tokens: { [token]: [zoneId], "token-that-sees-nothing": [] },
          apply: async (zone, change) => {
            for (const apply of servers) await apply(zone, change)
          },
        })
        for (const name of [base, `*.${base}`]) await dns.publish("both", name, "A", address)
        return { FREEHOLD_BASE_DOMAIN: base, FREEHOLD_CLOUDFLARE_API: cloudflare.url, FREEHOLD_ENCRYPTION_KEY: keys[0] }
      },
    })
    ada = await stage.house.login()
    container = await ada.external("app", { "8080": upstream.port ?? 0 })
  })
  afterAll(async () => {
    await stage?.stop()
    await cloudflare?.stop()
    await upstream?.stop(true)
  })

  const cname = (name: string) => stage.dns.ask(stage.dns.addresses.ns1, name, "CNAME")
  const automated = async (name: string): Promise<Mapping> => {
    const mapping = await ada.map(name, container)
    expect(mapping).toMatchObject({ status: "verified", dns_automated: true })
    return mapping
  }

  test("a token that sees no zone is refused, one that does is kept and never shown", async () => {
    for (const bad of ["token-that-sees-nothing", "token-unknown-to-them"]) {
      const answer = await ada.ask("POST", "/api/domains", { token: bad })
      expect(answer).toMatchObject({ status: 400, text: "token invalid or lacks zone access\n" })
    }
    const added = await ada.ask("POST", "/api/domains", { token })
    expect(added.status).toBe(201)
    const { id, zones } = JSON.parse(added.text) as { id: string; zones: string[] }
    expect(zones).toEqual(["customer.test"])
    connection = id
    expect((await ada.ask("GET", "/api/domains")).text).not.toContain(token)
  })

  test("a mapping in that zone is verified at once, its record resolves, and the page is there over HTTPS", async () => {
    const mapping = await automated("shop.customer.test")
    expect(await cname("shop.customer.test")).toBe(`ingress.${base}.`)
    expect(await stage.dns.ask(stage.dns.addresses.ns2, "shop.customer.test", "CNAME")).toBe(`ingress.${base}.`)
    expect(await stage.unbound.ask("shop.customer.test", "A")).toBe(`ingress.${base}.\n${stage.house.address}`)
    await ada.certified(mapping.id)
    expect(await stage.house.curl("https://shop.customer.test/")).toMatchObject({ code: 0, status: 200, text: "automated\n" })
    expect(await ada.mapping(mapping.id)).not.toContainKey("dns_automated")
  })

  test("a wildcard in that zone is certified by a challenge that is written there, and leaves no trace", async () => {
    const mapping = await automated("*.wild.customer.test")
    expect(mapping).not.toContainKey("acme_challenge")
    await ada.certified(mapping.id)
    expect(await stage.house.curl("https://any.wild.customer.test/")).toMatchObject({ code: 0, status: 200, text: "automated\n" })
    expect(await stage.unbound.ask("other.wild.customer.test", "A")).toBe(`ingress.${base}.\n${stage.house.address}`)
    const texts = cloudflare.records(zoneId).filter(({ type }) => type === "TXT")
    expect(texts).toEqual([])
    await ada.unmap(mapping.id)
    expect(await cname("any.wild.customer.test")).toBe("NXDOMAIN")
  })

  test("a wildcard that nothing here can answer a challenge for is refused with the reason", async () => {
    const refused = await ada.ask("POST", "/api/domain-mappings", {
      container_id: container,
      domain: "*.elsewhere.test",
      target_port: 8080,
    })
    expect(refused.status).toBe(409)
    expect(refused.text).toContain("connect an owned domain that covers it, or set FREEHOLD_DNS_LISTEN")
  })

  test("deleting the mapping takes the record away, and leaves one that leads elsewhere", async () => {
    const gone = await automated("gone.customer.test")
    await ada.unmap(gone.id)
    expect(await cname("gone.customer.test")).toBe("NXDOMAIN")
    expect(await stage.house.certificate("gone.customer.test")).toBeUndefined()

    const moved = await automated("moved.customer.test")
    const record = cloudflare.records(zoneId).find(({ name }) => name === "moved.customer.test")
    const change = { method: "PATCH", headers: { authorization: `Bearer ${token}` }, body: JSON.stringify({ content: "elsewhere.test" }) }
    expect((await fetch(`${cloudflare.url}/zones/${zoneId}/dns_records/${record?.id}`, change)).status).toBe(200)
    await ada.unmap(moved.id)
    expect(await cname("moved.customer.test")).toBe("elsewhere.test.")
  })

  test("written records are listed, looked for at the zone's own servers, and forgotten once they are gone with their hostname", async () => {
    type Listed = { data: { name: string; value: string; stands: boolean | null; written_for: { id: string } | null }[] }
    const path = `/api/domains/${connection}/records`
    const written = async () =>
      (await ada.send<Listed>("GET", path)).data.map(({ name, stands, written_for: holder }) => [name, stands, holder !== null])
    expect(await written()).toEqual([["shop.customer.test", null, true]])
    const left = await automated("left.customer.test")
    delete cloudflare.tokens[token]
    await ada.unmap(left.id)
    cloudflare.tokens[token] = [zoneId]
    expect(await ada.send<object>("POST", `${path}/check`)).toEqual({ looked_at: 2, standing: 2, missing: 0, unknown: 0, forgotten: 0 })
    expect(await written()).toEqual([
      ["left.customer.test", true, false],
      ["shop.customer.test", true, true],
    ])
    const record = cloudflare.records(zoneId).find(({ name }) => name === "left.customer.test")
    const init = { method: "DELETE", headers: { authorization: `Bearer ${token}` } }
    expect((await fetch(`${cloudflare.url}/zones/${zoneId}/dns_records/${record?.id}`, init)).status).toBe(200)
    expect(await ada.send<object>("POST", `${path}/check`)).toEqual({ looked_at: 2, standing: 1, missing: 1, unknown: 0, forgotten: 1 })
    expect(await written()).toEqual([["shop.customer.test", true, true]])
  })

  test("a name in no owned zone stays pending, without a word about automation", async () => {
    const mapping = await ada.map("app.elsewhere.test", container)
    expect(mapping.status).toBe("pending")
    expect(mapping).not.toContainKey("dns_automated")
    await ada.unmap(mapping.id)
  })

  test("the platform's own hosts have certificates of the same CA and answer the API", async () => {
    const visit = await stage.house.curl(`https://net.${base}/api/domain-mappings`, {
      args: ["--header", `Authorization: Bearer ${ada.token}`],
    })
    expect(visit).toMatchObject({ code: 0, status: 200 })
    expect(JSON.parse(visit.text)).toContainKey("domains")
    expect((await stage.house.curl(`https://net.${base}/api/domain-mappings`)).text).toBe("unauthorized\n")
  })

  test("a token that was revoked at the provider is told from one that cannot be read", async () => {
    delete cloudflare.tokens[token]
    const answer = await ada.ask("POST", `/api/domains/${connection}/refresh`)
    expect(answer).toMatchObject({ status: 502, text: "token no longer valid — disconnect and reconnect\n" })
    cloudflare.tokens[token] = [zoneId]
    expect(await ada.send<object>("POST", `/api/domains/${connection}/refresh`)).toEqual({ id: connection, zones: ["customer.test"] })
  })

  test("under another encryption key the token is unreadable, and mappings go on by TXT", async () => {
    await stage.house.restart({ FREEHOLD_ENCRYPTION_KEY: keys[1] })
    const answer = await ada.ask("POST", `/api/domains/${connection}/refresh`)
    expect(answer).toMatchObject({ status: 409, text: "token unreadable — disconnect and reconnect\n" })
    const mapping = await ada.map("manual.customer.test", container)
    expect(mapping.status).toBe("pending")
    await stage.dns.publish("both", mapping.verify_name, "TXT", mapping.verify_token)
    expect(await ada.verify(mapping.id)).toEqual({ status: "verified" })
    expect(await stage.house.curl("https://shop.customer.test/")).toMatchObject({ code: 0, status: 200 })
  })

  test("without an encryption key the integration is off, and mappings still work", async () => {
    await stage.house.restart({ FREEHOLD_ENCRYPTION_KEY: "none" })
    for (const [method, path] of [
      ["GET", "/api/domains"],
      ["POST", "/api/domains"],
      ["DELETE", `/api/domains/${connection}`],
      ["POST", `/api/domains/${connection}/refresh`],
    ] as const) {
      expect(await ada.ask(method, path)).toMatchObject({ status: 503, text: "cloudflare integration not configured\n" })
    }
    expect((await stage.house.api("GET", "/api/domains")).status).toBe(401)
    const mapping = await ada.map("off.customer.test", container)
    expect(mapping.status).toBe("pending")
    await stage.dns.publish("both", mapping.verify_name, "TXT", mapping.verify_token)
    expect(await ada.verify(mapping.id)).toEqual({ status: "verified" })
    expect(await stage.house.curl("https://shop.customer.test/")).toMatchObject({ code: 0, status: 200, text: "automated\n" })
  })

  test("with the first key again everything is as it was", async () => {
    await stage.house.restart()
    expect(await ada.send<object>("POST", `/api/domains/${connection}/refresh`)).toEqual({ id: connection, zones: ["customer.test"] })
    await ada.unmap((await automated("again.customer.test")).id)
    await ada.send("DELETE", `/api/domains/${connection}`)
    expect(await cname("shop.customer.test")).toBe(`ingress.${base}.`)
    expect(await ada.send<object>("GET", "/api/domains")).toEqual({ connections: [] })
  })
})
