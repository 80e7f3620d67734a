import { beforeAll, expect, test } from "bun:test"
import { selfSigned } from "./edge.fixture"
import { ThreadCertificates, type ThreadCertificatesOptions } from "./thread-certificates"

let pair: { chainPem: string; keyPem: string }
beforeAll(async () => {
  const { cert, key } = await selfSigned()
  pair = { chainPem: cert, keyPem: key }
})

function setup(options: Partial<ThreadCertificatesOptions> = {}) {
  const asked: string[] = []
  const clock = { ms: 1000 }
  const allowed = new Set(["a.test", "b.test", "c.test"])
  const certificates = new ThreadCertificates({
    gate: (hostname) => allowed.has(hostname),
    ask: (hostname) => asked.push(hostname),
    now: () => clock.ms,
    ...options,
  })
  const answer = (hostname: string, notAfter = 5000) => certificates.settle(hostname, { ...pair, notAfter })
  return { asked, clock, allowed, certificates, answer }
}

test("everybody who waits for a name shares one question, and later handshakes need none until the certificate ends", async () => {
  const { asked, clock, certificates, answer } = setup()
  const [first, second] = [certificates.secureContext("a.test"), certificates.secureContext("a.test")]
  expect(asked).toEqual(["a.test"])
  answer("a.test")
  expect(await first).toBe(await second)
  expect(certificates.secureContext("a.test")).toBe(await first)
  clock.ms = 5000
  void Promise.resolve(certificates.secureContext("a.test")).catch(() => {})
  expect(asked).toEqual(["a.test", "a.test"])
  certificates.stop()
})

test("a name that is not mapped is refused without a question, also when it was mapped before", async () => {
  const { asked, allowed, certificates, answer } = setup()
  expect(() => certificates.secureContext("other.test")).toThrow("other.test may not have a certificate here")
  const waiting = certificates.secureContext("a.test")
  allowed.delete("a.test")
  answer("a.test")
  await expect(Promise.resolve(waiting)).rejects.toThrow("may not have a certificate")
  expect(() => certificates.secureContext("a.test")).toThrow()
  expect(asked).toEqual(["a.test"])
})

test("a refusal and a pair that does not fit are told to those who wait, and the next handshake asks again", async () => {
  const { asked, certificates } = setup()
  const refused = Promise.resolve(certificates.secureContext("a.test"))
  certificates.settle("a.test", { refusal: "a.test is backing off" })
  await expect(refused).rejects.toThrow("a.test is backing off")
  const wrong = Promise.resolve(certificates.secureContext("a.test"))
  certificates.settle("a.test", { chainPem: "", keyPem: "no key", notAfter: 5000 })
  await expect(wrong).rejects.toThrow()
  void Promise.resolve(certificates.secureContext("a.test")).catch(() => {})
  expect(asked).toHaveLength(3)
  certificates.stop()
})

test("a replaced certificate is asked for anew, and one that was replaced on its way is not kept", async () => {
  const { asked, certificates, answer } = setup()
  const early = certificates.secureContext("a.test")
  certificates.forget("a.test")
  answer("a.test")
  await early
  const second = certificates.secureContext("a.test")
  expect(asked).toHaveLength(2)
  answer("a.test")
  await second
  certificates.forget("a.test")
  const third = certificates.secureContext("a.test")
  expect(asked).toHaveLength(3)
  answer("a.test")
  expect(await third).not.toBe(await second)
})

test("an answer that does not come ends the wait, and one that comes too late is nobody's", async () => {
  const { certificates, answer } = setup({ waitMs: 10 })
  await expect(Promise.resolve(certificates.secureContext("a.test"))).rejects.toThrow("did not come in time")
  answer("a.test")
  answer("never-asked.test")
})

test("contexts and questions are bounded", async () => {
  const { asked, certificates, answer } = setup({ cacheSize: 1, maxQuestions: 2 })
  const waiting = [certificates.secureContext("a.test"), certificates.secureContext("b.test")]
  expect(() => certificates.secureContext("c.test")).toThrow("too many certificates are being asked for")
  for (const name of ["a.test", "b.test"]) answer(name)
  await Promise.all(waiting)
  expect(certificates.secureContext("b.test")).not.toBeInstanceOf(Promise)
  const again = Promise.resolve(certificates.secureContext("a.test"))
  expect(asked).toEqual(["a.test", "b.test", "a.test"])
  certificates.stop()
  await expect(again).rejects.toThrow("stopping")
})
