import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { X509Certificate } from "node:crypto"
import { type Appliance, startAppliance } from "../e2e/appliance"
import type { Person } from "../e2e/person"
import { type FalseClock, falseClock, falseClockObstacle } from "../lab/false-clock"
import { loopbackBlock } from "../lab/ports"
import { waitUntil } from "../lab/process"

const obstacle = falseClockObstacle()
const hour = 3_600_000
const year = 365 * 24 * hour

// One story, told in order.
describe.skipIf(obstacle !== undefined)(`a clock that jumps${obstacle ? ` (skipped: ${obstacle})` : ""}`, () => {
  let clock: FalseClock
  let house: Appliance
  let ada: Person
  let pending: string
  let upstream: Bun.Server<undefined>

  beforeAll(async () => {
    clock = await falseClock()
    upstream = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("here I am\n") })
    const block = await loopbackBlock(53, 1)
    house = await startAppliance({
      address: block.address(20),
      settings: { ...clock.environment, FREEHOLD_AUDIT_RETENTION: "30d", FREEHOLD_DNS_ROOTS: block.address(21) },
    })
    ada = await house.login()
    const container = await ada.external("app", { "8080": upstream.port ?? 0 })
    await ada.map("web.home.arpa", container)
    pending = (await ada.map("pending.customer.test", container)).id
    await ada.send("POST", "/storage/namespaces", { name: "photos" })
    await house.api("PUT", "/storage/photos/a", { token: ada.token, body: "kept" })
    await served("now")
  })
  afterAll(async () => {
    await house?.stop()
    await upstream?.stop(true)
    await clock?.remove()
  })

  /** A visitor whose own clock may be another: what is shown is compared with the appliance's time. */
  const served = async (when: string) => {
    const page = await house.curl("https://web.home.arpa/", { args: ["--insecure"] })
    expect([when, page.code, page.status, page.text]).toEqual([when, 0, 200, "here I am\n"])
    return new X509Certificate((await house.certificate("web.home.arpa")) ?? "")
  }
  const isValidAt = ({ validFrom, validTo }: X509Certificate, time: number) => Date.parse(validFrom) <= time && time < Date.parse(validTo)
  const audit = async (token = ada.token) => {
    const answer = await house.api("GET", "/api/audit?limit=200", { token })
    expect(answer.status).toBe(200)
    return answer.text
  }

  test("an hour forward: visitors, sessions and certificates go on", async () => {
    await clock.set(hour)
    await served("an hour ahead")
    expect((await ada.ask("GET", "/api/domain-mappings")).status).toBe(200)
  })

  test("an hour back: the same", async () => {
    await clock.set(-hour)
    await served("an hour behind")
    expect((await ada.ask("GET", "/api/domain-mappings")).status).toBe(200)
    await clock.set(0)
    await served("right again")
  })

  test("a year forward: visitors get a certificate that is valid then, and nothing is removed for its age", async () => {
    const before = await audit()
    expect(before).toContain("photos")
    await clock.set(year)
    const certificate = await served("a year ahead")
    expect(isValidAt(certificate, Date.now() + year)).toBe(true)
    await house.said("the clock jumped: for an hour nothing is removed for its age by the new time")
  })

  test("right again: the certificate is one that is valid now, people sign in, and all is there", async () => {
    await clock.set(0)
    const again = await house.login()
    expect((await house.api("GET", "/storage/photos/a", { token: again.token })).text).toBe("kept")
    expect(await audit(again.token)).toContain("photos")
    const mapping = await again.mapping(pending)
    expect(["pending", "failed"]).toContain(mapping.status)
    if (mapping.status === "failed") expect((await again.verify(pending)).status).toBe("pending")
    await served("right again")
    await waitUntil(async () => isValidAt(await served("right again"), Date.now()), {
      what: "a certificate that is valid now",
      limitMs: 20_000,
    })
  })

  test("a start in the wrong year says so, and serves", async () => {
    await house.end()
    await clock.set(year)
    await house.start()
    await house.said("the clock is far from when the store was last written")
    expect(isValidAt(await served("started a year ahead"), Date.now() + year)).toBe(true)
    await clock.set(0)
    const again = await house.login()
    expect((await house.api("GET", "/storage/photos/a", { token: again.token })).text).toBe("kept")
  })
})
