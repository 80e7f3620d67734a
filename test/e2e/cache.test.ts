import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { saidBy } from "./detail"
import type { Mapping, Person } from "./person"
import { type Stage, stageObstacle, startStage } from "./stage"

const obstacle = await stageObstacle({})
const [ns1, ns2] = ["ns1.customer.test", "ns2.customer.test"] as const

describe.skipIf(obstacle !== undefined)(`proof by DNS${obstacle ? ` (skipped: ${obstacle})` : ""}`, () => {
  let stage: Stage
  let ada: Person
  let container: string

  beforeAll(async () => {
    // The worker stays away, so that what is seen is the answer to `verify` alone.
    stage = await startStage({ prepare: async () => ({ FREEHOLD_VERIFY_INTERVAL: "10m" }) })
    ada = await stage.house.login()
    container = await ada.external("app", { "8080": 9 })
  })
  afterAll(() => stage?.stop())

  const claim = async (name: string): Promise<Mapping> => {
    const mapping = await ada.map(name, container)
    expect(mapping.status).toBe("pending")
    return mapping
  }

  test("a record that a recursive resolver still denies is seen at once", async () => {
    const mapping = await claim("fresh.customer.test")
    expect(await stage.unbound.ask(mapping.verify_name, "TXT")).toBe("NXDOMAIN")
    expect((await ada.verify(mapping.id)).status).toBe("pending")
    await stage.dns.publish("both", mapping.verify_name, "TXT", mapping.verify_token)
    expect(await ada.verify(mapping.id)).toEqual({ status: "verified" })
    expect(await stage.unbound.ask(mapping.verify_name, "TXT")).toBe("NXDOMAIN")
    expect(await ada.verify(mapping.id)).toEqual({ status: "verified" })
  })

  test("a record that was taken away is gone at once, although the resolver still has it", async () => {
    const mapping = await claim("gone.customer.test")
    await stage.dns.publish("both", mapping.verify_name, "TXT", mapping.verify_token)
    expect(await stage.unbound.ask(mapping.verify_name, "TXT")).toBe(`"${mapping.verify_token}"`)
    await stage.dns.remove("both", mapping.verify_name)
    expect((await ada.verify(mapping.id)).status).toBe("pending")
    expect(await stage.unbound.ask(mapping.verify_name, "TXT")).toBe(`"${mapping.verify_token}"`)
  })

  test("the detail names what each server said: nothing, another value, no TXT", async () => {
    const mapping = await claim("told.customer.test")
    const missing = (await ada.verify(mapping.id)).detail
    expect(missing).toStartWith(`TXT ${mapping.verify_name}: `)
    expect(saidBy(missing, ns1)).toBe("answered NXDOMAIN")
    expect(saidBy(missing, ns2)).toBe("answered NXDOMAIN")

    await stage.dns.publish(2, mapping.verify_name, "TXT", "edd-verify-of-somebody-else")
    const other = (await ada.verify(mapping.id)).detail
    expect(saidBy(other, ns1)).toBe("answered NXDOMAIN")
    expect(saidBy(other, ns2)).toBe('answered a TXT record with another value, "edd-verify-of-somebody-else"')

    await stage.dns.publish(1, mapping.verify_name, "A", "192.0.2.1")
    expect(saidBy((await ada.verify(mapping.id)).detail, ns1)).toBe("answered that the name has no TXT record")
    expect((await ada.mapping(mapping.id)).detail).toContain("no TXT record")
  })

  test("the token is found among other values, and behind a CNAME", async () => {
    const crowd = await claim("crowd.customer.test")
    await stage.dns.publish(1, crowd.verify_name, "TXT", "x".repeat(600))
    await stage.dns.publish(1, crowd.verify_name, "TXT", crowd.verify_token)
    expect(await ada.verify(crowd.id)).toEqual({ status: "verified" })
    const elsewhere = await claim("alias.customer.test")
    await stage.dns.publish("both", elsewhere.verify_name, "CNAME", "proof.customer.test")
    await stage.dns.publish("both", "proof.customer.test", "TXT", elsewhere.verify_token)
    expect(await ada.verify(elsewhere.id)).toEqual({ status: "verified" })
  })

  test("an answer too long for a datagram is asked for again over TCP", async () => {
    const mapping = await claim("long.customer.test")
    for (let n = 0; n < 12; n++) await stage.dns.publish(2, mapping.verify_name, "TXT", `${n}${"y".repeat(250)}`)
    await stage.dns.publish(2, mapping.verify_name, "TXT", mapping.verify_token)
    expect(await ada.verify(mapping.id)).toEqual({ status: "verified" })
  })

  test("a zone that does not exist is said to be so", async () => {
    const mapping = await claim("app.nobody.test")
    const { status, detail } = await ada.verify(mapping.id)
    expect(status).toBe("pending")
    expect(detail).toContain("NXDOMAIN")
  })

  test("the command line verifies by hostname and says what was found", async () => {
    const mapping = await claim("shell.customer.test")
    const early = await stage.house.cli(["mappings", "verify", "shell.customer.test"], { token: ada.token })
    expect(early.code).toBe(1)
    expect(early.out + early.err).toContain("answered NXDOMAIN")
    const waiting = stage.house.cli(["mappings", "verify", mapping.id, "--wait", "--timeout", "30s", "--json"], { token: ada.token })
    await stage.dns.publish("both", mapping.verify_name, "TXT", mapping.verify_token)
    const { code, out } = await waiting
    expect(code).toBe(0)
    expect(JSON.parse(out)).toMatchObject({ status: "verified" })
  })
})
