import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { X509Certificate } from "node:crypto"
import { type LyingDirectory, startLyingDirectory } from "../lab/lying-directory"
import { waitUntil } from "../lab/process"
import type { Mapping, Person } from "./person"
import { type Stage, stageObstacle, startStage } from "./stage"

const obstacle = await stageObstacle({ pebble: true })

type Limits = {
  total: number
  limits: { kind: string; subject: string | null; left: number | null; capacity: number | null; sentence: string }[]
}

describe.skipIf(obstacle !== undefined)(`rate limits of CAs${obstacle ? ` (skipped: ${obstacle})` : ""}`, () => {
  let stage: Stage
  let liar: LyingDirectory
  let upstream: Bun.Server<undefined>
  let [ada, bob]: Person[] = []
  const containers = new Map<Person, string>()

  beforeAll(async () => {
    upstream = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("here I am\n") })
    stage = await startStage({ pebble: true })
    liar = await startLyingDirectory(stage.pebble)
    await stage.house.restart({ FREEHOLD_ACME_DIRECTORY: liar.directory, FREEHOLD_ACME_DOMAIN_LIMIT: "3" })
    ada = await stage.house.login()
    await ada.send("POST", "/admin/users", { username: "bob", password: "another long password", role: "admin" })
    bob = await stage.house.login({ username: "bob", password: "another long password" })
    for (const one of [ada, bob]) containers.set(one, await one.external("app", { "8080": upstream.port ?? 0 }))
  })
  afterAll(async () => {
    await stage?.stop()
    await liar?.stop()
    await upstream?.stop(true)
  })

  /** Maps and proves a name, as its owner would. */
  async function bring(who: Person | undefined, name: string): Promise<Mapping> {
    if (who === undefined) throw new Error("nobody")
    await stage.point(name)
    const claim = await who.map(name, containers.get(who) ?? "")
    await stage.dns.publish("both", claim.verify_name, "TXT", claim.verify_token)
    await who.verify(claim.id)
    return claim
  }
  const shown = async (name: string) => new X509Certificate((await stage.house.certificate(name)) ?? "")
  const waits = (who: Person | undefined, id: string) =>
    who!.mappingIs(id, "put off", ({ certificate }) => certificate?.put_off === true && certificate.problem !== undefined)

  test("a deleted name is not served, and back at its holder it has the same certificate without an order; anybody else gets a new key", async () => {
    const name = "kept.customer.test"
    const first = await bring(ada, name)
    await ada!.certified(first.id)
    const [before, orders] = [await shown(name), liar.orders()]
    await ada!.unmap(first.id)
    expect(await stage.house.certificate(name)).toBeUndefined()

    const second = await bring(ada, name)
    await ada!.certified(second.id)
    expect((await shown(name)).serialNumber).toBe(before.serialNumber)
    expect(liar.orders()).toBe(orders)
    expect((await ada!.ask("GET", `/api/domain-mappings/${second.id}/timeline`)).text).toContain("is used again")

    await ada!.unmap(second.id)
    const third = await bring(bob, name)
    await bob!.certified(third.id)
    const after = await shown(name)
    expect(after.publicKey.equals(before.publicKey)).toBe(false)
    expect(liar.orders()).toBe(orders + 1)
  })

  test("an order that would break a limit is not sent, also after a crash; the name says so, and what is left is shown", async () => {
    const last = await bring(ada, "last.customer.test")
    await ada!.certified(last.id)
    const orders = liar.orders()
    const late = await bring(ada, "late.customer.test")
    const { certificate } = await waits(ada, late.id)
    expect(certificate?.problem).toMatch(
      /allows 3 certificates a week for customer\.test, and they are used up; it is ordered at \d{4}-\d\d-\d\d \d\d:\d\d UTC, in 2 days/,
    )
    await stage.house.kill()
    await stage.house.start({ FREEHOLD_ACME_DIRECTORY: liar.directory, FREEHOLD_ACME_DOMAIN_LIMIT: "3" })
    await ada!.verify(late.id)
    await waits(ada, late.id)
    expect(liar.orders()).toBe(orders)

    const all = await ada!.send<Limits>("GET", "/admin/issuance-limits")
    expect(all.limits.find(({ kind }) => kind === "domain")).toMatchObject({ subject: "customer.test", left: 0, capacity: 3 })
    const carol = { username: "carol", password: "yet another password" }
    await ada!.send("POST", "/admin/users", carol)
    expect((await (await stage.house.login(carol)).ask("GET", "/admin/issuance-limits")).status).toBe(403)
    const own = await ada!.send<Limits>("GET", `/api/domain-mappings/${late.id}/certificate`)
    expect(own.limits[0]?.sentence).toMatch(
      /^0 of 3 certificates left this week for customer\.test at 127\.0\.0\.1, the next one in 2 days/,
    )
    const preflight = await ada!.ask("GET", `/api/domain-mappings/${late.id}/preflight`)
    expect(preflight.text).toContain('"rate_limited"')
    const printed = await stage.house.cli(["certificates", "limits"], { token: ada!.token })
    expect(printed).toMatchObject({ code: 0, err: "" })
    expect(printed.out).toMatch(/certificates of a domain +customer\.test +0 of 3/)
  })

  test("names below a wildcard that a proxy asks about have a budget, names that were proved have none", async () => {
    await stage.house.restart({ FREEHOLD_ASK_DOMAIN_BUDGET: "2", FREEHOLD_PRIVATE_ZONES: "many.test" })
    const wildcard = await ada!.map("*.many.test", containers.get(ada!) ?? "")
    await ada!.mappingIs(wildcard.id, "verified", ({ status }) => status === "verified")
    const proved = await ada!.map("proved.many.test", containers.get(ada!) ?? "")
    await ada!.mappingIs(proved.id, "verified", ({ status }) => status === "verified")
    const ask = async (name: string) => (await stage.house.api("GET", `/internal/ask?domain=${name}`)).status
    const all = async () => Promise.all(["a", "b", "c", "proved"].map((label) => ask(`${label}.many.test`)))
    expect(await all()).toEqual([200, 200, 403, 200])
    await stage.house.restart({ FREEHOLD_ASK_DOMAIN_BUDGET: "2", FREEHOLD_PRIVATE_ZONES: "many.test" })
    expect(await all()).toEqual([200, 200, 403, 200])
    const mapped = await ada!.map("c.many.test", containers.get(ada!) ?? "")
    await ada!.mappingIs(mapped.id, "verified", ({ status }) => status === "verified")
    expect(await ask("c.many.test")).toBe(200)
    expect([await ask("192.0.2.1"), await ask("x.y.many.test"), await ask("nobody.test")]).toEqual([403, 403, 403])
  })

  test("what the CA answers closes its bucket until the time it named, for a domain alone or for the account, and then the order is made", async () => {
    await stage.house.restart({ FREEHOLD_ACME_DIRECTORY: liar.directory, FREEHOLD_ACME_DOMAIN_LIMIT: "100" })
    const limited = (detail: string, retryAfterSeconds: number) => liar.limit({ detail, retryAfterSeconds })
    limited("too many new orders (300) from this account in the last 3h0m0s, retry after a while", 6)
    const until = Date.now() + 6000
    const first = await bring(ada, "first.customer.test")
    await waits(ada, first.id)
    const orders = liar.orders()
    const second = await bring(ada, "second.customer.test")
    const { certificate } = await waits(ada, second.id)
    expect(certificate?.problem).toContain("it said: too many new orders (300) from this account")
    expect(liar.orders()).toBe(orders)
    liar.limit(undefined)
    await waitUntil(() => Date.now() > until + 1000, { what: "the limit to be over" })
    // The first turn of the background work is at the start.
    await stage.house.restart({ FREEHOLD_ACME_DIRECTORY: liar.directory, FREEHOLD_ACME_DOMAIN_LIMIT: "100" })
    await ada!.certified(second.id)
  })

  test("the fallback directory is taken while the first is closed", async () => {
    liar.limit({ detail: "too many new orders (300) from this account in the last 3h0m0s", retryAfterSeconds: 3600 })
    await stage.house.restart({
      FREEHOLD_ACME_DIRECTORY: liar.directory,
      FREEHOLD_ACME_FALLBACK_DIRECTORY: stage.pebble.directory,
      FREEHOLD_ACME_DOMAIN_LIMIT: "100",
    })
    for (const name of ["other.customer.test", "another.customer.test"]) await ada!.certified((await bring(ada, name)).id)
    const asked = liar.orders()
    await ada!.certified((await bring(ada, "third.customer.test")).id)
    expect(liar.orders()).toBe(asked)
  })
})
