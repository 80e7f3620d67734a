import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { addressesOf } from "../../src/checks/addresses"
import { freePort } from "../lab/ports"
import { waitUntil } from "../lab/process"
import { type Key, startKeyedKnot } from "../lab/providers/keyed-servers"
import { runProgram } from "./program"
import type { Person } from "./person"
import { type Stage, stageObstacle, startStage } from "./stage"

const isPublic = addressesOf([], { answers: [] }).own.length > 0
const obstacle = isPublic ? "this machine has a public address, so nobody is asked for it" : await stageObstacle({})
const base = "cloud.test"
const mirror = "mirror.customer.test"
// Nobody connects to them.
const [before, after, elsewhere] = ["81.2.69.10", "81.2.69.20", "81.2.69.30"] as const

type Connection = {
  id: string
  state: string
  secret: string
  error_code: string | null
  error_detail: string | null
  ownership_challenge: { name: string; value: string }
  desired_records: { host: string; type: "A"; value: string }[]
}

describe.skipIf(obstacle !== undefined)(`our own address${obstacle ? ` (skipped: ${obstacle})` : ""}`, () => {
  const account: Key = { name: "account.test", algorithm: "hmac-sha256", secret: Buffer.from("k".repeat(32)).toString("base64") }
  let stage: Stage
  let knot: Awaited<ReturnType<typeof startKeyedKnot>>
  let origin: Bun.Server<undefined>
  let ada: Person
  let application = ""
  let dns = ""

  beforeAll(async () => {
    origin = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("here\n") })
    stage = await startStage({
      zones: ["customer.test", "manual.test"],
      prepare: async (lab, address) => {
        // Stands in for the name whose servers answer with the address that asked them.
        await lab.publish("both", mirror, "TXT", before)
        dns = `${address}:${await freePort(address)}`
        return {
          FREEHOLD_BASE_DOMAIN: base,
          FREEHOLD_DNS_LISTEN: dns,
          FREEHOLD_DNS_RECURSIVES: "none",
          FREEHOLD_DRIFT_INTERVAL: "1s",
          FREEHOLD_ADDRESS_INTERVAL: "1s",
          FREEHOLD_ADDRESS_MIRROR: mirror,
        }
      },
    })
    const at = stage.dns.spareAddress(30)
    knot = await startKeyedKnot({ zones: ["keyed.test"], keys: [account], updatable: ["keyed.test"], at: { address: at, port: 53 } })
    await stage.dns.delegate("add", "keyed.test", "NS", "ns.keyed.test.")
    await stage.dns.delegate("add", "ns.keyed.test", "A", at)
    ada = await stage.house.login()
    application = (
      await ada.send<{ id: string }>("POST", "/v1/applications", { name: "Acme", origin_url: `http://127.0.0.1:${origin.port}` })
    ).id
    const token = [at, account.name, account.algorithm, account.secret].join(";")
    await ada.send("POST", `/v1/applications/${application}/credentials`, { provider: "rfc2136", token })
  }, 120_000)
  afterAll(async () => {
    await stage?.stop()
    await knot?.stop()
    await origin?.stop(true)
  })

  const create = (hostname: string) => ada.send<Connection>("POST", "/v1/connections", { application_id: application, hostname })
  const get = (id: string) => ada.send<Connection>("GET", `/v1/connections/${id}`)
  const becomes = async (id: string, what: string, isSo: (connection: Connection) => boolean) => {
    let last: Connection | undefined
    await waitUntil(async () => isSo((last = await get(id))), {
      what: `the connection to be ${what}`,
      limitMs: 60_000,
      everyMs: 200,
    }).catch((error: unknown) => {
      throw new Error(`${String(error)}; last seen: ${JSON.stringify(last)}\n${stage.house.output()}`)
    })
    return last!
  }
  const timeline = async (id: string) => (await ada.ask("GET", `/v1/connections/${id}/timeline`)).text
  const ingress = async () => {
    const [host = "", port = ""] = dns.split(":")
    return (await runProgram(["kdig", `@${host}`, "-p", port, "+short", `ingress.${base}`, "A"])).out.trim()
  }
  const lead = async (name: string, from: string | undefined, to: string) => {
    if (from !== undefined) await stage.dns.remove("both", name, "A", from)
    await stage.dns.publish("both", name, "A", to)
  }
  let written: Connection
  let byHand: Connection

  test("it is found, served, and what hostnames are told to lead to", async () => {
    await waitUntil(async () => (await ingress()) === before, { what: "the zone to have the address", limitMs: 30_000 })
    written = await create("keyed.test")
    byHand = await create("manual.test")
    expect(byHand.desired_records).toMatchObject([{ host: "manual.test", type: "A", value: before }])
    await lead("manual.test", undefined, before)
    await stage.dns.publish("both", byHand.ownership_challenge.name, "TXT", byHand.ownership_challenge.value)
    for (const { id } of [written, byHand]) await becomes(id, "live", ({ state }) => state === "live")
    expect(await knot.ask("keyed.test", "A")).toEqual([before])
  }, 90_000)

  test("when it changes, our zone and the records that we can write follow, and nobody is blamed", async () => {
    await stage.dns.remove("both", mirror, "TXT")
    await stage.dns.publish("both", mirror, "TXT", after)
    await waitUntil(async () => (await ingress()) === after, { what: "the zone to have the new address", limitMs: 30_000 })
    await waitUntil(async () => (await knot.ask("keyed.test", "A")).join() === after, { what: "the record to follow", limitMs: 30_000 })
    const told = await becomes(byHand.id, "told", ({ error_code }) => error_code === "address_changed")
    expect(told.state).toBe("live")
    expect(told.error_detail).toMatch(
      /^our address changed at \d{4}-\d\d-\d\d \d\d:\d\d UTC: change the A record of manual\.test from 81\.2\.69\.10 to 81\.2\.69\.20$/,
    )
    expect(told.desired_records).toMatchObject([{ value: after }])
    await becomes(written.id, "well", ({ state, error_code }) => state === "live" && error_code === null)
    expect(await timeline(written.id)).toContain(`our address changed, and the records with it: keyed.test A from ${before} to ${after}`)
    const { attention } = await ada.send<{ attention: { kind: string; subject: { name: string } }[] }>("GET", "/api/overview")
    expect(attention.map(({ kind, subject }) => `${kind} ${subject.name}`).sort()).toEqual([
      "address_changed Public address",
      "connection_address manual.test",
    ])
    // Some rounds of looking later, and after a restart.
    await stage.house.restart()
    ada = await stage.house.login()
    await stage.house.said("freehold is up")
    const checked = await get(byHand.id)
    expect([checked.state, checked.error_code]).toEqual(["live", "address_changed"])
    expect(await ingress()).toBe(after)
    for (const { id } of [written, byHand]) expect(await timeline(id)).not.toContain("domain.drift")
  }, 120_000)

  test("whoever follows is well again, and whoever leads the name elsewhere has drifted", async () => {
    await lead("manual.test", before, after)
    await becomes(byHand.id, "well", ({ state, error_code }) => state === "live" && error_code === null)
    expect(await timeline(byHand.id)).not.toContain("domain.drift")
    await lead("manual.test", after, elsewhere)
    await becomes(byHand.id, "drifted", ({ state }) => state === "drifted")
    expect(await timeline(byHand.id)).toContain("domain.drift")
  }, 90_000)
})
