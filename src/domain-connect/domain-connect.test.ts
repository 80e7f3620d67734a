import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { generateKeyPairSync } from "node:crypto"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import type { RequestListener } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Elysia } from "elysia"
import { startAuthority, type TestAuthority, type TestServer } from "../certificate-authority.fixture"
import { Resolver } from "../dns/resolver"
import { AppError } from "../errors"
import { renderError } from "../http/errors"
import { silentLog } from "../log"
import { parseRoots } from "../dns/root-hints"
import { dnsLabObstacle, type DnsLab, startDns } from "../../test/lab/dns"
import { type DomainConnectConfig, parsePointer, parseSettings } from "./model"
import { domainConnectRoutes } from "./routes"
import { DomainConnect, type DomainConnectOptions } from "./service"

const rsa = (modulusLength: number) =>
  generateKeyPairSync("rsa", {
    modulusLength,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  })
const pair = rsa(2048)
const config: DomainConnectConfig = {
  provider: "connect.example.net",
  service: "custom-domain",
  keyLabel: "_dck1",
  signingKey: pair.privateKey,
}
const ours = "/v2/domainTemplates/providers/connect.example.net/services/"

let authority: TestAuthority
let server: TestServer
/** What the provider's server says by path; everything else is a 404. */
let answers: Record<string, RequestListener> = {}

beforeAll(async () => {
  authority = await startAuthority()
  server = await authority.serve(["DNS:dc.dns-host.test", "DNS:dc.customer.test"], (req, res) => {
    const answer = answers[req.url ?? ""]
    if (answer === undefined) res.writeHead(404).end()
    else answer(req, res)
  })
})

afterAll(async () => {
  await server.stop()
  await authority.remove()
})

const json =
  (value: unknown, status = 200): RequestListener =>
  (_, res) =>
    void res.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value))

const settingsOf = (more: object = {}) => ({
  providerId: "dns-host.test",
  providerName: "DNS Host",
  urlSyncUX: "https://consent.dns-host.test/sync/",
  urlAPI: `https://dc.dns-host.test:${server.port}/api`,
  urlControlPanel: "https://panel.dns-host.test/zones/%domain%/dns",
  width: 750,
  height: 750,
  ...more,
})

/** A provider that has customer.test and both our templates. */
function fullProvider(more: object = {}): void {
  answers = {
    "/v2/customer.test/settings": json(settingsOf(more)),
    [`/api${ours}custom-domain`]: json({}),
    [`/api${ours}custom-domain-apex`]: json({}),
  }
}

function start(change: Partial<DomainConnectOptions> = {}) {
  const looked: string[] = []
  const domainConnect = new DomainConnect({
    config,
    edge: () => ({ hostname: "edge.example.net", ipv4: "192.0.2.80" }),
    redirectDomain: "example.net",
    lookupTxt: async (name) => {
      looked.push(name)
      return ["dc.dns-host.test"]
    },
    resolve: async () => ["127.0.0.1"],
    allow: ["127.0.0.0/8"],
    ca: authority.ca,
    log: silentLog,
    port: server.port,
    ...change,
  })
  return { domainConnect, looked }
}

const request = {
  zone: "customer.test",
  host: "app",
  variables: { token: "ab12" },
  state: "job 1&2=ä",
  redirectUri: "https://app.elsewhere.test/done?x=1",
}

describe("discovery", () => {
  test("finds the provider, and that it has both templates", async () => {
    fullProvider()
    const { domainConnect, looked } = start()
    expect(await domainConnect.discover("Customer.TEST.")).toEqual({
      providerId: "dns-host.test",
      providerName: "DNS Host",
      urlSyncUX: "https://consent.dns-host.test/sync",
      urlAPI: `https://dc.dns-host.test:${server.port}/api`,
      urlControlPanel: "https://panel.dns-host.test/zones/%domain%/dns",
      supported: true,
      supportedAtApex: true,
    })
    expect(looked).toEqual(["_domainconnect.customer.test"])
    const found = await domainConnect.discover("customer.test")
    expect(domainConnect.controlPanelUrl(found!, "customer.test")).toBe("https://panel.dns-host.test/zones/customer.test/dns")
  })

  test("says why a provider that answers cannot apply our template", async () => {
    fullProvider()
    delete answers[`/api${ours}custom-domain`]
    expect(await start().domainConnect.discover("customer.test")).toMatchObject({
      supported: false,
      supportedAtApex: true,
      reason: "DNS Host does not have our template",
    })
    answers[`/api${ours}custom-domain`] = json({}, 500)
    expect(await start().domainConnect.discover("customer.test")).toMatchObject({
      supported: false,
      reason: "DNS Host could not be asked about our template",
    })
    fullProvider({ urlSyncUX: undefined })
    expect(await start().domainConnect.discover("customer.test")).toMatchObject({
      supported: false,
      reason: "DNS Host has no synchronous flow",
    })
    fullProvider()
    expect(await start({ config: undefined }).domainConnect.discover("customer.test")).toMatchObject({
      supported: false,
      reason: "no Domain Connect template is configured here",
      urlControlPanel: "https://panel.dns-host.test/zones/%domain%/dns",
    })
  })

  const dead: [string, RequestListener][] = [
    ["a provider that does not have the zone", json({}, 404)],
    ["a broken server", json(settingsOf, 500)],
    ["something that is not JSON", (_, res) => void res.end("<html>")],
    ["settings without an API", (_, res) => void res.end(JSON.stringify({ providerId: "x" }))],
    ["a document that is too large", (_, res) => void res.end(`${JSON.stringify(settingsOf())}${" ".repeat(70_000)}`)],
    ["a redirect", (_, res) => void res.writeHead(302, { location: `https://dc.dns-host.test:${server.port}/elsewhere` }).end()],
    ["a server that does not come to an end", (_, res) => void res.writeHead(200).write("{")],
  ]
  test.each(dead)("a record that leads to %s means no Domain Connect", async (_, answer) => {
    answers = { "/v2/customer.test/settings": answer, "/elsewhere": json(settingsOf()) }
    expect(await start({ timeoutMs: 500 }).domainConnect.discover("customer.test")).toBeUndefined()
  })

  test("the first record that leads somewhere counts", async () => {
    fullProvider()
    const lookupTxt = async () => ["v=spf1 -all", "https://dc.dns-host.test", "127.0.0.1", "dc.dns-host.test/gone", "dc.dns-host.test"]
    expect((await start({ lookupTxt }).domainConnect.discover("customer.test"))?.supported).toBe(true)
  })

  test("a server inside the house is not asked, nor one with another's certificate", async () => {
    fullProvider()
    const before = server.requests.length
    expect(await start({ allow: [] }).domainConnect.discover("customer.test")).toBeUndefined()
    expect(await start({ lookupTxt: async () => ["dc.evil.test"] }).domainConnect.discover("customer.test")).toBeUndefined()
    expect(server.requests.length).toBe(before)
  })

  test("settings cannot send the second question inside the house", async () => {
    let reached = 0
    const inside = await authority.serve(["DNS:inside.test"], (_, res) => void res.end(String(reached++)), "127.0.0.2")
    try {
      fullProvider({ urlAPI: `https://inside.test:${inside.port}` })
      const resolve = async (host: string) => [host === "inside.test" ? "127.0.0.2" : "127.0.0.1"]
      // Allowed first, so that the refusal is what makes the difference.
      expect(await start({ resolve }).domainConnect.discover("customer.test")).toMatchObject({ supported: true })
      expect(reached).toBe(2)
      expect(await start({ resolve, allow: ["127.0.0.1/32"] }).domainConnect.discover("customer.test")).toMatchObject({ supported: false })
      expect(reached).toBe(2)
    } finally {
      await inside.stop()
    }
  })

  test("an answer is kept for ten minutes, its absence for one, a failed look-up not at all", async () => {
    fullProvider()
    let now = 1000
    const { domainConnect, looked } = start({ now: () => now })
    await Promise.all([domainConnect.discover("customer.test"), domainConnect.discover("customer.test")])
    now += 10 * 60_000 - 1
    await domainConnect.discover("customer.test")
    expect(looked).toHaveLength(1)
    now += 1
    await domainConnect.discover("customer.test")
    expect(looked).toHaveLength(2)
    await domainConnect.discover("other.test")
    now += 60_000 - 1
    await domainConnect.discover("other.test")
    expect(looked).toHaveLength(3)
    now += 1
    await domainConnect.discover("other.test")
    expect(looked).toHaveLength(4)
    let fails = 0
    const failing = start({ lookupTxt: () => (fails++, Promise.reject(new Error("SERVFAIL"))) }).domainConnect
    for (let turn = 0; turn < 2; turn++) await expect(failing.discover("customer.test")).rejects.toThrow("SERVFAIL")
    expect(fails).toBe(2)
  })

  test("what is kept has a bound, and so has what is looked at", async () => {
    answers = {}
    const small = start({ maxZones: 2 })
    for (const zone of ["a.test", "b.test", "c.test", "c.test", "b.test", "a.test"]) await small.domainConnect.discover(zone)
    expect(small.looked.map((name) => name.replace("_domainconnect.", ""))).toEqual(["a.test", "b.test", "c.test", "a.test"])
    const held = Promise.withResolvers<string[]>()
    const busy = start({ maxLooks: 1, lookupTxt: () => held.promise }).domainConnect
    const first = busy.discover("a.test")
    await expect(busy.discover("b.test")).rejects.toThrow("too many zones")
    held.resolve([])
    expect(await Promise.all([first, busy.discover("a.test")])).toEqual([undefined, undefined])
  })

  test("a name that is none is refused, and a stopped one asks nobody", async () => {
    await expect(start().domainConnect.discover("169.254.169.254")).rejects.toThrow("zone must be a domain name")
    fullProvider()
    const { domainConnect } = start()
    domainConnect.stop()
    const before = server.requests.length
    expect(await domainConnect.discover("customer.test")).toBeUndefined()
    expect(server.requests.length).toBe(before)
  })
})

describe("the apply URL", () => {
  test("is signed over the query as it is sent, which openssl confirms with the published key", async () => {
    fullProvider()
    const { domainConnect } = start()
    const url = (await domainConnect.applyUrl(request)) ?? ""
    const [base, query = ""] = url.split("?")
    expect(base).toBe(`https://consent.dns-host.test/sync${ours}custom-domain/apply`)
    const [, signed = "", sig = "", label] = /^(.*)&sig=([^&]*)&key=([^&]*)$/.exec(query) ?? []
    expect(signed).toBe(
      "domain=customer.test&host=app&token=ab12&redirect_uri=https%3A%2F%2Fapp.elsewhere.test%2Fdone%3Fx%3D1&state=job%201%262%3D%C3%A4",
    )
    expect(label).toBe("_dck1")
    const published = domainConnect.publicKeyRecords()
    expect(published?.host).toBe("_dck1.connect.example.net")
    expect(published?.values.every((text) => text.length <= 255)).toBe(true)
    const pieces = published?.values.map((text) => /^p=(\d+),a=RS256,d=([A-Za-z0-9+/=]+)$/.exec(text)) ?? []
    expect(pieces.map((piece) => piece?.[1])).toEqual(["1", "2"])
    const spki = pieces.map((piece) => piece?.[2]).join("")
    const folder = await mkdtemp(join(tmpdir(), "freehold-dc-"))
    const at = (name: string) => join(folder, name)
    try {
      await writeFile(at("key.der"), Buffer.from(spki, "base64"))
      await writeFile(at("sig"), Buffer.from(decodeURIComponent(sig), "base64"))
      await writeFile(at("query"), signed)
      await Bun.$`openssl pkey -pubin -inform DER -in ${at("key.der")} -out ${at("key.pem")}`.quiet()
      const verify = () => Bun.$`openssl dgst -sha256 -verify ${at("key.pem")} -signature ${at("sig")} ${at("query")}`.quiet().nothrow()
      expect((await verify()).exitCode).toBe(0)
      await writeFile(at("query"), signed.replace("ab12", "ab13"))
      expect((await verify()).exitCode).toBe(1)
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  test("asks for the apex's own template there, and is not had where a template is missing", async () => {
    fullProvider()
    expect(await start().domainConnect.applyUrl({ ...request, host: "" })).toStartWith(
      `https://consent.dns-host.test/sync${ours}custom-domain-apex/apply?domain=customer.test&token=`,
    )
    delete answers[`/api${ours}custom-domain-apex`]
    const { domainConnect } = start()
    expect(await domainConnect.applyUrl({ ...request, host: "" })).toBeUndefined()
    expect(await domainConnect.applyUrl(request)).toBeDefined()
    expect(await start({ config: undefined }).domainConnect.applyUrl(request)).toBeUndefined()
  })

  test("without a key nothing is signed, and consent comes back to our own domain only", async () => {
    fullProvider()
    const { domainConnect } = start({ config: { provider: config.provider, service: config.service } })
    const url = (await domainConnect.applyUrl({ ...request, redirectUri: "https://app.example.net/done" })) ?? ""
    expect(url).not.toContain("sig=")
    expect(domainConnect.publicKeyRecords()).toBeUndefined()
    await expect(domainConnect.applyUrl(request)).rejects.toThrow("redirect_uri must be an https URL at example.net or below")
    await expect(domainConnect.applyUrl({ ...request, redirectUri: "https://badexample.net/" })).rejects.toThrow("redirect_uri")
  })

  test.each([
    [{ redirectUri: "http://app.example.net/" }, "redirect_uri must be an https URL"],
    [{ redirectUri: "https://a:b@app.example.net/" }, "redirect_uri must be"],
    [{ state: "" }, "state must have"],
    [{ state: "x".repeat(501) }, "state must have"],
    [{ host: "app&sig=x" }, "host must be"],
    [{ host: "app." }, "host must be"],
    [{ variables: { domain: "evil.test" } }, '"domain" cannot be a template variable'],
    [{ variables: { SIG: "x" } }, "cannot be a template variable"],
    [{ variables: { "a&b": "x" } }, "cannot be a template variable"],
    [{ variables: { token: "x".repeat(4000) } }, "longer than 4000"],
  ])("%p is refused: %s", async (change, message) => {
    fullProvider()
    await expect(start().domainConnect.applyUrl({ ...request, ...change })).rejects.toThrow(message)
  })
})

describe("what the DNS and providers may say", () => {
  test.each([
    ["dc.dns-host.test", "dc.dns-host.test"],
    ["DC.dns-host.test/Path/v1/", "dc.dns-host.test/Path/v1"],
    ["https://dc.dns-host.test", undefined],
    ["dc.dns-host.test:8443", undefined],
    ["127.0.0.1", undefined],
    ["[::1]", undefined],
    ["localhost", undefined],
    ["user@dc.dns-host.test", undefined],
    ["dc.dns-host.test/../admin", undefined],
    ["dc.dns-host.test/a?b=c", undefined],
    ["dc.dns-host.test/a#b", undefined],
    ["dc.dns-host.test/%2e%2e", undefined],
    ["", undefined],
  ])("the record %p points at %p", (text, pointer) => {
    expect(parsePointer(text)).toBe(pointer!)
  })

  const base = { providerId: "x", providerName: "X", urlAPI: "https://api.test" }
  test.each([
    [{ urlAPI: "http://api.test" }, undefined],
    [{ urlAPI: "https://a:b@api.test" }, undefined],
    [{ providerId: "" }, undefined],
    [{ providerName: "a\u0000b" }, { providerId: "x", providerName: "x", urlAPI: "https://api.test" }],
    [{ providerDisplayName: "Shown" }, { providerId: "x", providerName: "Shown", urlAPI: "https://api.test" }],
    [{ urlSyncUX: "javascript:alert(1)" }, base],
    [{ urlSyncUX: "https://x.test/?a=b" }, base],
    [{ urlControlPanel: "javascript:%domain%" }, base],
    [{ urlControlPanel: "https://%domain%/panel" }, base],
    [{ urlControlPanel: "https://panel.test/?z=%domain%" }, { ...base, urlControlPanel: "https://panel.test/?z=%domain%" }],
  ])("settings with %p are read as %p", (change, settings) => {
    expect(parseSettings(JSON.stringify({ ...base, ...change }))).toEqual(settings as never)
  })
})

describe("configuration", () => {
  test.each([
    [{ provider: "nonsense" }, "provider must be a domain name"],
    [{ service: "a/b" }, "service must be letters"],
    [{ keyLabel: undefined }, "go together"],
    [{ keyLabel: "_dck1.connect.example.net" }, "must be one label"],
    [{ signingKey: "-----BEGIN PRIVATE KEY-----\nsecretsecret\n-----END PRIVATE KEY-----" }, "must be a private key in PEM"],
    [{ signingKey: rsa(1024).privateKey }, "at least 2048 bits"],
  ])("what cannot be used is refused, and the key is not shown (case %#)", (change, message) => {
    const make = () => start({ config: { ...config, ...change } as DomainConnectConfig })
    expect(make).toThrow(message)
    expect(make).not.toThrow("secretsecret")
  })

  test("templates name the edge, and the key's domain where there is a key", async () => {
    const { domainConnect } = start()
    const [below, apex] = domainConnect.templates()
    expect(below).toMatchObject({
      providerId: "connect.example.net",
      serviceId: "custom-domain",
      syncPubKeyDomain: "connect.example.net",
      syncRedirectDomain: "example.net",
      hostRequired: true,
      records: [
        { type: "CNAME", host: "@", pointsTo: "edge.example.net", ttl: 300 },
        { type: "TXT", host: "_customdomain-challenge", data: "cd-verify-%token%" },
      ],
    })
    expect(below).not.toHaveProperty("warnPhishing")
    expect(apex).toMatchObject({
      serviceId: "custom-domain-apex",
      hostRequired: false,
      records: [{ type: "A", pointsTo: "192.0.2.80" }, { type: "TXT" }],
    })
    const unsigned = start({
      config: { provider: "connect.example.net", service: "s" },
      edge: () => ({ hostname: "edge.example.net" }),
    }).domainConnect.templates()
    expect(unsigned).toHaveLength(1)
    expect(unsigned[0]).toMatchObject({ warnPhishing: true })
    expect(unsigned[0]).not.toHaveProperty("syncPubKeyDomain")
  })

  test("an administrator of applications reads them over HTTP", async () => {
    const scopes: string[][] = []
    const get = async (
      change: Partial<DomainConnectOptions> = {},
      method = "GET",
      headers: HeadersInit = { authorization: "Bearer x" },
    ) => {
      const app = new Elysia()
        .onError({ as: "global" }, ({ error, request: req }) => renderError(error, req, silentLog))
        .use(
          domainConnectRoutes(start(change).domainConnect, async (req, ...anyOf) => {
            scopes.push(anyOf)
            if (!req.headers.has("authorization")) throw new AppError("unauthorized", "unauthorized")
            return { personId: "p", environment: undefined }
          }),
        )
      return app.handle(new Request("http://localhost/v1/domain-connect/template", { method, headers }))
    }
    const body = (await (await get()).json()) as { templates: unknown[]; public_key: { host: string; values: string[] } }
    expect(body.templates).toHaveLength(2)
    expect(body.public_key.host).toBe("_dck1.connect.example.net")
    expect(JSON.stringify(body)).not.toContain("PRIVATE")
    expect((await get({ config: undefined })).status).toBe(404)
    expect((await get({}, "DELETE")).status).toBe(405)
    expect((await get({}, "GET", {})).status).toBe(401)
    expect(new Set(scopes.flat())).toEqual(new Set(["apps:admin"]))
  })
})

const obstacle = await dnsLabObstacle()
describe.skipIf(obstacle !== undefined)("with records of a real name server", () => {
  let lab: DnsLab
  let resolver: Resolver
  let provider: TestServer

  beforeAll(async () => {
    lab = await startDns({ zones: ["customer.test", "dns-host.test"] })
    resolver = new Resolver({ roots: parseRoots(lab.roots) })
    provider = await authority.serve(
      ["DNS:dc.dns-host.test"],
      (req, res) => (answers[req.url ?? ""] ?? json({}, 404))(req, res),
      lab.spareAddress(20),
    )
    await lab.publish("both", "_domainconnect.customer.test", "TXT", "dc.dns-host.test/connect")
    await lab.publish("both", "dc.dns-host.test", "A", lab.spareAddress(20))
  })

  afterAll(async () => {
    resolver?.stop()
    await provider?.stop()
    await lab?.stop()
  })

  test("a zone leads through its TXT record to its provider", async () => {
    const lookup = async (name: string, type: "TXT" | "A") => {
      const { answers: said, problem } = await resolver.lookup(name, type)
      if (problem !== undefined) throw new Error(problem)
      return [...new Set(said.flatMap((answer) => answer.values))]
    }
    answers = {
      "/connect/v2/customer.test/settings": json(settingsOf({ urlAPI: `https://dc.dns-host.test:${provider.port}` })),
      [`${ours}custom-domain`]: json({}),
    }
    const { domainConnect } = start({
      lookupTxt: (name) => lookup(name, "TXT"),
      resolve: (host) => lookup(host, "A"),
      port: provider.port,
    })
    expect(await domainConnect.discover("customer.test")).toMatchObject({
      providerName: "DNS Host",
      supported: true,
      supportedAtApex: false,
    })
    expect(provider.requests[0]).toBe(`GET dc.dns-host.test:${provider.port} /connect/v2/customer.test/settings`)
    expect(await domainConnect.discover("dns-host.test")).toBeUndefined()
  })
})
