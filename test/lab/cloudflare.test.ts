import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { randomBytes } from "node:crypto"
import { openDatabase } from "../../src/db/open"
import { httpRoot } from "../../src/http/root"
import { silentLog } from "../../src/log"
import { Vault } from "../../src/vault"
import { CloudflareProvider } from "../../src/zones/cloudflare"
import { zoneRoutes } from "../../src/zones/routes"
import { ZoneService } from "../../src/zones/service"
import { ZoneStore } from "../../src/zones/store"
import { WrittenRecordStore } from "../../src/zones/written-record-store"
import { WrittenRecords } from "../../src/zones/written-records"
import { type CloudflareLab, startCloudflare } from "./cloudflare"
import { knotApply } from "./cloudflare-records"
import { askServer, findProgram, startKnot } from "./dns"
import { freePort } from "./ports"
import { type LabProcess, temporaryFolder } from "./process"

const absent = ["knotd", "knsupdate", "kdig", "setpriv"].find((program) => findProgram(program) === undefined)
const target = "ingress.cloud.test"
const token = "token-of-both-zones"

describe.skipIf(absent !== undefined)(`automation in a real zone${absent ? ` (skipped: ${absent} is not installed)` : ""}`, () => {
  let port: number
  let knot: LabProcess
  let folder: { path: string; remove(): Promise<void> }
  let cloudflare: CloudflareLab
  let zones: ZoneService
  let addDomain: () => Promise<Response>

  beforeAll(async () => {
    port = await freePort()
    folder = await temporaryFolder("cloudflare")
    knot = await startKnot(
      folder.path,
      "provider",
      { address: "127.0.0.1", port },
      ["example.test", "dev.example.test"].map((name) => ({ name, lines: linesOf(name) })),
    )
    cloudflare = startCloudflare({
      zones: [
        { id: "1".repeat(32), name: "example.test" },
        { id: "2".repeat(32), name: "dev.example.test" },
      ],
      tokens: { [token]: ["1".repeat(32), "2".repeat(32)] },
      apply: knotApply({ address: "127.0.0.1", port }),
    })
    const db = await openDatabase(":memory:")
    await db
      .insertInto("people")
      .values({ id: "p1", username: "ann", displayName: "Ann", passwordHash: "", isAdmin: 0, createdAt: 0 })
      .execute()
    const store = new ZoneStore(db)
    const records = new WrittenRecords({
      store: new WrittenRecordStore(db),
      zones: store,
      holders: async () => new Map(),
      look: async () => [],
      take: () => {},
      log: silentLog,
      now: Date.now,
    })
    zones = new ZoneService({
      store,
      records,
      vault: new Vault(randomBytes(32).toString("hex")),
      provider: new CloudflareProvider({ baseUrl: cloudflare.url }),
      target,
      log: silentLog,
    })
    const routes = zoneRoutes(zones, records, async () => ({ personId: "p1", isAdmin: false }))
    const app = httpRoot({ routes: [routes], isAllowedOrigin: () => false, log: silentLog })
    addDomain = () => app.handle(new Request("http://net.cloud.test/api/domains", { method: "POST", body: JSON.stringify({ token }) }))
  })

  afterAll(async () => {
    await cloudflare?.stop()
    await knot?.stop()
    await folder?.remove()
  })

  const ask = (name: string, type: string) => askServer("127.0.0.1", name, type, port)

  /** What the owner of the zone does at the provider, by hand. */
  const byHand = async (method: string, path: string, body: object) => {
    const headers = { authorization: `Bearer ${token}` }
    const res = await fetch(`${cloudflare.url}/zones/${path}`, { method, headers, body: JSON.stringify(body) })
    expect(res.status).toBe(200)
    return ((await res.json()) as { result: { id: string } }).result
  }
  const publish = (record: object) => byHand("POST", `${"1".repeat(32)}/dns_records`, record)

  test("a token that is added shows its zones", async () => {
    const res = await addDomain()
    expect(res.status).toBe(201)
    expect(((await res.json()) as { zones: string[] }).zones).toEqual(["example.test", "dev.example.test"])
  })

  test("an automated hostname resolves to a CNAME at the zone's own server, and to nothing once it is taken back", async () => {
    expect(await ask("app.example.test", "CNAME")).toBe("NXDOMAIN")
    expect(await zones.automate("p1", "app.example.test", "m1")).toBe(true)
    expect(await ask("app.example.test", "CNAME")).toBe(`${target}.`)
    expect(await zones.automate("p1", "app.example.test", "m1")).toBe(true)
    expect(await ask("app.example.test", "CNAME")).toBe(`${target}.`)
    await zones.unautomate("p1", "app.example.test")
    expect(await ask("app.example.test", "CNAME")).toBe("NXDOMAIN")
  })

  test("the addresses of the name are replaced as one, and its neighbours are kept", async () => {
    await publish({ type: "A", name: "old.example.test", content: "192.0.2.1", ttl: 300 })
    await publish({ type: "A", name: "old.example.test", content: "192.0.2.2" })
    await publish({ type: "AAAA", name: "old.example.test", content: "2001:db8::1" })
    await publish({ type: "TXT", name: "_edd-verify.old.example.test", content: 'it "stays"' })
    await publish({ type: "A", name: "very-old.example.test", content: "192.0.2.3" })
    expect((await ask("old.example.test", "A")).split("\n").sort()).toEqual(["192.0.2.1", "192.0.2.2"])
    expect(await zones.automate("p1", "old.example.test", "m1")).toBe(true)
    expect(await ask("old.example.test", "A")).toBe(`${target}.`)
    expect(await ask("_edd-verify.old.example.test", "TXT")).toBe('"it \\"stays\\""')
    expect(await ask("very-old.example.test", "A")).toBe("192.0.2.3")
    await zones.unautomate("p1", "old.example.test")
    expect(await ask("old.example.test", "A")).toBe("")
    expect(await ask("_edd-verify.old.example.test", "TXT")).toBe('"it \\"stays\\""')
  })

  test("a CNAME that leads elsewhere, or through the provider's proxy, is pointed straight at us", async () => {
    await publish({ type: "CNAME", name: "blog.example.test", content: "elsewhere.test", proxied: true })
    expect(await ask("blog.example.test", "A")).toBe("198.18.0.1")
    expect(await zones.automate("p1", "blog.example.test", "m1")).toBe(true)
    expect(await ask("blog.example.test", "A")).toBe(`${target}.`)
    await zones.unautomate("p1", "blog.example.test")
  })

  test("a record that was pointed elsewhere since is left alone", async () => {
    expect(await zones.automate("p1", "moved.example.test", "m1")).toBe(true)
    const record = cloudflare.records("1".repeat(32)).find(({ name }) => name === "moved.example.test")
    await byHand("PATCH", `${"1".repeat(32)}/dns_records/${record?.id}`, { content: "other-host.test" })
    await zones.unautomate("p1", "moved.example.test")
    expect(await ask("moved.example.test", "CNAME")).toBe("other-host.test.")
  })

  test("where another record forbids the CNAME, the addresses stand and the answer is no", async () => {
    await publish({ type: "A", name: "mail.example.test", content: "192.0.2.25" })
    await publish({ type: "MX", name: "mail.example.test", content: "mx.example.test", priority: 10 })
    expect(await zones.automate("p1", "mail.example.test", "m1")).toBe(false)
    expect(await ask("mail.example.test", "A")).toBe("192.0.2.25")
    expect(await ask("mail.example.test", "MX")).toBe("10 mx.example.test.")
  })

  test("of two zones around the name, the longer one gets the record", async () => {
    expect(await zones.automate("p1", "app.dev.example.test", "m1")).toBe(true)
    expect(await ask("app.dev.example.test", "CNAME")).toBe(`${target}.`)
    expect(cloudflare.records("2".repeat(32)).map(({ name }) => name)).toEqual(["app.dev.example.test"])
    expect(await zones.automate("p1", "notdev.example.test", "m1")).toBe(true)
    expect(cloudflare.records("1".repeat(32)).map(({ name }) => name)).toContain("notdev.example.test")
  })

  test("the apex can be automated and keeps its SOA and name servers", async () => {
    expect(await zones.automate("p1", "example.test", "m1")).toBe(true)
    expect(cloudflare.records("1".repeat(32)).some(({ name, type }) => name === "example.test" && type === "CNAME")).toBe(true)
    expect(await ask("example.test", "SOA")).toContain("hostmaster")
    expect(await ask("example.test", "NS")).toBe("ns.example.test.")
  })
})

const linesOf = (zone: string) => [`@ 300 SOA ns.${zone}. hostmaster.${zone}. 1 3600 600 604800 300`, "@ 300 NS ns", "ns 300 A 127.0.0.1"]
