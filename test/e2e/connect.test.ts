import { createHmac } from "node:crypto"
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { type CloudflareLab, startCloudflare } from "../lab/cloudflare"
import { knotApply } from "../lab/cloudflare-records"
import { waitUntil } from "../lab/process"
import { type Key, startKeyedKnot } from "../lab/providers/keyed-servers"
import type { Person } from "./person"
import { type Stage, stageObstacle, startStage } from "./stage"

const obstacle = await stageObstacle({ pebble: true })
const base = "cloud.test"
const token = "token-that-edits-the-zone"

type Answer = Record<string, unknown> & {
  id: string
  state: string
  secret: string
  signing_secret: string
  error: { code: string; message: string }
  ownership_challenge: { name: string; value: string }
  desired_records: { host: string; type: "A" | "CNAME"; value: string }[]
}
type Event = { id: string; type: string; jobId: string; data: Record<string, string>; sent_at: string }

/** What reached the receiver of webhooks, each with a signature that was checked by the published recipe. */
class Receiver {
  readonly events: Event[] = []
  secret = ""
  private server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: async (request) => {
      const body = await request.text()
      const at = request.headers.get("x-cd-timestamp") ?? ""
      const signature = `sha256=${createHmac("sha256", this.secret).update(`${at}.${body}`).digest("hex")}`
      if (request.headers.get("x-cd-signature") !== signature) return new Response("bad signature", { status: 401 })
      this.events.push(JSON.parse(body) as Event)
      return new Response("ok")
    },
  })

  get url() {
    return `http://127.0.0.1:${this.server.port}/`
  }

  of = (id: string) => this.events.filter(({ jobId }) => jobId === id).map(({ type }) => type)

  stop = () => this.server.stop(true)
}

describe.skipIf(obstacle !== undefined)(`customers' domains${obstacle ? ` (skipped: ${obstacle})` : ""}`, () => {
  let stage: Stage
  let cloudflare: CloudflareLab
  let origin: Bun.Server<undefined>
  let ada: Person
  let application: string
  let key: string
  const receiver = new Receiver()

  beforeAll(async () => {
    origin = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: (request) => new Response(`origin for ${request.headers.get("host")}\n`) })
    stage = await startStage({
      pebble: true,
      zones: ["customer.test", "manual.test", base],
      prepare: async (dns, address) => {
        const servers = [dns.addresses.ns1, dns.addresses.ns2].map((server) => knotApply({ address: server, port: 53 }))
        cloudflare = startCloudflare({
          zones: [
            { id: "1".repeat(32), name: "customer.test" },
            // Anybody can make a zone of a name at a provider; the world is not led to this one.
            { id: "2".repeat(32), name: "app.manual.test" },
          ],
          tokens: { [token]: ["1".repeat(32), "2".repeat(32)] },
          apply: async (zone, change) => {
            if (zone === "customer.test") for (const apply of servers) await apply(zone, change)
          },
        })
        for (const name of [base, `*.${base}`]) await dns.publish("both", name, "A", address)
        return {
          FREEHOLD_BASE_DOMAIN: base,
          FREEHOLD_PUBLIC_IPV4: address,
          FREEHOLD_CLOUDFLARE_API: cloudflare.url,
          FREEHOLD_WEBHOOK_ALLOW: "127.0.0.0/8",
          FREEHOLD_DNS_RECURSIVES: "none",
          FREEHOLD_DRIFT_INTERVAL: "1s",
        }
      },
    })
    ada = await stage.house.login()
    const made = await ask(201, "POST", "/v1/applications", ada.token, { name: "Acme", origin_url: `http://127.0.0.1:${origin.port}` })
    application = made.id
    const scopes = ["connections:read", "connections:write", "webhooks:write", "usage:read"]
    key = (await ask(201, "POST", `/v1/applications/${application}/keys`, ada.token, { name: "server", scopes })).secret
    receiver.secret = (await ask(201, "POST", "/v1/webhook-endpoints", key, { url: receiver.url, events: [] })).signing_secret
  }, 120_000)
  afterAll(async () => {
    await stage?.stop()
    await cloudflare?.stop()
    await origin?.stop(true)
    await receiver.stop()
  })

  const ask = async (status: number, method: string, path: string, by: string, body?: object): Promise<Answer> => {
    const answer = await stage.house.api(method, path, { token: by, body })
    if (answer.status !== status) throw new Error(`${method} ${path} answered ${answer.status}: ${answer.text}`)
    return JSON.parse(answer.text === "" ? "{}" : answer.text) as Answer
  }
  const create = (hostname: string, more: object = {}) =>
    ask(201, "POST", "/v1/connections", key, { application_id: application, hostname, ...more })
  const get = (id: string) => ask(200, "GET", `/v1/connections/${id}`, key)
  const becomes = async (id: string, state: string) => {
    let last: Answer | undefined
    await waitUntil(async () => (last = await get(id)).state === state, {
      what: `the connection to be ${state}`,
      limitMs: 60_000,
      everyMs: 100,
    }).catch((error: unknown) => {
      throw new Error(`${String(error)}; last seen: ${JSON.stringify(last)}`)
    })
    return last!
  }
  const publish = async ({ ownership_challenge: proof, desired_records }: Answer) => {
    for (const { host, type, value } of desired_records) await stage.dns.publish("both", host, type, value)
    await stage.dns.publish("both", proof.name, "TXT", proof.value)
  }
  const visit = async (hostname: string) => {
    const { status, text } = await stage.house.curl(`https://${hostname}/`)
    return `${status} ${text}`
  }
  const allows = async (hostname: string) => (await stage.house.api("GET", `/internal/ask?domain=${hostname}`, {})).status === 200
  const heard = (id: string, types: string[]) =>
    waitUntil(async () => receiver.of(id).length >= types.length, { what: `${types.join(", ")} to arrive`, limitMs: 30_000 }).then(() =>
      expect(receiver.of(id)).toEqual(types),
    )

  test("by hand: from the records to a real certificate and the origin behind it, told by signed webhooks in order", async () => {
    const made = await create("app.manual.test")
    expect(made).toMatchObject({ state: "pending_ownership", desired_records: [{ type: "CNAME", value: `ingress.${base}` }] })
    expect(await allows("app.manual.test")).toBe(false)
    await publish(made)
    const live = await becomes(made.id, "live")
    expect(live.certificate).toMatchObject({ status: "issued", ca: stage.pebble.directory })
    expect(await visit("app.manual.test")).toBe("200 origin for app.manual.test\n")
    await heard(made.id, ["domain.verified", "ssl.issued", "domain.flow.completed"])
    expect(await allows("app.manual.test")).toBe(true)
    const { text } = await stage.house.api("GET", `/v1/connections/${made.id}/timeline?format=text`, { token: key })
    for (const words of ["created → pending_ownership", "verifying → verified", "issuing_cert → live", "ssl.issued for 1 webhook endpoint"])
      expect(text).toContain(words)
  }, 90_000)

  test("an apex gets an A record, and is live by it", async () => {
    const made = await create("manual.test")
    expect(made.desired_records).toEqual([{ host: "manual.test", type: "A", value: stage.house.address, ttl: 300 } as never])
    await publish(made)
    await becomes(made.id, "live")
    expect(await visit("manual.test")).toBe("200 origin for manual.test\n")
  }, 90_000)

  test("a name is held once, over mappings and connections", async () => {
    const container = await ada.external("app", { "8080": origin.port ?? 0 })
    const taken = await ada.ask("POST", "/api/domain-mappings", { container_id: container, domain: "app.manual.test", target_port: 8080 })
    expect([taken.status, taken.text]).toEqual([409, "domain already in use\n"])
    const mapping = await ada.map("mapped.manual.test", container)
    await stage.dns.publish("both", mapping.verify_name, "TXT", mapping.verify_token)
    await waitUntil(async () => (await ada.mapping(mapping.id)).status === "verified", { what: "the mapping to be verified" })
    const refused = await ask(409, "POST", "/v1/connections", key, { application_id: application, hostname: "mapped.manual.test" })
    expect(refused.error.code).toBe("HostnameConflict")
  }, 60_000)

  test("an application's own container is a place to lead to", async () => {
    const container = await ada.external("shop", { "8080": origin.port ?? 0 })
    const made = await create("shop.manual.test", { container_id: container, target_port: 8080 })
    await publish(made)
    await becomes(made.id, "live")
    expect(await visit("shop.manual.test")).toBe("200 origin for shop.manual.test\n")
    await ask(200, "DELETE", `/v1/connections/${made.id}`, key)
    expect((await stage.house.curl("https://shop.manual.test/")).code).not.toBe(0)
  }, 90_000)

  describe("with a delegated DNS credential", () => {
    let delegated: Answer

    test("the records are written, and the name goes live by itself", async () => {
      await ask(201, "POST", `/v1/applications/${application}/credentials`, ada.token, { provider: "cloudflare", token })
      delegated = await create("auto.customer.test")
      expect(delegated).toMatchObject({ state: "propagating", setup_type: "automatic" })
      expect(delegated.ownership_challenge).toBeUndefined()
      await becomes(delegated.id, "live")
      expect(await visit("auto.customer.test")).toBe("200 origin for auto.customer.test\n")
      await heard(delegated.id, ["domain.added", "domain.verified", "ssl.issued", "domain.flow.completed"])
    }, 90_000)

    test("a zone of that name which the world is not led to proves nothing", async () => {
      const made = await create("www.app.manual.test")
      expect(made).toMatchObject({ state: "pending_ownership", setup_type: "manual", error_code: "zone_not_delegated" })
      expect(made.ownership_challenge.name).toBe("_customdomain-challenge.www.app.manual.test")
    })

    /** What somebody does at the provider's own page: replaces the only record of a name. */
    const atCloudflare = async (name: string, record: object) => {
      const api = async (method: string, path: string, body?: object) => {
        const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" }
        const res = await fetch(`${cloudflare.url}/zones/${"1".repeat(32)}/dns_records${path}`, {
          method,
          headers,
          body: JSON.stringify(body),
        })
        const answer = (await res.json()) as { success: boolean; result: { id: string }[] }
        expect(answer).toMatchObject({ success: true })
        return answer.result
      }
      const [old] = await api("GET", `?name=${name}`)
      await api("DELETE", `/${old?.id}`)
      await api("POST", "", record)
    }

    test("at a name server of one's own, by updates that are signed with its key (RFC 2136)", async () => {
      const account: Key = { name: "account.test", algorithm: "hmac-sha256", secret: Buffer.from("k".repeat(32)).toString("base64") }
      const address = stage.dns.spareAddress(30)
      const zone = "keyed.test"
      const server = await startKeyedKnot({ zones: [zone], keys: [account], updatable: [zone], at: { address, port: 53 } })
      try {
        await stage.dns.delegate("add", zone, "NS", `ns.${zone}.`)
        await stage.dns.delegate("add", `ns.${zone}`, "A", address)
        const credential = (secret: string) => ({
          provider: "rfc2136",
          token: [address, account.name, account.algorithm, secret].join(";"),
        })
        const path = `/v1/applications/${application}/credentials`
        const wrong = await ask(201, "POST", path, ada.token, credential(Buffer.from("w".repeat(32)).toString("base64")))
        const failed = await create(`wrong.${zone}`)
        expect(failed).toMatchObject({ setup_type: "manual", state: "pending_ownership" })
        await ask(204, "DELETE", `${path}/${wrong.id}`, ada.token)
        await ask(201, "POST", path, ada.token, credential(account.secret))
        const made = await create(`auto.${zone}`)
        expect(made).toMatchObject({ state: "propagating", setup_type: "automatic" })
        expect(await server.ask(`auto.${zone}`, "CNAME")).toEqual([`ingress.${base}`])
        await becomes(made.id, "live")
        expect(await visit(`auto.${zone}`)).toBe(`200 origin for auto.${zone}\n`)
        await ask(200, "DELETE", `/v1/connections/${made.id}`, key)
      } finally {
        await server.stop()
      }
    }, 90_000)

    test("a name that is led away is drifted with its cause, goes on being served, and is repaired", async () => {
      await atCloudflare("auto.customer.test", { type: "A", name: "auto.customer.test", content: "203.0.113.9", ttl: 60, proxied: false })
      const drifted = await becomes(delegated.id, "drifted")
      expect(drifted.error_detail).toMatch(
        /^auto\.customer\.test CNAME record .*ours is ingress\.cloud\.test, since \d{4}-\d\d-\d\d \d\d:\d\d UTC$/,
      )
      expect(await allows("auto.customer.test")).toBe(false)
      expect(await visit("auto.customer.test")).toBe("200 origin for auto.customer.test\n")
      await ask(200, "POST", `/v1/connections/${delegated.id}/records:apply`, key)
      await becomes(delegated.id, "live")
      expect(await stage.dns.ask(stage.dns.addresses.ns1, "auto.customer.test", "CNAME")).toBe(`ingress.${base}.`)
      await heard(delegated.id, [
        "domain.added",
        "domain.verified",
        "ssl.issued",
        "domain.flow.completed",
        "domain.drift",
        "domain.recovered",
      ])
      expect(await allows("auto.customer.test")).toBe(true)
    }, 90_000)
  })

  test("what was under way when the process was killed goes on after the next start", async () => {
    const made = await create("kill.manual.test")
    await stage.house.kill()
    await publish(made)
    await stage.house.start()
    await becomes(made.id, "live")
    await waitUntil(async () => receiver.of(made.id).includes("domain.flow.completed"), { what: "the last event" })
    expect(receiver.of(made.id).filter((type) => type === "ssl.issued")).toHaveLength(1)
  }, 90_000)
})
