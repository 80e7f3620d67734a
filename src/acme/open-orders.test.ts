import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test"
import { createPublicKey, X509Certificate } from "node:crypto"
import { createServer } from "node:http"
import { hasPebble, type LonePebble, startLonePebble } from "../../test/lab/pebble-alone"
import { openDatabase } from "../db/open"
import { CertificateStore } from "../edge/certificate-store"
import { Vault } from "../vault"
import { AcmeIssuer, type AcmeStep } from "./acme-issuer"
import { ChallengeBoard } from "./challenges"

describe.skipIf(!hasPebble)("an order that a process left under way", () => {
  let pebble: LonePebble
  const closing: (() => Promise<unknown>)[] = []
  beforeAll(async () => {
    pebble = await startLonePebble()
  })
  afterEach(async () => {
    for (const close of closing.splice(0)) await close()
  })
  afterAll(() => pebble?.stop())

  const newStore = async () => {
    const db = await openDatabase(":memory:")
    closing.push(() => db.destroy())
    return new CertificateStore(db, new Vault("ab".repeat(32)))
  }

  /** One process: `until` is the step at which it dies. */
  const life = async (store: CertificateStore, hostname: string, until?: AcmeStep["name"], now?: () => number) => {
    const steps: string[] = []
    const board = new ChallengeBoard()
    const server = createServer((req, res) => {
      const answer = board.httpAnswer(req.url?.split("/").pop() ?? "")
      res.writeHead(answer ? 200 : 404).end(answer ?? "nothing here")
    })
    await new Promise<void>((resolve) => server.listen(pebble.httpPort, "127.0.0.1", resolve))
    const issuer: AcmeIssuer = new AcmeIssuer({
      directoryUrl: pebble.directoryUrl,
      caPem: pebble.caPem,
      account: store.accountKeeper(pebble.directoryUrl),
      journal: store.orderJournal(pebble.directoryUrl, now),
      board,
      challengeTypes: () => ["http-01"],
      pollMs: 20,
      orderTimeoutMs: 20_000,
      onStep: (_, { name, text }) => {
        steps.push(text)
        if (name === until) issuer.stop()
      },
    })
    const end = await issuer.issue(hostname).catch((error: unknown) => error as Error)
    issuer.stop()
    await new Promise((resolve) => server.close(resolve))
    return { end, steps }
  }

  test.each(["order", "challenge", "validation", "finalized"] as const)("is taken up where it was: cut short at %s", async (until) => {
    const store = await newStore()
    const hostname = `${until}.example.test`
    const first = await life(store, hostname, until)
    expect(first.end).toBeInstanceOf(Error)
    const kept = await store.orderJournal(pebble.directoryUrl).load(hostname)
    expect(kept?.url).toStartWith("https://localhost:")

    const second = await life(store, hostname)
    expect(second.steps[0]).toBe(`Ordered at ${pebble.directoryUrl}, which knows the order from before`)
    if (second.end instanceof Error) throw second.end
    expect(second.end.keyPem).toBe(kept!.keyPem)
    const leaf = new X509Certificate(second.end.chainPem)
    expect(leaf.publicKey.equals(createPublicKey(kept!.keyPem))).toBe(true)

    // The certificate is not kept yet: a third process fetches the same one.
    const third = await life(store, hostname)
    if (third.end instanceof Error) throw third.end
    expect(new X509Certificate(third.end.chainPem).serialNumber).toBe(leaf.serialNumber)
    await store.save(hostname, { issuer: pebble.directoryUrl, holder: "" }, second.end, second.end.notAfter, Date.now())
    expect(await store.orderJournal(pebble.directoryUrl).load(hostname)).toBeUndefined()
  })

  test("is made anew when the CA does not know it, when its key does not open, and when it is a week old", async () => {
    const store = await newStore()
    const hostname = "lost.example.test"
    const journal = store.orderJournal(pebble.directoryUrl)
    const keyPem = "-----BEGIN PRIVATE KEY-----"
    await journal.save(hostname, { url: pebble.directoryUrl.replace(/dir$/, "my-order/nobody-knows-it"), keyPem })
    const { end, steps } = await life(store, hostname)
    if (end instanceof Error) throw end
    expect(steps[0]).toBe(`Ordered at ${pebble.directoryUrl}`)
    const kept = await journal.load(hostname)
    expect(kept?.keyPem).toBe(end.keyPem)

    const later = Date.now() + 7 * 86_400_000
    expect(await store.orderJournal(pebble.directoryUrl, () => later).load(hostname)).toBeUndefined()
    await store.forgetOldOrders(later - 60_000)
    expect(await journal.load(hostname)).toEqual(kept)
    await store.forgetOldOrders(later)
    expect(await journal.load(hostname)).toBeUndefined()
  })
})
