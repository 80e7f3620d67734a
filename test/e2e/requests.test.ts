import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { waitUntil } from "../lab/process"
import { binary } from "./appliance"
import type { Mapping, Person } from "./person"
import { type Stage, stageObstacle, startStage } from "./stage"

const obstacle = await stageObstacle({ pebble: true })
const shop = "shop.customer.test"

type Entry = { host: string; path: string; status: number; client: string; failure: string | null }
type Connection = {
  id: string
  state: string
  ownership_challenge: { name: string; value: string }
  desired_records: Record<string, string>[]
}
type Rows = { rows: { requests: number }[] }

/** A program of the binary that goes on until it is ended, and what it has said. */
async function follow(args: string[], environment: Record<string, string>) {
  const child = Bun.spawn([await binary(), ...args], {
    env: { PATH: process.env.PATH ?? "", ...environment },
    stdout: "pipe",
    stderr: "pipe",
  })
  const said = { out: "", err: "" }
  const read = async (stream: ReadableStream<Uint8Array>, into: "out" | "err") => {
    for await (const text of stream.pipeThrough(new TextDecoderStream() as never) as unknown as AsyncIterable<string>) said[into] += text
  }
  void read(child.stdout, "out")
  void read(child.stderr, "err")
  return { child, said }
}

// One story, told in order, with an edge of two threads.
describe.skipIf(obstacle !== undefined)(`requests live, and traffic of connections${obstacle ? ` (skipped: ${obstacle})` : ""}`, () => {
  let stage: Stage
  let ada: Person
  let bob: Person
  let mapping: Mapping
  let connection: Connection
  let environment: Record<string, string>
  const application = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("the page") })
  const visit = (name: string, path = "/") => stage.house.curl(`https://${name}${path}`, { args: ["--insecure"] })
  const visits = (name: string, count: number) => Promise.all(Array.from({ length: count }, (_, n) => visit(name, `/${n}?token=s3cret`)))

  beforeAll(async () => {
    stage = await startStage({
      pebble: true,
      prepare: async (_, address) => ({ FREEHOLD_EDGE_WORKERS: "2", FREEHOLD_PUBLIC_IPV4: address }),
    })
    ada = await stage.house.login()
    const password = "another-person-1"
    const { link } = await ada.send<{ link: string }>("POST", "/admin/users", { username: "bob", display_name: "Bob" })
    await ada.send("POST", link, { password })
    bob = await stage.house.login({ username: "bob", password })
    environment = { FREEHOLD_SERVER: stage.house.url, FREEHOLD_TOKEN: ada.token, HOME: stage.house.home }
    mapping = await ada.map("nas.lan", await ada.external("web", { 8080: application.port ?? 0 }))
    await ada.verify(mapping.id)
  }, 120_000)
  afterAll(async () => {
    await stage?.stop()
    await application.stop(true)
  })

  test("a connection is counted by the minute, in its own answer, in the list's and in the overview", async () => {
    const { id } = await ada.send<{ id: string }>("POST", "/v1/applications", {
      name: "Shop",
      origin_url: `http://127.0.0.1:${application.port}`,
    })
    connection = await ada.send<Connection>("POST", "/v1/connections", { application_id: id, hostname: shop })
    const { name, value } = connection.ownership_challenge
    await stage.dns.publish("both", name, "TXT", value)
    await stage.point(shop)
    await ada.send("POST", `/v1/connections/${connection.id}/verify`)
    expect((await visits(shop, 10)).map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 200))
    const at = `/v1/connections/${connection.id}/traffic`
    const traffic = await ada.send<Rows & { hostname: string }>("GET", at)
    expect([traffic.hostname, traffic.rows.reduce((sum, { requests }) => sum + requests, 0)]).toEqual([shop, 10])
    expect((await bob.ask("GET", at)).status).toBe(404)
    // The minute is written a moment after its end.
    type Top = { traffic: { requests: number; top: { id: string; kind: string; domain: string }[] } }
    let overview: Top | undefined
    await waitUntil(
      async () => {
        overview = await ada.send<Top>("GET", "/api/overview")
        return overview.traffic.requests > 0
      },
      { limitMs: 90_000, everyMs: 500, what: "the minute to be in the overview" },
    )
    expect(overview?.traffic.top).toMatchObject([{ id: connection.id, kind: "connection", domain: shop, requests: 10 }])
    const { data } = await ada.send<{ data: { id: string; requests: number[] }[] }>("GET", "/v1/connection-traffic")
    expect(data.map((one) => [one.id, one.requests.reduce((sum, each) => sum + each, 0)])).toEqual([[connection.id, 10]])
  }, 120_000)

  test("the command line watches a hostname over both threads, a line of JSON each, until it is interrupted", async () => {
    const { child, said } = await follow(["mappings", "watch", "nas.lan", "--json"], environment)
    const told = () =>
      said.out
        .trim()
        .split("\n")
        .filter(Boolean)
        .map((line) => JSON.parse(line) as Entry)
    // Nothing says when it is ready but the first that is told.
    await waitUntil(async () => (await visit("nas.lan", "/first")) && told().length > 0, {
      everyMs: 300,
      what: "the first request to be told",
    })
    const before = told().length
    await visits("nas.lan", 20)
    await visits(shop, 1)
    await waitUntil(() => told().length >= before + 20, { what: "20 requests to be told" })
    const paths = told()
      .map(({ path }) => path)
      .filter((path) => path !== "/first")
    expect(paths.sort()).toEqual(Array.from({ length: 20 }, (_, n) => `/${n}?token=…`).sort())
    expect(new Set(told().map(({ host, status, failure }) => `${host} ${status} ${failure}`))).toEqual(new Set(["nas.lan 200 null"]))
    expect(said.out).not.toContain("s3cret")
    child.kill("SIGINT")
    await child.exited
    expect(said.err).toBe("")
  })

  test("a connection is watched too, a thing of another's is not, and what failed is said in words", async () => {
    expect((await bob.ask("GET", `/api/domain-mappings/${mapping.id}/requests`)).status).toBe(404)
    expect((await bob.ask("GET", `/v1/connections/${connection.id}/requests`)).status).toBe(404)
    const { child, said } = await follow(["connections", "watch", shop], environment)
    await waitUntil(() => said.err.includes(`watching ${shop}`), { what: "the watch" })
    await ada.send("PATCH", `/v1/connections/${connection.id}`, { origin_url: "http://127.0.0.1:9" })
    await visit(shop, "/down")
    await waitUntil(() => said.out.includes("/down"), { what: "the request to be told" })
    expect(said.out).toMatch(
      / {2}502 {2}GET {2}shop\.customer\.test\/down {2}.*The application of this hostname did not accept the connection\.\n$/,
    )
    child.kill("SIGINT")
    await child.exited
  })
})
