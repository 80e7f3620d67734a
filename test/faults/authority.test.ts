import { Pkcs10CertificateRequest, SubjectAlternativeNameExtension, X509CertificateGenerator } from "@peculiar/x509"
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { X509Certificate } from "node:crypto"
import type { Mapping, Person } from "../e2e/person"
import { type Stage, stageObstacle, startStage } from "../e2e/stage"
import type { AcmeBehaviour } from "../lab/acme-front"
import { type FalseClock, falseClock, falseClockObstacle } from "../lab/false-clock"
import { waitUntil } from "../lab/process"

const obstacle = (await stageObstacle({ pebble: true, front: true })) ?? falseClockObstacle()
const minute = 60_000
const zone = "customer.test"

// One story, told in order: the clock only goes forward.
describe.skipIf(obstacle !== undefined)(`a certificate authority that fails${obstacle ? ` (skipped: ${obstacle})` : ""}`, () => {
  let clock: FalseClock
  let stage: Stage
  let ada: Person
  let container: string
  let good: Mapping
  let upstream: Bun.Server<undefined>
  /** A host that the CA has no business to send anybody to. */
  let elsewhere: Bun.Server<undefined>
  let sentElsewhere = 0
  let aheadMs = 0

  beforeAll(async () => {
    clock = await falseClock()
    upstream = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("here I am\n") })
    elsewhere = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: () => {
        sentElsewhere++
        return Response.json({ status: "valid" })
      },
    })
    const prepare = async () => ({ ...clock.environment, FREEHOLD_VERIFY_INTERVAL: "1h", FREEHOLD_DNS_RECURSIVES: "none" })
    stage = await startStage({ pebble: true, front: true, prepare })
    ada = await stage.house.login()
    container = await ada.external("app", { "8080": upstream.port ?? 0 })
    good = await claim("good")
    await ada.certified(good.id)
    await others()
  })
  afterAll(async () => {
    await stage?.stop()
    await upstream?.stop(true)
    await elsewhere?.stop(true)
    await clock?.remove()
  })

  /** A name that is proven, so that a certificate is ordered for it. */
  const claim = async (label: string): Promise<Mapping> => {
    const name = `${label}.${zone}`
    await stage.point(name)
    const mapping = await ada.map(name, container)
    await stage.dns.publish("both", mapping.verify_name, "TXT", mapping.verify_token)
    expect(await ada.verify(mapping.id)).toEqual({ status: "verified" })
    return mapping
  }
  const others = async () => {
    const page = await stage.house.curl(`https://${good.domain}/`)
    expect([page.code, page.status, page.err]).toEqual([0, 200, ""])
  }
  const putOff = async ({ id }: Mapping, limitMs = 40_000) => {
    const { certificate } = await ada.mappingIs(id, "put off", ({ certificate: one }) => one?.next_attempt_at !== undefined, limitMs)
    return certificate!
  }
  const isServed = async ({ domain }: Mapping) => (await stage.house.certificate(domain)) !== undefined
  const passes = async (ms: number) => clock.set((aheadMs += ms))
  const wellAgain = async (mapping: Mapping) => {
    stage.front.behave(undefined)
    const { next_attempt_at: next = "" } = await putOff(mapping)
    await passes(Math.max(0, Date.parse(next) - (Date.now() + aheadMs)) + minute)
    await waitUntil(
      async () => {
        const page = await stage.house.curl(`https://${mapping.domain}/`)
        return page.code === 0 && page.status === 200
      },
      { what: `${mapping.domain} to be served`, limitMs: 40_000, everyMs: 200 },
    ).catch(async (error: unknown) => {
      throw new Error(`${String(error)}: ${JSON.stringify(await ada.mapping(mapping.id))}\n${stage.house.output().slice(-3000)}`)
    })
    const leaf = new X509Certificate((await stage.house.certificate(mapping.domain)) ?? "")
    expect(leaf.subjectAltName).toBe(`DNS:${mapping.domain}`)
    expect(leaf.issuer).toContain("Pebble")
    expect((await ada.certified(mapping.id)).certificate?.problem).toBeUndefined()
  }
  const behave = (behaviour: AcmeBehaviour) => stage.front.behave(behaviour)
  const at = (start: string, answer: (payload: unknown) => Response | Promise<Response>): AcmeBehaviour => {
    return ({ resource, payload }) => (resource.startsWith(start) ? answer(payload) : undefined)
  }
  /** A certificate of a CA that nobody knows, for the key of an order under way where there is one. */
  const forged = async (name: string, csr?: string, until = Date.now() + 90 * 24 * 60 * minute) => {
    const keys = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"])
    const publicKey = csr === undefined ? keys.publicKey : new Pkcs10CertificateRequest(Buffer.from(csr, "base64url")).publicKey
    const made = await X509CertificateGenerator.create({
      serialNumber: "0123456789abcdef",
      subject: "CN=forged",
      issuer: "CN=forged",
      notBefore: new Date(Date.now() - 100 * 24 * 60 * minute),
      notAfter: new Date(until),
      signingKey: keys.privateKey,
      signingAlgorithm: { name: "ECDSA", hash: "SHA-256" },
      publicKey,
      extensions: [new SubjectAlternativeNameExtension([{ type: "dns", value: name }])],
    })
    return new Response(`${made.toString("pem")}\n`, { headers: { "content-type": "application/pem-certificate-chain" } })
  }

  const nonce = { "replay-nonce": "bm9uY2UtZnJvbS10aGUtZnJvbnQ" }
  /** Each with what stands at the mapping then. */
  const lies: Record<string, { words: RegExp; lie: (label: string) => AcmeBehaviour }> = {
    down: {
      // Without a nonce there is no request that could bring more than a status.
      words: /127\.0\.0\.1:\d+ answered 503/,
      lie: () => () => stage.front.problem(503, "serverInternal", "The service is down for maintenance"),
    },
    maintenance: {
      words: /serverInternal.*The service is down for maintenance/,
      lie: () => at("/order-plz", () => stage.front.problem(503, "serverInternal", "The service is down for maintenance")),
    },
    othername: {
      words: /the CA sent a certificate for good\.customer\.test, which was not ordered/,
      lie: () => {
        let csr: string | undefined
        return ({ resource, payload }) => {
          if (resource.startsWith("/finalize")) csr = (payload as { csr: string }).csr
          return resource.startsWith("/certZ/") ? forged(good.domain, csr) : undefined
        }
      },
    },
    otherkey: {
      words: /the CA sent a certificate for another key than ours/,
      lie: (label) => at("/certZ/", () => forged(`${label}.${zone}`)),
    },
    ended: {
      words: /the CA sent a certificate that ended on/,
      lie: (label) => {
        let csr: string | undefined
        return ({ resource, payload }) => {
          if (resource.startsWith("/finalize")) csr = (payload as { csr: string }).csr
          return resource.startsWith("/certZ/") ? forged(`${label}.${zone}`, csr, Date.now() - minute) : undefined
        }
      },
    },
    nocertificate: {
      words: /the CA sent no certificate where the certificate was to be/,
      lie: () =>
        at(
          "/certZ/",
          () =>
            new Response("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", {
              headers: { "content-type": "application/pem-certificate-chain" },
            }),
        ),
    },
    validwithout: {
      words: /the CA calls the order valid and names no certificate/,
      lie: () =>
        at("/my-order/", () => Response.json({ status: "valid", identifiers: [], authorizations: [], finalize: "" }, { headers: nonce })),
    },
    html: {
      words: /answered with a page for people: somebody else may be answering in the CA's place/,
      lie: () =>
        at(
          "/order-plz",
          () => new Response("<html>Sign in to this network</html>", { headers: { "content-type": "text/html", ...nonce } }),
        ),
    },
    endless: {
      words: /is larger than 1048576 bytes/,
      lie: () =>
        at(
          "/order-plz",
          () =>
            new Response(new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(65_536).fill(0x20)) }), {
              status: 201,
              headers: { "content-type": "application/json", ...nonce },
            }),
        ),
    },
    location: {
      words: /leads to http:\/\/127\.0\.0\.1:\d+, which its directory does not name/,
      lie: () =>
        at("/order-plz", () =>
          Response.json(
            {
              status: "pending",
              identifiers: [],
              authorizations: [`http://127.0.0.1:${elsewhere.port}/a`],
              finalize: `http://127.0.0.1:${elsewhere.port}/f`,
            },
            { status: 201, headers: { location: `http://127.0.0.1:${elsewhere.port}/order`, ...nonce } },
          ),
        ),
    },
    redirect: {
      words: /answered 307 and leads to http/,
      lie: () =>
        at("/order-plz", () => new Response(null, { status: 307, headers: { location: `http://127.0.0.1:${elsewhere.port}/order` } })),
    },
    authorization: {
      words: /leads to http:\/\/127\.0\.0\.1:\d+, which its directory does not name/,
      lie: () =>
        at("/order-plz", () =>
          Response.json(
            {
              status: "pending",
              identifiers: [],
              authorizations: [`http://127.0.0.1:${elsewhere.port}/a`],
              finalize: `http://127.0.0.1:${elsewhere.port}/f`,
            },
            { status: 201, headers: { location: stage.front.directory.replace("/dir", "/my-order/none"), ...nonce } },
          ),
        ),
    },
  }
  for (const [label, { words, lie }] of Object.entries(lies)) {
    test(`${label}: the reason stands at the mapping, nothing wrong is kept or served, and afterwards the name is certified`, async () => {
      behave(lie(label))
      const mapping = await claim(label)
      const { state, problem } = await putOff(mapping)
      expect(state).not.toBe("issued")
      expect(problem).toMatch(words)
      expect(await isServed(mapping)).toBe(false)
      await others()
      expect(sentElsewhere).toBe(0)
      await wellAgain(mapping)
      await others()
    }, 120_000)
  }

  test("not there: that the connection is refused stands at the mapping", async () => {
    await stage.front.leave()
    const mapping = await claim("notthere")
    const { problem } = await putOff(mapping)
    stage.front.comeBack()
    expect(problem).toMatch(/unable to connect|refused/i)
    expect(await isServed(mapping)).toBe(false)
    await others()
    await wellAgain(mapping)
  }, 120_000)

  test("slow: an order of which each request takes two seconds comes to its end", async () => {
    behave(async () => {
      await Bun.sleep(2_000)
      return undefined
    })
    const mapping = await claim("slow")
    await others()
    await ada.mappingIs(mapping.id, "certified", ({ certificate }) => certificate?.state === "issued", 90_000)
    stage.front.behave(undefined)
    await others()
  }, 120_000)

  test("rate limiting: nothing more is sent before the time it names, for any name, and then all are certified", async () => {
    const words = "too many new orders recently, retry later"
    behave(at("/order-plz", () => stage.front.problem(429, "rateLimited", words, { "retry-after": "3600" })))
    const first = await claim("limited")
    const until = Date.parse((await putOff(first)).next_attempt_at ?? "")
    expect(until - (Date.now() + aheadMs)).toBeGreaterThan(59 * minute)
    expect((await putOff(first)).problem).toContain(words)
    const orders = () => stage.front.requests.filter(({ resource }) => resource === "/order-plz").length
    const sent = orders()
    const second = await claim("alsolimited")
    expect(Date.parse((await putOff(second)).next_attempt_at ?? "")).toBeGreaterThanOrEqual(until - 1000)
    for (const ms of [1, 30, 27]) {
      await passes(ms * minute)
      for (const mapping of [first, second]) expect(await isServed(mapping)).toBe(false)
      await others()
    }
    expect(orders()).toBe(sent)
    await wellAgain(first)
    await wellAgain(second)
  }, 120_000)

  test("a limit is kept over a restart", async () => {
    behave(at("/order-plz", () => stage.front.problem(429, "rateLimited", "too many new orders", { "retry-after": "7200" })))
    const mapping = await claim("restarted")
    await putOff(mapping)
    const orders = () => stage.front.requests.filter(({ resource }) => resource === "/order-plz").length
    const sent = orders()
    await stage.house.restart()
    await passes(10 * minute)
    expect(await isServed(mapping)).toBe(false)
    await others()
    expect(orders()).toBe(sent)
    await wellAgain(mapping)
  }, 120_000)
})
