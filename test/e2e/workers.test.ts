import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { waitUntil } from "../lab/process"
import type { Mapping, Person } from "./person"
import { type Stage, stageObstacle, startStage } from "./stage"

const obstacle = await stageObstacle({ pebble: true })
const hostname = "app.customer.test"
const visitors = 20

// One story, told in order, with an edge of two threads.
describe.skipIf(obstacle !== undefined)(`two threads of the edge${obstacle ? ` (skipped: ${obstacle})` : ""}`, () => {
  let stage: Stage
  let ada: Person
  let container: string
  let mapping: Mapping
  const application = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("the page") })

  beforeAll(async () => {
    stage = await startStage({
      pebble: true,
      prepare: async () => ({ FREEHOLD_EDGE_WORKERS: "2", FREEHOLD_VERIFY_INTERVAL: "10m" }),
    })
    await stage.point(hostname)
    ada = await stage.house.login()
    container = await ada.external("web", { 8080: application.port ?? 0 })
  })
  afterAll(async () => {
    await stage?.stop()
    await application.stop(true)
  })

  /** Curl's own codes and the statuses of visits over a connection each, so that both threads have some. */
  const visits = async (name: string, args: string[] = []) =>
    (await Promise.all(Array.from({ length: visitors }, () => stage.house.curl(`https://${name}/`, { args })))).map(
      ({ code, status }) => `${code} ${status}`,
    )
  const all = (outcome: string) => Array.from({ length: visitors }, () => outcome)

  test("the log says how many there are", () => {
    expect(stage.house.output()).toContain('"message":"the edge listens","threads":2')
  })

  test("a challenge is answered by whichever thread the authority meets", async () => {
    mapping = await ada.map(hostname, container)
    await stage.dns.publish("both", mapping.verify_name, "TXT", mapping.verify_token)
    expect(await ada.verify(mapping.id)).toEqual({ status: "verified" })
    const { certificate } = await ada.certified(mapping.id)
    expect(certificate?.state).toBe("issued")
    // The first kind that is tried is TLS-ALPN-01, and Pebble asks from three places.
    expect(stage.pebble.output().split("POST /chalZ/").length - 1).toBe(1)
    expect(await visits(hostname)).toEqual(all("0 200"))
  })

  test("a name is live in every thread when the answer says that it is verified, and in none when it is unmapped", async () => {
    for (let round = 0; round < 3; round++) {
      const name = `nas${round}.lan`
      const { id } = await ada.map(name, container)
      expect(await ada.verify(id)).toEqual({ status: "verified" })
      expect(await visits(name, ["--insecure"])).toEqual(all("0 200"))
      await ada.unmap(id)
      expect(await visits(name, ["--insecure"])).toEqual(all("35 0"))
    }
  })

  test("what all threads counted is in the API's answer at once, and every request has its line", async () => {
    type Reply = { rows: { requests: number; statuses: Record<string, number> }[] }
    const traffic = await ada.send<Reply>("GET", `/api/domain-mappings/${mapping.id}/traffic`)
    expect(traffic.rows.reduce((sum, row) => sum + row.requests, 0)).toBe(visitors)
    const lines = () => stage.house.output().split(`"host":"${hostname}","method":"GET"`).length - 1
    await waitUntil(() => lines() === visitors, { what: "the lines of the access log" })
  })

  test("our own API answers through every thread", async () => {
    const name = "net.freehold.localhost"
    const answers = Array.from({ length: visitors }, () => stage.house.curl(`https://${name}/healthz`, { args: ["--insecure"] }))
    for (const { text } of await Promise.all(answers)) expect(JSON.parse(text)).toMatchObject({ status: "ok" })
  })

  test("SIGTERM ends all threads with the last lines of the log written", async () => {
    const last = await Promise.all(Array.from({ length: 4 }, () => stage.house.curl(`https://${hostname}/last`)))
    expect(last.map(({ status }) => status)).toEqual([200, 200, 200, 200])
    expect(await stage.house.end()).toBe(0)
    expect(stage.house.output().split('"path":"/last"').length - 1).toBe(4)
    await stage.house.start()
    expect(await visits(hostname)).toEqual(all("0 200"))
  })

  test("a port that another appliance's threads share is not shared with a second appliance", async () => {
    const { address, ports } = stage.house
    const folder = `${stage.house.home}/second`
    const settings = `data_dir = "${folder}"\nhttps_listen = "${address}:${ports.https}"\nhttp_listen = "${address}:0"\napi_listen = "${address}:0"\nedge_workers = 2\ncontainer_engine = "none"\n`
    await Bun.write(`${folder}.toml`, settings)
    const { code, err } = await stage.house.cli(["serve", "--config", `${folder}.toml`])
    expect([code, err]).toEqual([1, expect.stringContaining(`https_listen ${address}:${ports.https}`)])
  })
})
