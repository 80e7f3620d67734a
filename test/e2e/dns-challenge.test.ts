import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { X509Certificate } from "node:crypto"
import { waitUntil } from "../lab/process"
import type { Mapping, Person } from "./person"
import { type Stage, stageObstacle, startStage } from "./stage"

const obstacle = await stageObstacle({ pebble: true })
const base = "cloud.house.test"
const wildcard = "*.app.customer.test"

type Made = {
  id: string
  acme_challenge: { name: string; value: string }
  ownership_challenge: { name: string; value: string }
  desired_records: { host: string; value: string }[]
}

// One story, told in order: each test starts where the one before it ended.
describe.skipIf(obstacle !== undefined)(`DNS challenges that are delegated to us${obstacle ? ` (skipped: ${obstacle})` : ""}`, () => {
  let stage: Stage
  let upstream: Bun.Server<undefined>
  let other: Bun.Server<undefined>
  let ada: Person
  let container: string
  let mapping: Mapping

  beforeAll(async () => {
    const serve = (text: string) =>
      Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: (req) => new Response(`${text} ${req.headers.get("host")}\n`) })
    upstream = serve("wild")
    other = serve("exact")
    stage = await startStage({
      pebble: true,
      behindClosedPorts: true,
      zones: ["customer.test", "house.test"],
      prepare: async (dns, address) => {
        // Who owns house.test delegates the base domain to the appliance.
        await dns.publish("both", base, "NS", `ns.${base}`)
        await dns.publish("both", `ns.${base}`, "A", address)
        return {
          FREEHOLD_BASE_DOMAIN: base,
          FREEHOLD_DNS_LISTEN: `${address}:53`,
          FREEHOLD_PUBLIC_IPV4: address,
          FREEHOLD_EDGE_WORKERS: "2",
          FREEHOLD_DNS_RECURSIVES: "none",
        }
      },
    })
    ada = await stage.house.login()
    container = await ada.external("wild", { "8080": upstream.port ?? 0 })
  })
  afterAll(async () => {
    await stage?.stop()
    await Promise.all([upstream?.stop(true), other?.stop(true)])
  })

  const delegate = ({ acme_challenge: record }: Mapping) => stage.dns.publish("both", record!.name, "CNAME", record!.value)
  const prove = async ({ id, verify_name, verify_token }: Mapping) => {
    await stage.dns.publish("both", verify_name, "TXT", verify_token)
    expect(await ada.verify(id)).toEqual({ status: "verified" })
  }
  const namesOn = async (hostname: string) => new X509Certificate((await stage.house.certificate(hostname)) ?? "").subjectAltName

  test("the platform's own names are certified through the zone that it serves itself", async () => {
    for (const name of [base, `net.${base}`]) {
      await waitUntil(async () => (await stage.house.certificate(name)) !== undefined, { what: `a certificate of ${name}` })
      expect((await stage.house.curl(`https://${name}/healthz`)).code).toBe(0)
    }
    expect(stage.pebble.output()).not.toContain("set INVALID")
  })

  test("a wildcard mapping shows the record that delegates its challenge", async () => {
    mapping = await ada.map(wildcard, container)
    expect(mapping).toMatchObject({ domain: wildcard, status: "pending", verify_name: "_edd-verify.app.customer.test" })
    expect(mapping.acme_challenge).toEqual({
      name: "_acme-challenge.app.customer.test",
      type: "CNAME",
      value: expect.stringMatching(/^[a-z2-7]{32}\.acme\.cloud\.house\.test$/) as unknown as string,
    })
  })

  test("proved and not delegated, it says which record is missing, and the CA was not asked to look", async () => {
    await prove(mapping)
    const { certificate } = await ada.mappingIs(mapping.id, "backing off", (seen) => seen.certificate?.state === "backing_off")
    expect(certificate?.problem).toContain(`_acme-challenge.app.customer.test CNAME ${mapping.acme_challenge?.value}`)
    expect(stage.pebble.output()).not.toContain("app.customer.test")
    expect(await stage.house.certificate("any.app.customer.test")).toBeUndefined()
  })

  test("delegated, it is certified through our own server although no port reaches us, and any name below it is served", async () => {
    await ada.unmap(mapping.id)
    mapping = await ada.map(wildcard, container)
    await delegate(mapping)
    await prove(mapping)
    await ada.certified(mapping.id)
    for (const name of ["anything.app.customer.test", "else.app.customer.test"]) {
      expect(await stage.house.curl(`https://${name}/`)).toMatchObject({ code: 0, status: 200, text: `wild ${name}\n` })
      expect(await namesOn(name)).toBe(`DNS:${wildcard}`)
      const { status, headers } = await stage.house.curl(`http://${name}/x`)
      expect([status, headers.get("location")]).toEqual([301, `https://${name}:${stage.house.ports.https}/x`])
    }
    expect(await stage.house.certificate("else.app.customer.test")).toBe((await stage.house.certificate("anything.app.customer.test"))!)
  })

  test("the challenge is gone from our server, and nothing else is to be read there", async () => {
    const { address } = stage.house
    expect(await stage.dns.ask(address, mapping.acme_challenge!.value, "TXT")).toBe("NXDOMAIN")
    expect(await stage.dns.ask(address, `acme.${base}`, "NS")).toBe(`ns.${base}.`)
    expect(await stage.dns.ask(address, `ingress.${base}`, "A")).toBe(address)
  })

  test("one level, and one level only", async () => {
    for (const name of ["a.b.app.customer.test", "app.customer.test"]) expect(await stage.house.certificate(name)).toBeUndefined()
  })

  test("an exact mapping beneath wins, with a certificate of its own that no port was needed for", async () => {
    const second = await ada.external("exact", { "8080": other.port ?? 0 })
    const exact = await ada.map("exact.app.customer.test", second)
    await delegate(exact)
    await prove(exact)
    await ada.certified(exact.id)
    expect(await stage.house.curl("https://exact.app.customer.test/")).toMatchObject({ code: 0, text: "exact exact.app.customer.test\n" })
    expect(await namesOn("exact.app.customer.test")).toBe("DNS:exact.app.customer.test")
    await ada.unmap(exact.id)
    expect(await stage.house.curl("https://exact.app.customer.test/")).toMatchObject({ code: 0, text: "wild exact.app.customer.test\n" })
  })

  test("the parent of the wildcard shares its delegation", async () => {
    const parent = await ada.map("app.customer.test", container)
    expect(parent.acme_challenge).toEqual(mapping.acme_challenge)
    await prove(parent)
    await ada.certified(parent.id)
    expect(await stage.house.curl("https://app.customer.test/")).toMatchObject({ code: 0, text: "wild app.customer.test\n" })
  })

  test("over HTTP/2 one connection serves the wildcard's names, and misdirects the parent's", async () => {
    const urls = ["one", "two"].map((label) => `https://${label}.app.customer.test/`)
    const both = await stage.house.curl(urls[0]!, { args: ["--http2", "--write-out", "%{num_connects} %{http_version}\n", urls[1]!] })
    expect(both.code).toBe(0)
    const asked = await stage.house.curl(urls[0]!, { args: ["--http2", "--header", "Host: two.app.customer.test"] })
    expect(asked).toMatchObject({ status: 200, text: "wild two.app.customer.test\n" })
    expect((await stage.house.curl(urls[0]!, { args: ["--http2", "--header", "Host: app.customer.test"] })).status).toBe(421)
  })

  test("traffic is counted by the mapping, whatever the name was", async () => {
    const { text } = await ada.ask("GET", `/api/domain-mappings/${mapping.id}/traffic`)
    const { domain, rows } = JSON.parse(text) as { domain: string; rows: { requests: number }[] }
    expect(domain).toBe(wildcard)
    expect(rows.reduce((sum, { requests }) => sum + requests, 0)).toBeGreaterThan(4)
  })

  test("unmapped, its names are refused at the handshake, and its parent is not", async () => {
    await ada.unmap(mapping.id)
    expect(await stage.house.certificate("anything.app.customer.test")).toBeUndefined()
    expect(await stage.house.curl("https://app.customer.test/")).toMatchObject({ code: 0, status: 200 })
  })

  test("a customer's wildcard goes live by a delegated challenge, and its timeline has the CA's steps", async () => {
    const send = async (method: string, at: string, body?: object) => JSON.parse((await ada.ask(method, at, body)).text) as Made
    const application = await send("POST", "/v1/applications", { name: "Acme", origin_url: `http://127.0.0.1:${upstream.port}` })
    const made = await send("POST", "/v1/connections", { application_id: application.id, hostname: "*.shops.customer.test" })
    await stage.dns.publish("both", made.acme_challenge.name, "CNAME", made.acme_challenge.value)
    for (const { host, value } of made.desired_records) await stage.dns.publish("both", host, "CNAME", value)
    await stage.dns.publish("both", made.ownership_challenge.name, "TXT", made.ownership_challenge.value)
    let last = ""
    await waitUntil(async () => (last = (await ada.ask("GET", `/v1/connections/${made.id}`)).text).includes('"state":"live"'), {
      what: "the wildcard to be live",
      limitMs: 60_000,
    }).catch((error: unknown) => {
      throw new Error(`${String(error)}; last seen: ${last}`)
    })
    expect((await stage.house.curl("https://first.shops.customer.test/")).text).toBe("wild first.shops.customer.test\n")
    expect(await namesOn("second.shops.customer.test")).toBe("DNS:*.shops.customer.test")
    const { text } = await ada.ask("GET", `/v1/connections/${made.id}/timeline?format=text`)
    expect(text).toContain("dns-01")
    expect(text).toContain("issuing_cert → live")
  }, 90_000)
})
