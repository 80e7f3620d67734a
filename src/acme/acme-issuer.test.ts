import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test"
import { createServer as createHttpServer } from "node:http"
import type { AddressInfo } from "node:net"
import { X509Certificate } from "node:crypto"
import { createSecureContext, createServer as createTlsServer } from "node:tls"
import { hasPebble, type LonePebble, startLonePebble } from "../../test/lab/pebble-alone"
import type { AccountData, AccountKeeper } from "./acme-account"
import { AcmeIssuer, type AcmeIssuerOptions, type AcmeStep } from "./acme-issuer"
import { ChallengeBoard } from "./challenges"
import { ChallengeUnready, type DnsChallenge } from "./dns-challenges"
import { InternalCa } from "./internal-ca"
import { IssuanceError } from "./issuer"
import type { OrderLedger } from "./order-ledger"

const opened: (() => Promise<unknown> | void)[] = []
afterEach(async () => {
  for (const close of opened.splice(0)) await close()
})

class MemoryKeeper implements AccountKeeper {
  kept: AccountData | undefined
  saves: AccountData[] = []
  load = async () => this.kept
  save = async (keyPem: string, accountUrl: string | null) => {
    this.kept = { keyPem, accountUrl }
    this.saves.push(this.kept)
  }
}

/** The two listeners of an edge, as far as challenges go. */
async function listen(pebble: LonePebble, board: ChallengeBoard, which: { http?: boolean; tls?: boolean }) {
  const seen = { http: 0, tls: 0 }
  if (which.http) {
    const server = createHttpServer((req, res) => {
      seen.http++
      const answer = board.httpAnswer(req.url?.split("/").pop() ?? "")
      res.writeHead(answer ? 200 : 404).end(answer ?? "nothing here")
    })
    await new Promise<void>((resolve) => server.listen(pebble.httpPort, "127.0.0.1", resolve))
    opened.push(() => new Promise((resolve) => server.close(resolve)))
  }
  if (which.tls) {
    const fallback = await new InternalCa({ load: async () => undefined, save: async () => {} }).issue("fallback.test")
    const context = createSecureContext({ cert: fallback.chainPem, key: fallback.keyPem })
    const SNICallback = (name: string, done: (error: Error | null, ctx: typeof context) => void) => {
      seen.tls++
      const found = board.alpnCertificate(name)
      done(null, found ? createSecureContext({ cert: found.certificatePem, key: found.keyPem }) : context)
    }
    const options = { cert: fallback.chainPem, key: fallback.keyPem, ALPNProtocols: ["acme-tls/1", "http/1.1"], SNICallback }
    const server = createTlsServer(options, (socket) => socket.on("error", () => {}).end())
    await new Promise<void>((resolve) => server.listen(pebble.tlsPort, "127.0.0.1", resolve))
    opened.push(() => new Promise((resolve) => server.close(resolve)))
  }
  return seen
}

function issuerAt(target: { directoryUrl: string; caPem?: string }, more: Partial<AcmeIssuerOptions> = {}) {
  const board = more.board ?? new ChallengeBoard()
  const { directoryUrl, caPem } = target
  const account = more.account ?? new MemoryKeeper()
  const challengeTypes = () => ["tls-alpn-01" as const]
  const issuer = new AcmeIssuer({ directoryUrl, caPem, account, board, challengeTypes, pollMs: 20, orderTimeoutMs: 20_000, ...more })
  opened.push(() => issuer.stop())
  return { issuer, board, account }
}

const failure = async (promise: Promise<unknown>): Promise<IssuanceError> => {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(IssuanceError)
  return error as IssuanceError
}

describe.skipIf(!hasPebble)("against Pebble", () => {
  let pebble: LonePebble
  beforeAll(async () => {
    pebble = await startLonePebble()
  })
  afterAll(() => pebble?.stop())

  test("TLS-ALPN-01 gets a P-256 certificate of Pebble's chain, and leaves no challenge up", async () => {
    const { issuer, board } = issuerAt(pebble)
    await listen(pebble, board, { tls: true })
    const issued = await issuer.issue("alpn.example.test")
    const [leaf, intermediate] = issued.chainPem.split(/(?<=-----END CERTIFICATE-----)\n+/).map((pem) => pem.trim())
    const certificate = new X509Certificate(leaf ?? "")
    expect(certificate.checkHost("alpn.example.test")).toBe("alpn.example.test")
    expect(certificate.publicKey.asymmetricKeyDetails?.namedCurve).toBe("prime256v1")
    expect(new X509Certificate(intermediate ?? "").verify(new X509Certificate(await pebble.rootPem()).publicKey)).toBe(true)
    expect(issued.notAfter).toBe(Date.parse(certificate.validTo))
    expect(createSecureContext({ cert: issued.chainPem, key: issued.keyPem })).toBeDefined()
    expect(board.size).toBe(0)
  })

  test("HTTP-01 gets a certificate through the plain listener", async () => {
    const { issuer, board } = issuerAt(pebble, { challengeTypes: () => ["http-01"] })
    const seen = await listen(pebble, board, { http: true })
    const issued = await issuer.issue("http.example.test")
    expect(new X509Certificate(issued.chainPem).subjectAltName).toBe("DNS:http.example.test")
    expect(seen.http).toBeGreaterThan(0)
    expect(board.size).toBe(0)
  })

  const dnsOf = (isPreferred: boolean, put?: DnsChallenge["put"]) => ({
    dnsChallenge: async (): Promise<DnsChallenge> => ({ isPreferred, put: put ?? ((name, value) => pebble.showTxt(name, value)) }),
  })

  test("DNS-01 certifies a wildcard, by the record below its parent", async () => {
    const put: string[] = []
    const { issuer, board } = issuerAt(
      pebble,
      dnsOf(true, (name, value) => {
        put.push(name)
        return pebble.showTxt(name, value)
      }),
    )
    const issued = await issuer.issue("*.wild.example.test")
    expect(new X509Certificate(issued.chainPem).subjectAltName).toBe("DNS:*.wild.example.test")
    expect(put).toEqual(["_acme-challenge.wild.example.test"])
    expect(board.size).toBe(0)
  })

  test("a preferred DNS challenge comes before the ports, another after them, and a wildcard never uses them", async () => {
    const asked: string[] = []
    const unready = async (name: string) => {
      asked.push(name)
      throw new ChallengeUnready("not there")
    }
    const preferring = issuerAt(pebble, { ...dnsOf(true, unready), challengeTypes: () => ["http-01"] })
    await listen(pebble, preferring.board, { http: true })
    expect((await preferring.issuer.issue("first.example.test")).chainPem).toContain("CERTIFICATE")
    const spare = issuerAt(pebble, { ...dnsOf(false, unready), board: preferring.board, challengeTypes: () => ["http-01"] })
    expect((await spare.issuer.issue("spare.example.test")).chainPem).toContain("CERTIFICATE")
    expect(asked).toEqual(["_acme-challenge.first.example.test"])
    const refused = await failure(spare.issuer.issue("*.spare.example.test"))
    expect(refused).toMatchObject({ isUnready: true, failedValidations: 0, problem: "not there" })
    const none = issuerAt(pebble, { challengeTypes: () => ["http-01"] })
    expect((await failure(none.issuer.issue("*.none.example.test"))).problem).toContain("no challenge type can be served here")
  })

  test("where no port is reached, a DNS challenge that is not preferred still gets the certificate", async () => {
    const { issuer } = issuerAt(pebble, { ...dnsOf(false), challengeTypes: () => ["tls-alpn-01"] })
    const issued = await issuer.issue("closed.example.test")
    expect(new X509Certificate(issued.chainPem).subjectAltName).toBe("DNS:closed.example.test")
  })

  test("a record that the CA does not find is a failed validation, and is taken down", async () => {
    const taken: string[] = []
    const put = async (name: string) => async () => void taken.push(name)
    const { issuer } = issuerAt(pebble, { ...dnsOf(true, put), challengeTypes: () => [] })
    expect(await failure(issuer.issue("lost.example.test"))).toMatchObject({ failedValidations: 1, isUnready: false })
    expect(taken).toEqual(["_acme-challenge.lost.example.test"])
  })

  test("the next challenge type is tried with a new order when the first fails", async () => {
    const { issuer, board } = issuerAt(pebble, { challengeTypes: () => ["tls-alpn-01", "http-01"] })
    await listen(pebble, board, { http: true })
    const issued = await issuer.issue("fallback.example.test")
    expect(new X509Certificate(issued.chainPem).subjectAltName).toBe("DNS:fallback.example.test")
  })

  test("each step of an order is told, with the CA's own words where a validation fails", async () => {
    const told: (AcmeStep & { hostname: string })[] = []
    const onStep = (hostname: string, step: AcmeStep) => void told.push({ hostname, ...step })
    const { issuer, board } = issuerAt(pebble, { challengeTypes: () => ["tls-alpn-01", "http-01"], onStep })
    await listen(pebble, board, { http: true })
    await issuer.issue("steps.example.test")
    expect(told.map(({ name }) => name)).toEqual([
      "order",
      "challenge",
      "validation",
      "order",
      "challenge",
      "validation",
      "finalized",
      "certificate",
    ])
    expect(new Set(told.map(({ hostname }) => hostname))).toEqual(new Set(["steps.example.test"]))
    expect(JSON.parse(told[2]?.problem ?? "").detail).toContain("tls-alpn-01")
    expect([told[5]?.text, told[5]?.problem]).toEqual(["Validated by http-01", undefined])
    told.length = 0
    const error = await failure(issuer.issue("not_a_name!.test"))
    expect(told).toEqual([
      {
        hostname: "not_a_name!.test",
        name: "failure",
        text: `No certificate from ${pebble.directoryUrl}: ${error.message}`,
        problem: error.problem,
      },
    ])
  })

  test("a failing challenge yields the CA's own problem document, and counts the validations", async () => {
    const { issuer, board } = issuerAt(pebble, { challengeTypes: () => ["tls-alpn-01", "http-01"] })
    const error = await failure(issuer.issue("closed.example.test"))
    expect(JSON.parse(error.problem)).toMatchObject({ type: "urn:ietf:params:acme:error:connection", status: 400 })
    expect(JSON.parse(error.problem).detail).toContain("closed.example.test")
    expect(error.failedValidations).toBe(2)
    expect(board.size).toBe(0)
  })

  test("a wrong answer is told apart from no answer", async () => {
    const { issuer } = issuerAt(pebble, { challengeTypes: () => ["http-01"] })
    await listen(pebble, new ChallengeBoard(), { http: true })
    const error = await failure(issuer.issue("wrong.example.test"))
    expect(JSON.parse(error.problem).type).toBe("urn:ietf:params:acme:error:unauthorized")
  })

  test("an identifier the CA refuses yields the problem document of the order", async () => {
    const { issuer } = issuerAt(pebble)
    const error = await failure(issuer.issue("not_a_name!.test"))
    expect(JSON.parse(error.problem).type).toStartWith("urn:ietf:params:acme:error:")
    expect(error.failedValidations).toBe(0)
  })

  test("a restart uses the same account, and a key whose registration was cut short is registered once", async () => {
    const account = new MemoryKeeper()
    const first = issuerAt(pebble, { account })
    await listen(pebble, first.board, { tls: true })
    await first.issuer.issue("one.example.test")
    const url = account.kept?.accountUrl
    expect(url).toStartWith("https://localhost:")
    expect(account.saves.map((save) => save.accountUrl)).toEqual([null, url ?? ""])
    await issuerAt(pebble, { account, board: first.board }).issuer.issue("two.example.test")
    expect(account.saves).toHaveLength(2)
    account.kept = { keyPem: account.kept?.keyPem ?? "", accountUrl: null }
    await issuerAt(pebble, { account, board: first.board }).issuer.issue("three.example.test")
    expect(account.kept?.accountUrl).toBe(url ?? "")
  })

  test("an account the directory has lost is registered again with its key", async () => {
    const account = new MemoryKeeper()
    const { issuer, board } = issuerAt(pebble, { account })
    await listen(pebble, board, { tls: true })
    await issuer.issue("kept.example.test")
    const { keyPem, accountUrl } = account.kept ?? { keyPem: "", accountUrl: "" }
    account.kept = { keyPem, accountUrl: `${accountUrl}0` }
    await issuerAt(pebble, { account, board }).issuer.issue("lost.example.test")
    expect(account.kept).toEqual({ keyPem, accountUrl })
  })

  test("many first orders at once make one account", async () => {
    const account = new MemoryKeeper()
    const { issuer, board } = issuerAt(pebble, { account })
    await listen(pebble, board, { tls: true })
    const all = await Promise.all(["a", "b", "c", "d", "e", "f"].map((label) => issuer.issue(`${label}.many.test`)))
    expect(new Set(all.map((issued) => issued.keyPem)).size).toBe(6)
    expect(account.saves).toHaveLength(2)
  })

  test("a directory is trusted by the CA file given for it and by no other", async () => {
    const other = await new InternalCa({ load: async () => undefined, save: async () => {} }).rootPem()
    for (const caPem of [undefined, other]) {
      const error = await failure(issuerAt({ ...pebble, caPem }).issuer.issue("untrusted.example.test"))
      expect(error.message).toMatch(/certificate/i)
    }
  })

  test("a directory without renewal information suggests no window", async () => {
    const { issuer, board } = issuerAt(pebble)
    await listen(pebble, board, { tls: true })
    const issued = await issuer.issue("window.example.test")
    const offered = await (await fetch(pebble.directoryUrl, { tls: { ca: pebble.caPem } })).json()
    expect((await issuer.renewalWindow(issued.chainPem)) === undefined).toBe(!("renewalInfo" in (offered as object)))
  })

  test("stopping ends an order under way", async () => {
    const { issuer, board } = issuerAt(pebble, { challengeTypes: () => ["http-01"], orderTimeoutMs: 60_000 })
    const server = createHttpServer(() => issuer.stop())
    await new Promise<void>((resolve) => server.listen(pebble.httpPort, "127.0.0.1", resolve))
    const error = await failure(issuer.issue("stopped.example.test"))
    expect(error.message).toContain("stopped")
    expect(board.size).toBe(0)
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
})

test.skipIf(!hasPebble)("external account binding opens a directory that asks for it, and its absence is told by the CA", async () => {
  const hmac = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"
  const pebble = await startLonePebble({ eab: { kid: "kid-1", hmac } })
  opened.push(() => pebble.stop())
  const bound = issuerAt(pebble, { eab: { kid: "kid-1", hmac }, email: "admin@example.test" })
  await listen(pebble, bound.board, { tls: true })
  expect((await bound.issuer.issue("bound.example.test")).chainPem).toContain("BEGIN CERTIFICATE")
  const error = await failure(issuerAt(pebble).issuer.issue("unbound.example.test"))
  expect(JSON.parse(error.problem).type).toBe("urn:ietf:params:acme:error:externalAccountRequired")
})

/** A directory that says what no Pebble can be made to say. */
async function directory(answer: (path: string, base: string) => Response | Promise<Response> | undefined) {
  const ca = new InternalCa({ load: async () => undefined, save: async () => {} })
  const own = await ca.issue("localhost")
  const asked: string[] = []
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    tls: { cert: own.chainPem, key: own.keyPem },
    fetch: (req) => {
      const { pathname, origin } = new URL(req.url)
      asked.push(pathname)
      const names = { newNonce: "nonce", newAccount: "account", newOrder: "order", renewalInfo: "ari" }
      if (pathname === "/dir") return Response.json(Object.fromEntries(Object.entries(names).map(([k, v]) => [k, `${origin}/${v}`])))
      if (pathname === "/nonce") return new Response(null, { headers: { "Replay-Nonce": "n" } })
      if (pathname === "/account") return Response.json({ status: "valid" }, { status: 201, headers: { Location: `${origin}/account/1` } })
      return answer(pathname, origin) ?? new Response("missing", { status: 404 })
    },
  })
  opened.push(() => server.stop(true))
  return { directoryUrl: `https://localhost:${(server as unknown as AddressInfo).port}/dir`, caPem: await ca.rootPem(), asked, ca }
}

const limited = (detail: string) =>
  Response.json(
    { type: "urn:ietf:params:acme:error:rateLimited", detail },
    { status: 429, headers: { "Retry-After": "120", "Content-Type": "application/problem+json" } },
  )

/** Books that say what was asked of them, and refuse what they are told to. */
function watchedLedger(refuse: { order?: IssuanceError } = {}) {
  const noted: string[] = []
  const note = (text: string) => void noted.push(text)
  const ledger: OrderLedger = {
    order: async (hostname, kind) => {
      note(`order ${hostname} ${kind}`)
      if (refuse.order) throw refuse.order
      return { endedWithoutCertificate: async () => note("no certificate") }
    },
    validation: async () => (note("validation"), async () => note("validated")),
    account: async () => note("account"),
    refused: async ({ retryAfterMs, isLimit }) => note(`${isLimit ? "limited" : "busy"} for ${retryAfterMs} ms`),
  }
  return { ledger, noted }
}

test("an order is on the books before it is sent, and what the directory refused is noted with its Retry-After", async () => {
  const account = await directory(() => limited("too many new orders (300) from this account in the last 3h0m0s"))
  const { ledger, noted } = watchedLedger()
  expect(await failure(issuerAt(account, { ledger }).issuer.issue("www.example.test"))).toMatchObject({ retryAfterMs: 120_000 })
  expect(noted).toEqual(["account", "order www.example.test new", "no certificate", "limited for 120000 ms"])
})

test("an order that the books refuse is not sent", async () => {
  const silent = await directory(() => undefined)
  const { ledger } = watchedLedger({ order: new IssuanceError("not yet", { putOffUntil: 5000 }) })
  expect(await failure(issuerAt(silent, { ledger }).issuer.issue("www.example.test"))).toMatchObject({ putOffUntil: 5000 })
  expect(silent.asked).not.toContain("/order")
})

test("a busy directory that says how long is left alone", async () => {
  const busy = await directory(() => new Response("later", { status: 503, headers: { "Retry-After": "60" } }))
  const { ledger, noted } = watchedLedger()
  await failure(issuerAt(busy, { ledger }).issuer.issue("www.example.test"))
  expect(noted.at(-1)).toBe("busy for 60000 ms")
})

test("a directory that never answers ends the order within its time", async () => {
  const hanging = await directory(() => new Promise<Response>(() => {}))
  const started = performance.now()
  const error = await failure(issuerAt(hanging, { orderTimeoutMs: 300 }).issuer.issue("slow.example.test"))
  expect(error.message).toContain("no end within 0.3 s")
  expect(performance.now() - started).toBeLessThan(3000)
})

test("the renewal window is read from where the directory says, by the certificate's identifier", async () => {
  const window = { start: "2026-12-01T00:00:00Z", end: "2026-12-02T00:00:00Z" }
  const offering = await directory((path) =>
    path.startsWith("/ari/") ? Response.json({ suggestedWindow: window }, { headers: { "Retry-After": "3600" } }) : undefined,
  )
  const { chainPem } = await offering.ca.issue("ari.example.test")
  const answer = await issuerAt(offering).issuer.renewalWindow(chainPem)
  expect(answer).toEqual({ startMs: Date.parse(window.start), endMs: Date.parse(window.end), retryAfterMs: 3_600_000 })
  const serial = Buffer.from(new X509Certificate(chainPem).serialNumber, "hex").toString("base64url")
  expect(offering.asked.at(-1)).toMatch(new RegExp(`^/ari/[\\w-]{27}\\.${serial}$`))
})
