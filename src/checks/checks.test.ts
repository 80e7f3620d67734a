import { afterAll, afterEach, expect, test } from "bun:test"
import { mkdtemp, rm } from "node:fs/promises"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { startAuthority } from "../certificate-authority.fixture"
import { typeNumbers } from "../dns/rdata"
import { Resolver } from "../dns/resolver"
import { decodeMessage, encodeMessage, message, rcodes } from "../dns/wire"
import { Engine } from "../engine/engine"
import { addressesOf, checkPublicAddress, mirrorName, publicOf } from "./addresses"
import { checkAnswer } from "./answer"
import { examineBaseDomain } from "./base-domain"
import { limited } from "./check"
import { checkEngine } from "./container-engine"
import { examineHostname, type HostnameNeeds, type OwnMapping } from "./hostname"
import { askHttps, checkOutboundDns, checkOutboundHttps } from "./outbound"
import { checkPort } from "./port"
import { checkReach } from "./reach"

const undo: (() => unknown)[] = []
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

const authority = await startAuthority()
afterAll(() => authority.remove())

/** Somebody with a certificate, who answers with a status; its port. */
async function tlsServer(name: string, status = 200): Promise<number> {
  const server = await authority.serve([`DNS:${name}`], (_, res) => res.writeHead(status).end())
  undo.push(() => server.stop())
  return server.port
}

function listening(server: ReturnType<typeof createServer>): Promise<number> {
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve((server.address() as { port: number }).port)))
}

async function freePort(): Promise<number> {
  const server = createServer()
  const port = await listening(server)
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** A DNS of two servers: the root leads `test` to one that has these addresses and nothing else. */
async function dns(records: Record<string, string[]>) {
  const [rootAddress, leafAddress] = ["127.0.58.1", "127.0.58.2"]
  const serve = async (hostname: string, port: number, answer: (name: string, type: number) => object) => {
    const socket = await Bun.udpSocket({
      hostname,
      port,
      socket: {
        data(own, bytes, fromPort, from) {
          const query = decodeMessage(bytes)
          const { name = "", type = 0 } = query.questions[0] ?? {}
          own.send(
            encodeMessage(message({ id: query.id, response: true, questions: query.questions, ...answer(name, type) })),
            fromPort,
            from,
          )
        },
        error: () => {},
      },
    })
    undo.push(() => socket.close())
    return socket.port
  }
  const rr = (name: string, type: "A" | "AAAA" | "NS", value: string) => ({ name, type: typeNumbers[type], class: 1, ttl: 60, value })
  const root = { authorities: [rr("test", "NS", "ns.test")], additionals: [rr("ns.test", "A", leafAddress)] }
  const port = await serve(rootAddress, 0, () => root)
  await serve(leafAddress, port, (name, type) => {
    const values = records[name]
    const family = type === typeNumbers.A ? "A" : "AAAA"
    const found = type === typeNumbers[family] ? (values ?? []).filter((value) => value.includes(":") === (family === "AAAA")) : []
    return {
      authoritative: true,
      ...(values === undefined ? { rcode: rcodes.NXDOMAIN } : {}),
      answers: found.map((value) => rr(name, family, value)),
    }
  })
  const resolver = new Resolver({ roots: [{ name: "ns.root", address: rootAddress, port }], port, queryTimeoutMs: 300, budgetMs: 3000 })
  undo.push(() => resolver.stop())
  return resolver.lookup.bind(resolver)
}

test("a check that takes too long, or fails by itself, is unknown and keeps nobody waiting", async () => {
  expect(await limited("slow", () => new Promise(() => {}), 20)).toMatchObject({
    name: "slow",
    status: "unknown",
    verdict: expect.stringContaining("not found out within"),
  })
  const broken = await limited("broken", () => {
    throw new Error("out of luck")
  })
  expect(broken).toEqual({ name: "broken", status: "unknown", verdict: "The check itself failed: out of luck." })
})

test.each([
  [[], [], ["10.1.2.3"], "public", "warn", "No public address"],
  [[], [], ["10.1.2.3"], "private", "ok", "need none"],
  [["203.0.113.7"], [], [], "public", "ok", "203.0.113.7, by the settings"],
  [["93.184.216.34"], ["93.184.216.35"], [], "public", "warn", "see this machine as 93.184.216.35"],
  [["93.184.216.34"], ["2606:2800:220:1::1"], [], "public", "ok", "by the settings"],
  [[], ["93.184.216.35"], ["192.168.1.9"], "public", "ok", "a router stands between"],
  [[], ["93.184.216.35"], ["93.184.216.35"], "public", "ok", "of this machine itself"],
] as const)("public addresses: settings %p, seen %p, interfaces %p", (configured, seen, interfaces, kind, status, verdict) => {
  const mirror = { answers: [{ server: "ns", address: "", outcome: "answer" as const, values: [...seen] }] }
  const found = checkPublicAddress(addressesOf([...configured], mirror, [...interfaces]), kind)
  expect([found.status, found.verdict]).toEqual([status, expect.stringContaining(verdict) as never])
})

test("what a mirror says besides addresses is no address, and private ones are not public", () => {
  const mirror = {
    answers: [{ server: "ns", address: "", outcome: "answer" as const, values: ["edns0-client-subnet 1.2.3.0/24", "10.0.0.1"] }],
  }
  const found = addressesOf([], mirror, ["127.0.0.1", "fe80::1", "192.168.1.5", "fd00::2"])
  expect(found).toEqual({ configured: [], own: [], seen: [], lan: ["192.168.1.5", "fd00::2"] })
  expect(publicOf(found)).toEqual([])
})

test("ports: ours where the world looks, ours elsewhere with and without somebody in the way, and on loopback", async () => {
  const somebody = createServer((socket) => socket.destroy())
  undo.push(() => somebody.close())
  const taken = await listening(somebody)
  const free = await freePort()
  const look = (publicPort: number, host: string | undefined, port: number) =>
    checkPort({ protocol: "HTTPS", publicPort, listener: { host, port }, setting: "FREEHOLD_HTTPS_LISTEN" })
  expect(await look(443, undefined, 443)).toEqual({ status: "ok", verdict: "HTTPS is served on every address, port 443." })
  expect(await look(443, "0.0.0.0", 443)).toMatchObject({ status: "ok" })
  expect(await look(taken, undefined, 8443)).toMatchObject({ status: "warn", verdict: expect.stringContaining("another program") })
  expect(await look(free, undefined, 8443)).toMatchObject({ status: "warn", verdict: expect.stringContaining("nobody of this machine") })
  expect(await look(443, "127.0.0.1", 443)).toMatchObject({ status: "warn", remedy: expect.stringContaining("FREEHOLD_HTTPS_LISTEN=:443") })
})

test("reach: our own certificate comes back, or somebody else's, or nothing, which proves little", async () => {
  const [ours, other, nobody] = [await tlsServer("cloud.test"), await tlsServer("router.test"), await freePort()]
  const base = {
    baseDomain: "cloud.test",
    kind: "public" as const,
    addresses: ["127.0.0.1"],
    own: [],
    edge: { host: "127.0.0.1", port: ours },
  }
  expect(await checkReach({ ...base, publicPort: ours })).toMatchObject({
    status: "ok",
    verdict: expect.stringContaining("came back to our edge"),
  })
  expect(await checkReach({ ...base, publicPort: ours, own: ["127.0.0.1"] })).toMatchObject({
    status: "ok",
    remedy: expect.stringContaining("did not leave the machine"),
  })
  expect(await checkReach({ ...base, publicPort: other })).toMatchObject({
    status: "warn",
    verdict: expect.stringContaining("router.test"),
  })
  expect(await checkReach({ ...base, publicPort: nobody })).toMatchObject({
    status: "unknown",
    verdict: expect.stringContaining("hairpin NAT"),
  })
  expect(await checkReach({ ...base, publicPort: nobody, own: ["127.0.0.1"] })).toMatchObject({ status: "bad" })
  expect(await checkReach({ ...base, addresses: [] })).toMatchObject({
    status: "unknown",
    remedy: expect.stringContaining("FREEHOLD_PUBLIC_IPV4"),
  })
  expect(await checkReach({ ...base, kind: "private", addresses: [] })).toMatchObject({ status: "ok" })
  expect(await checkReach({ ...base, edge: { host: "127.0.0.1", port: nobody } })).toMatchObject({
    status: "bad",
    verdict: expect.stringContaining("gave no certificate"),
  })
})

test("DNS outward is told by a real look-up: a root that answers, and one that does not", async () => {
  const lookup = await dns({})
  expect(checkOutboundDns(await lookup("nobody.test", "TXT"), true)).toMatchObject({ status: "ok" })
  const lost = new Resolver({
    roots: [{ name: "ns.root", address: "127.0.0.1", port: await freePort() }],
    queryTimeoutMs: 100,
    budgetMs: 500,
  })
  const found = await lost.lookup(mirrorName, "TXT")
  lost.stop()
  expect(checkOutboundDns(found, true)).toMatchObject({ status: "bad", remedy: expect.stringContaining("FREEHOLD_DNS_DOH") })
  expect(checkOutboundDns(found, false)).toMatchObject({ status: "warn" })
})

test("HTTPS outward: a server that answers, one that is not trusted, and none", async () => {
  const port = await tlsServer("localhost")
  const url = `https://localhost:${port}/directory`
  const trusted = await askHttps(url, authority.ca)
  expect(Math.abs((trusted.problem === undefined ? (trusted.serverTime ?? 0) : 0) - Date.now())).toBeLessThan(5000)
  expect(checkOutboundHttps(trusted, true)).toEqual({ status: "ok", verdict: `localhost:${port} answers over HTTPS.` })
  expect(checkOutboundHttps(await askHttps(url), true)).toMatchObject({
    status: "bad",
    verdict: expect.stringContaining("No public name can be certified"),
  })
  expect(checkOutboundHttps(await askHttps(`https://localhost:${await freePort()}/`), false)).toMatchObject({ status: "warn" })
})

test("the engine: switched off, not found, answering, silent", async () => {
  const folder = await mkdtemp(join(tmpdir(), "freehold-engine-"))
  undo.push(() => rm(folder, { recursive: true, force: true }))
  const socket = join(folder, "engine.sock")
  const server = Bun.serve({ unix: socket, fetch: () => new Response("OK") })
  undo.push(() => server.stop(true))
  expect(await checkEngine(undefined, "none")).toMatchObject({ status: "ok" })
  expect(await checkEngine(undefined, undefined)).toMatchObject({ status: "warn", remedy: expect.stringContaining("podman.socket") })
  expect(await checkEngine(new Engine(socket), undefined)).toEqual({ status: "ok", verdict: `The engine at ${socket} answers.` })
  expect(await checkEngine(new Engine(join(folder, "gone.sock")), undefined)).toMatchObject({ status: "bad" })
})

test("what the edge answers at a hostname is told by its status", async () => {
  const at = async (status: number) => checkAnswer("web.test", { host: "127.0.0.1", port: await tlsServer("web.test", status) })
  expect(await at(200)).toEqual({ status: "ok", verdict: "https://web.test/ answers with 200." })
  expect(await at(302)).toMatchObject({ status: "ok" })
  expect(await at(404)).toMatchObject({ status: "warn" })
  expect(await at(502)).toMatchObject({ status: "bad", verdict: expect.stringContaining("reaches no application") })
  expect(await checkAnswer("web.test", { host: "127.0.0.1", port: await freePort() })).toMatchObject({ status: "unknown" })
})

const knowing = (known: Record<string, string[]>) => async (name: string) => ({ addresses: known[name] ?? [] })

test("a base domain is judged by its kind: default, private, public here, elsewhere, in both places and nowhere", async () => {
  const lookup = await dns({ "here.test": ["203.0.113.7"], "away.test": ["203.0.113.99"], "both.test": ["203.0.113.7", "203.0.113.99"] })
  const needs = {
    privateZones: ["home.arpa"],
    lookup,
    resolve: knowing({ "known.home.arpa": ["192.168.1.5"] }),
    publicAddresses: ["203.0.113.7"],
    lanAddresses: ["192.168.1.5"],
  }
  const look = async (name: string) => {
    const { kind, status, verdict } = await examineBaseDomain(name, needs)
    return [kind, status, verdict]
  }
  const saying = (text: string) => expect.stringContaining(text) as never
  expect(await look("freehold.localhost")).toEqual(["local", "warn", saying("still the default")])
  expect(await look("Known.Home.Arpa.")).toEqual(["private", "ok", saying("leads here, to 192.168.1.5")])
  expect(await look("lost.home.arpa")).toEqual(["private", "warn", saying("does not know lost.home.arpa")])
  expect(await look("here.test")).toEqual(["public", "ok", saying("leads here")])
  expect(await look("away.test")).toEqual(["public", "warn", saying("which is not this server")])
  expect(await look("both.test")).toEqual(["public", "warn", saying("and to 203.0.113.99 too")])
  expect(await look("nowhere.test")).toEqual(["public", "warn", saying("has no address yet")])
  for (const bad of ["box", "home.arpa", "-.test", "1.2.3.4", ""])
    expect(examineBaseDomain(bad, needs)).rejects.toMatchObject({ code: "invalid" })
})

async function hostnameNeeds(change: Partial<HostnameNeeds> = {}): Promise<HostnameNeeds> {
  return {
    baseDomain: "cloud.test",
    privateZones: ["home.arpa"],
    lookup: await dns({ "app.test": ["203.0.113.7"] }),
    resolve: knowing({}),
    publicAddresses: async () => ["203.0.113.7", "2001:db8::7"],
    lanAddresses: () => ["192.168.1.5"],
    parse: (name) => name,
    mapping: async () => undefined,
    isServed: (name) => name === "taken.test",
    prove: async (name) => ({ proven: name === "_verify.proven.test", detail: `TXT ${name}: ns1 answered NXDOMAIN` }),
    edge: () => ({ host: "127.0.0.1", port: 8443 }),
    ...change,
  }
}

test("a hostname before it is mapped: what it needs, where it leads, and how it is led here", async () => {
  const needs = await hostnameNeeds()
  const statuses = async (name: string) => {
    const { checks } = await examineHostname(name, "ada", needs)
    return checks.map((check) => `${check.name} ${check.status}`)
  }
  const found = await examineHostname("new.test", "ada", needs)
  expect(found).toMatchObject({ kind: "public", url: "https://new.test/" })
  expect(found.records).toEqual([
    { name: "new.test", type: "A", value: "203.0.113.7" },
    { name: "new.test", type: "AAAA", value: "2001:db8::7" },
  ])
  expect(await statuses("new.test")).toEqual(["name ok", "address warn"])
  expect(await statuses("app.test")).toEqual(["name ok", "address ok"])
  expect((await statuses("taken.test"))[0]).toBe("name bad")
  const own = await examineHostname("nas.home.arpa", "ada", needs)
  expect(own).toMatchObject({ kind: "private", url: "https://nas.home.arpa:8443/", records: [{ type: "A", value: "192.168.1.5" }] })
  for (const bad of ["nas", "*.app.test", "home.arpa", "x.cloud.test", "x.localhost"])
    await expect(examineHostname(bad, "ada", needs)).rejects.toMatchObject({ code: "invalid" })
})

test("a hostname on its way: proof, certificate and first answer, each when its turn has come", async () => {
  const port = await tlsServer("app.test")
  const mapping = (change: Partial<OwnMapping>) => async (): Promise<OwnMapping> => ({
    status: "pending",
    verifyName: "_verify.app.test",
    verifyToken: "t",
    ...change,
  })
  const statuses = async (change: Partial<OwnMapping>) => {
    const needs = await hostnameNeeds({ mapping: mapping(change), edge: () => ({ host: "127.0.0.1", port }) })
    const { checks } = await examineHostname("app.test", "ada", needs)
    await Promise.all(undo.splice(1).map((step) => step()))
    return checks.filter(({ name }) => !["name", "address"].includes(name)).map((check) => `${check.name} ${check.status}`)
  }
  expect(await statuses({})).toEqual(["proof warn", "certificate unknown"])
  expect(await statuses({ verifyName: "_verify.proven.test" })).toEqual(["proof ok", "certificate unknown"])
  expect(await statuses({ status: "verified" })).toEqual(["proof ok", "certificate unknown", "answer ok"])
  const certificate = { state: "issued", issuer: "internal", not_after: "2027-01-01T00:00:00.000Z" }
  expect(await statuses({ status: "verified", certificate })).toEqual(["proof ok", "certificate ok", "answer ok"])
  expect((await statuses({ status: "verified", certificate: { state: "backing_off", problem: "The CA said no." } }))[1]).toBe(
    "certificate bad",
  )
})
