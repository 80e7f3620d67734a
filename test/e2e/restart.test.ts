import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { X509Certificate } from "node:crypto"
import { waitUntil } from "../lab/process"
import { type Gate, startGate } from "./gate"
import type { Mapping, Person } from "./person"
import { type Stage, stageObstacle, startStage } from "./stage"

const obstacle = await stageObstacle({ pebble: true })

describe.skipIf(obstacle !== undefined)(`restarts${obstacle ? ` (skipped: ${obstacle})` : ""}`, () => {
  let stage: Stage
  let gate: Gate
  let gateAddress: string
  let upstream: Bun.Server<undefined>
  // One session through every restart below: that none of them ends it is part of what is shown.
  let ada: Person
  let container: string

  beforeAll(async () => {
    upstream = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("here I am\n") })
    stage = await startStage({ pebble: true })
    gateAddress = stage.dns.spareAddress(21)
    const { address, ports } = stage.house
    gate = await startGate({ address: gateAddress, target: address, ports: [ports.http, ports.https] })
    ada = await stage.house.login()
    container = await ada.external("app", { "8080": upstream.port ?? 0 })
  })
  afterAll(async () => {
    await stage?.stop()
    await gate?.stop()
    await upstream?.stop(true)
  })

  const publish = (mapping: Mapping) => stage.dns.publish("both", mapping.verify_name, "TXT", mapping.verify_token)
  /** A verified mapping whose name leads to the address. */
  const prove = async (name: string, address: string) => {
    await stage.dns.publish("both", name, "A", address)
    const mapping = await ada.map(name, container)
    await publish(mapping)
    expect(await ada.verify(mapping.id)).toEqual({ status: "verified" })
    return mapping
  }
  const serial = async (name: string) => {
    const pem = await stage.house.certificate(name)
    return pem === undefined ? undefined : new X509Certificate(pem).serialNumber
  }
  const pageIsThere = async (name: string) => {
    expect(await stage.house.curl(`https://${name}/`)).toMatchObject({ code: 0, status: 200, text: "here I am\n" })
  }

  test("a pending mapping is still pending, and the worker goes on looking", async () => {
    const name = "pending.customer.test"
    await stage.point(name)
    const mapping = await ada.map(name, container)
    await stage.house.restart()
    expect(await ada.mapping(mapping.id)).toMatchObject({ status: "pending", verify_token: mapping.verify_token })
    expect(await stage.house.certificate(name)).toBeUndefined()
    await publish(mapping)
    await ada.mappingIs(mapping.id, "verified without being asked for", ({ status }) => status === "verified")
    await ada.certified(mapping.id)
    await pageIsThere(name)
  })

  test("an issued certificate is served again after a restart and after a kill, and none is ordered", async () => {
    const name = "issued.customer.test"
    const mapping = await prove(name, stage.house.address)
    await ada.certified(mapping.id)
    const first = await serial(name)
    expect(first).toBeString()
    await stage.house.restart()
    expect(await serial(name)).toBe(first)
    await stage.house.kill()
    await stage.house.start()
    expect((await ada.mapping(mapping.id)).certificate?.state).toBe("issued")
    expect(await serial(name)).toBe(first)
    await pageIsThere(name)
    expect(stage.house.output()).not.toContain("certificate issued")
  })

  test.each([
    ["a plain end", "ended", async () => expect(await stage.house.end()).toBe(0)],
    ["kill -9", "killed", () => stage.house.kill()],
  ])("an order cut short by %s is completed by the next start, without a visitor", async (_how, label, finish) => {
    const name = `${label}.customer.test`
    gate.shut()
    const knocks = gate.knocks
    const mapping = await prove(name, gateAddress)
    // Pebble knocks when the order is placed and the challenge answered: now it is under way.
    await waitUntil(() => gate.knocks > knocks, { what: "Pebble to begin its validation" })
    expect(await ada.mapping(mapping.id)).toMatchObject({ status: "verified", certificate: { state: "none" } })
    await finish()
    gate.open()
    await stage.house.start()
    expect((await ada.mapping(mapping.id)).status).toBe("verified")
    await ada.certified(mapping.id)
    await pageIsThere(name)
  })

  test("a kill right after the proof loses neither proof nor certificate", async () => {
    const name = "instant.customer.test"
    const mapping = await prove(name, stage.house.address)
    await stage.house.kill()
    await stage.house.start()
    await ada.certified(mapping.id)
    await pageIsThere(name)
  })

  test("a failed mapping stays failed, and a later proof revives it", async () => {
    const name = "failed.customer.test"
    await stage.point(name)
    const mapping = await ada.map(name, container)
    await stage.house.restart({ FREEHOLD_VERIFY_EXPIRY: "1s" })
    const failed = await ada.mappingIs(mapping.id, "failed", ({ status }) => status === "failed")
    await stage.house.restart()
    expect(await ada.mapping(mapping.id)).toEqual(failed)
    expect((await ada.verify(mapping.id)).status).toBe("pending")
    expect((await ada.mapping(mapping.id)).status).toBe("pending")
    await publish(mapping)
    expect(await ada.verify(mapping.id)).toEqual({ status: "verified" })
    await ada.certified(mapping.id)
    await pageIsThere(name)
  })

  test("what the CA said of a failed order is kept, and a restart does not ask it again before the time", async () => {
    const name = "nobody.customer.test"
    const mapping = await prove(name, stage.dns.spareAddress(22))
    const failed = await ada.mappingIs(mapping.id, "backing off", ({ certificate }) => certificate?.state === "backing_off", 60_000)
    expect(JSON.parse(failed.certificate?.problem ?? "{}")).toMatchObject({ type: "urn:ietf:params:acme:error:connection" })
    expect(Date.parse(failed.certificate?.next_attempt_at ?? "")).toBeGreaterThan(Date.now())
    await stage.house.restart()
    expect(await ada.mapping(mapping.id)).toEqual(failed)
    expect(await stage.house.certificate(name)).toBeUndefined()
    expect(await ada.mapping(mapping.id)).toEqual(failed)
  })

  test("a deleted mapping stays deleted", async () => {
    const name = "deleted.customer.test"
    const mapping = await prove(name, stage.house.address)
    await ada.certified(mapping.id)
    await ada.unmap(mapping.id)
    await stage.house.kill()
    await stage.house.start()
    await expect(ada.mapping(mapping.id)).rejects.toThrow("is not among")
    expect(await stage.house.certificate(name)).toBeUndefined()
    expect((await stage.house.curl(`http://${name}/`)).status).toBe(404)
  })

  test("tokens survive, and what was revoked stays revoked", async () => {
    const scopes = { [`networking.${ada.id}.domain-mappings`]: ["read"] }
    const alive = await ada.send<{ token: string }>("POST", "/api/tokens", { name: "alive", scopes })
    const revoked = await ada.send<{ id: string; token: string }>("POST", "/api/tokens", { name: "revoked", scopes })
    await ada.send("DELETE", `/api/tokens/${revoked.id}`)
    const account = await ada.send<{ id: string }>("POST", "/api/service-accounts", { name: "bot", scopes })
    const bot = await ada.send<{ token: string }>("POST", `/api/service-accounts/${account.id}/tokens`, { name: "t" })
    const left = await stage.house.login()
    await left.send("POST", "/api/logout")
    await stage.house.kill()
    await stage.house.start()
    const answers = async (token: string) => (await stage.house.api("GET", "/api/domain-mappings", { token })).status
    expect(await answers(ada.token)).toBe(200)
    expect(await answers(alive.token)).toBe(200)
    expect(await answers(bot.token)).toBe(200)
    expect(await answers(revoked.token)).toBe(401)
    expect(await answers(left.token)).toBe(401)
  })
})
