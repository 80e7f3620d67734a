import { afterEach, expect, test } from "bun:test"
import { House, type HouseOptions, until } from "./house.fixture"
import { eventTypes } from "./model"
import { answer, Receiver } from "./receiver.fixture"

const cleanups: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function house(options: HouseOptions = {}): Promise<House> {
  const opened = await House.open(options)
  cleanups.push(() => opened.close())
  return opened
}

const url = "https://hooks.test/in"
const somebody = "https://203.0.113.9/"

test("an endpoint is made, shown, changed and removed; its secret is shown once and kept sealed", async () => {
  const ours = await house()
  const made = await ours.send("POST", "/webhook-endpoints", { body: { url, events: ["ssl.issued", "domain.drift", "ssl.issued"] } })
  expect(made.status).toBe(201)
  const { signing_secret: secret, ...shown } = made.json
  expect(secret).toMatch(/^whsec_[\w-]{43}$/)
  const { id } = shown
  expect(shown).toEqual({
    id: expect.stringMatching(/^[0-9a-f-]{36}$/),
    url,
    events: ["ssl.issued", "domain.drift"],
    environment: "live",
    disabled: false,
    created_at: "2026-09-21T14:13:20Z",
  })
  const kept = await ours.db.selectFrom("webhookEndpoints").selectAll().executeTakeFirstOrThrow()
  expect(JSON.stringify(kept)).not.toInclude(secret)
  expect(ours.vault.open(kept.sealedSecret, `webhook_endpoints/${id}`)).toBe(secret)

  expect(await ours.send("GET", `/webhook-endpoints/${id}`)).toEqual({ status: 200, json: shown })
  expect((await ours.send("GET", "/webhook-endpoints")).json).toEqual({ data: [shown], next_cursor: null })
  const changed = await ours.send("PATCH", `/webhook-endpoints/${id}`, {
    body: { url: "https://hooks.test:8443/b", events: [], disabled: true },
  })
  expect(changed).toEqual({ status: 200, json: { ...shown, url: "https://hooks.test:8443/b", events: [], disabled: true } })
  const rotated = await ours.send("POST", `/webhook-endpoints/${id}/rotate-secret`)
  expect(rotated.status).toBe(200)
  expect(rotated.json.signing_secret).toMatch(/^whsec_/)
  expect(rotated.json.signing_secret).not.toBe(secret)
  expect(await ours.send("DELETE", `/webhook-endpoints/${id}`)).toEqual({ status: 204, json: undefined })
  expect((await ours.send("GET", "/webhook-endpoints")).json.data).toEqual([])
})

test.each<[unknown, string]>([
  ["[]", "the body must be a JSON object"],
  ["{", "the body must be a JSON object"],
  [{}, "url is required"],
  [{ url: 7 }, "url must be a URL such as https://example.com/hooks"],
  [{ url: "hooks" }, "url must be a URL such as https://example.com/hooks"],
  [{ url: "ftp://hooks.test/" }, "url must begin with https://"],
  [{ url: "file:///etc/passwd" }, "url must begin with https://"],
  [{ url: "https://ada:secret@hooks.test/" }, "url must not carry a user name or password"],
  [{ url: "https://hooks.test/#a" }, "url must not have a fragment"],
  [{ url: "https://hooks.test:0/" }, "url must not name port 0"],
  [{ url: `https://hooks.test/${"a".repeat(2048)}` }, "url is longer than 2048 characters"],
  [{ url: somebody }, "url: 203.0.113.9 is an address of documentation, which is refused unless FREEHOLD_WEBHOOK_ALLOW covers it"],
  [{ url, events: "ssl.issued" }, 'events must be a list such as ["ssl.issued"]; an empty one stands for all'],
  [{ url, events: ["ssl.issued", "ssl.lost", 7] }, `events: "ssl.lost", 7 is not known; there are ${eventTypes.join(", ")}`],
  [{ url, environment: "prod" }, "environment must be test or live"],
])("%p is refused: %p", async (body, message) => {
  const ours = await house()
  const { status, json } = await ours.send("POST", "/webhook-endpoints", { body })
  expect([status, json]).toEqual([400, { error: { code: "invalid", message, details: null } }])
  expect(await ours.db.selectFrom("webhookEndpoints").selectAll().execute()).toEqual([])
})

test("a change that is refused changes nothing", async () => {
  const ours = await house()
  const { id } = await ours.endpoint(url, { events: ["ssl.issued"] })
  const before = (await ours.send("GET", `/webhook-endpoints/${id}`)).json
  for (const body of [{}, { disabled: 1 }, { events: ["x"], disabled: true }, { url: somebody, disabled: true }])
    expect((await ours.send("PATCH", `/webhook-endpoints/${id}`, { body })).status).toBe(400)
  expect((await ours.send("GET", `/webhook-endpoints/${id}`)).json).toEqual(before)
})

test("a name that leads to somewhere private is refused at once, and one without an address yet is taken", async () => {
  const closed = await house({ allow: [] })
  const { status, json } = await closed.send("POST", "/webhook-endpoints", { body: { url } })
  expect([status, json.error.message]).toEqual([
    400,
    "url: hooks.test leads to a loopback address, which is refused unless FREEHOLD_WEBHOOK_ALLOW covers it",
  ])
  const unknown = await house({ allow: [], addresses: [] })
  expect((await unknown.send("POST", "/webhook-endpoints", { body: { url } })).status).toBe(201)
})

test("nobody gets anywhere without the scope, and with another's credentials everything is missing", async () => {
  const target = await Receiver.start(answer(200))
  cleanups.push(() => target.stop())
  const ours = await house()
  ours.service.start()
  const { id } = await ours.endpoint(`http://hooks.test:${target.port}/`)
  await ours.happen("job-1")
  await until(async () => (await ours.deliveries())[0]?.status === "delivered", "a delivery")
  const delivery = (await ours.deliveries())[0]?.id
  const doors: [string, string, unknown?][] = [
    ["GET", `/webhook-endpoints/${id}`],
    ["PATCH", `/webhook-endpoints/${id}`, { disabled: true }],
    ["POST", `/webhook-endpoints/${id}/test`],
    ["POST", `/webhook-endpoints/${id}/rotate-secret`],
    ["DELETE", `/webhook-endpoints/${id}`],
    ["GET", `/webhook-deliveries/${delivery}`],
    ["POST", `/webhook-deliveries/${delivery}/replay`],
  ]
  const wide: [string, string, unknown?][] = [
    ["GET", "/webhook-endpoints"],
    ["POST", "/webhook-endpoints", { url }],
    ["GET", "/webhook-deliveries"],
  ]
  const before = JSON.stringify(await ours.db.selectFrom("webhookEndpoints").selectAll().execute())
  for (const [method, path, body] of [...doors, ...wide]) {
    expect((await ours.send(method, path, { token: "", body })).status).toBe(401)
    const denied = await ours.send(method, path, { token: "reader", body })
    expect([denied.status, denied.json.error.message]).toEqual([403, "the key holds none of webhooks:write, apps:admin"])
  }
  for (const [method, path, body] of doors) {
    for (const token of ["bob", "ada_test"]) expect((await ours.send(method, path, { token, body })).status).toBe(404)
    expect((await ours.send(method, path.replace(/[0-9a-f-]{36}/, crypto.randomUUID()), { body })).status).toBe(404)
  }
  for (const token of ["bob", "ada_test"]) {
    expect((await ours.send("GET", "/webhook-endpoints", { token })).json.data).toEqual([])
    expect(await ours.deliveries("", token)).toEqual([])
  }
  expect(await ours.deliveries("", "ada_live")).toHaveLength(1)
  expect(JSON.stringify(await ours.db.selectFrom("webhookEndpoints").selectAll().execute())).toBe(before)
  expect(target.received).toHaveLength(1)
})

test("a key makes endpoints of its own environment, a session of either", async () => {
  const ours = await house()
  const make = (token: string, environment?: string) => ours.send("POST", "/webhook-endpoints", { token, body: { url, environment } })
  expect((await make("ada_test")).json.environment).toBe("test")
  expect((await make("ada", "test")).json.environment).toBe("test")
  expect((await make("ada")).json.environment).toBe("live")
  const wrong = await make("ada_test", "live")
  expect([wrong.status, wrong.json.error.message]).toEqual([400, "environment must be test, as that of the API key"])
})

test("an event goes to the endpoints that asked for its type or for all, of its person and environment", async () => {
  const ours = await house()
  const all = await ours.endpoint(url, { events: [] })
  const one = await ours.endpoint(url, { events: ["ssl.issued"] })
  await ours.endpoint(url, { events: ["domain.drift"] })
  await ours.endpoint(url, { token: "bob" })
  await ours.endpoint(url, { token: "ada_test" })
  await ours.happen("job-1", { type: "ssl.issued" })
  expect((await ours.deliveries()).map(({ endpoint_id: id }) => id).sort()).toEqual([all.id, one.id].sort())
  for (const type of eventTypes) await ours.happen("job-2", { type })
  expect(await ours.deliveries(`&endpoint_id=${all.id}&job_id=job-2`)).toHaveLength(eventTypes.length)
  expect((await ours.deliveries(`&endpoint_id=${one.id}&job_id=job-2`)).map(({ type }) => type)).toEqual(["ssl.issued"])
  expect(await ours.deliveries("", "bob")).toEqual([])
})

test("an event that nobody asked for leaves nothing in the store", async () => {
  const ours = await house()
  await ours.endpoint(url, { events: ["domain.drift"] })
  await ours.happen("job-1", { type: "ssl.issued" })
  expect(await ours.db.selectFrom("webhookEvents").selectAll().execute()).toEqual([])
})

test("an event is there when its transaction was committed, and not when it was not", async () => {
  const ours = await house()
  await ours.endpoint(url)
  const event = { personId: "ada", environment: "live", type: "ssl.issued", jobId: "job-1", data: {}, at: ours.now } as const
  const failing = ours.db.transaction().execute(async (db) => {
    expect(await ours.service.enqueue(db, event)).toBe(1)
    throw new Error("the change did not come about")
  })
  await expect(failing).rejects.toThrow("did not come about")
  expect(await ours.deliveries()).toEqual([])
  expect(await ours.db.selectFrom("webhookEvents").selectAll().execute()).toEqual([])
})

test("deliveries are shown the newest first, by filter, in pages that hold under inserts", async () => {
  const ours = await house()
  const { id } = await ours.endpoint(url)
  for (let index = 0; index < 5; index++) {
    await ours.happen(`job-${index}`)
    ours.now += 1000
  }
  const page = async (query: string) => (await ours.send("GET", `/webhook-deliveries?limit=2${query}`)).json
  const jobs = (data: { job_id: string }[]) => data.map(({ job_id: job }) => job)
  const first = await page("")
  expect(jobs(first.data)).toEqual(["job-4", "job-3"])
  await ours.happen("job-5")
  const second = await page(`&cursor=${first.next_cursor}`)
  expect(jobs(second.data)).toEqual(["job-2", "job-1"])
  const last = await page(`&cursor=${second.next_cursor}`)
  expect([jobs(last.data), last.next_cursor]).toEqual([["job-0"], null])
  expect(await ours.deliveries("&status=pending")).toHaveLength(6)
  expect(await ours.deliveries("&status=failed")).toEqual([])
  expect(jobs((await ours.deliveries("&job_id=job-3")) as { job_id: string }[])).toEqual(["job-3"])
  expect(await ours.deliveries(`&endpoint_id=${id}`)).toHaveLength(6)
  for (const query of ["status=sent", "limit=0", "cursor=x"])
    expect((await ours.send("GET", `/webhook-deliveries?${query}`)).status).toBe(400)
})

test("endpoints come in pages, and a person has no more than fifty, also when many are made at once", async () => {
  const ours = await house()
  const made = await Promise.all(Array.from({ length: 55 }, () => ours.send("POST", "/webhook-endpoints", { body: { url } })))
  expect(made.filter(({ status }) => status === 201)).toHaveLength(50)
  const refused = made.filter(({ status }) => status === 409)
  expect(refused.map(({ json }) => json.error.message)).toEqual(Array.from({ length: 5 }, () => "no more than 50 webhook endpoints"))
  expect((await ours.send("POST", "/webhook-endpoints", { token: "bob", body: { url } })).status).toBe(201)
  const seen = new Set<string>()
  for (let cursor: string | null = ""; cursor !== null;) {
    const { json } = await ours.send("GET", `/webhook-endpoints?limit=20${cursor === "" ? "" : `&cursor=${cursor}`}`)
    for (const { id } of json.data) seen.add(id)
    cursor = json.next_cursor
  }
  expect(seen.size).toBe(50)
})

test("a test event goes to the one endpoint, whatever it asked for", async () => {
  const target = await Receiver.start(answer(200))
  cleanups.push(() => target.stop())
  const ours = await house()
  ours.service.start()
  const { id } = await ours.endpoint(`http://hooks.test:${target.port}/`, { events: ["domain.drift"] })
  await ours.endpoint(`http://hooks.test:${target.port}/other`)
  const { status, json } = await ours.send("POST", `/webhook-endpoints/${id}/test`)
  expect([status, json.type, json.endpoint_id, json.job_id]).toEqual([202, "webhook.test", id, null])
  await until(async () => (await ours.deliveries("&status=delivered")).length === 1, "its delivery")
  expect(target.received.map(({ line }) => line)).toEqual(["POST / HTTP/1.1"])
  expect(JSON.parse(target.received[0]?.body ?? "")).toMatchObject({ type: "webhook.test", jobId: null, data: {} })
})

test("no more than ten test events wait, and a disabled endpoint gets neither tests nor replays", async () => {
  const ours = await house()
  const { id } = await ours.endpoint(url)
  const tests = await Promise.all(Array.from({ length: 12 }, () => ours.send("POST", `/webhook-endpoints/${id}/test`)))
  expect(tests.map(({ status }) => status).sort()).toEqual([...Array.from({ length: 10 }, () => 202), 409, 409])
  await ours.send("PATCH", `/webhook-endpoints/${id}`, { body: { disabled: true } })
  const [delivery] = await ours.deliveries()
  for (const path of [`/webhook-endpoints/${id}/test`, `/webhook-deliveries/${delivery?.id}/replay`]) {
    const { status, json } = await ours.send("POST", path)
    expect([status, json.error.message]).toEqual([409, "the webhook endpoint is disabled"])
  }
})

test("deliveries go after thirty days, and beyond the thousand of an endpoint the finished go before the unsent", async () => {
  const ours = await house()
  const { id } = await ours.endpoint(url)
  const { id: otherId } = await ours.endpoint(url, { events: ["domain.drift"] })
  await ours.happen("old", { type: "domain.drift" })
  ours.now += 31 * 86_400_000
  for (let index = 0; index < 1003; index++) await ours.happen(`job-${index}`, { at: ours.now + index })
  // The newest are delivered, and five of the oldest are not.
  await ours.db
    .updateTable("webhookDeliveries")
    .set({ status: "delivered", nextAttemptAt: null })
    .where("createdAt", ">=", ours.now + 5)
    .execute()
  await ours.service.sweep(new AbortController().signal)
  expect(await ours.deliveries(`&endpoint_id=${otherId}`)).toEqual([])
  const kept = await ours.db.selectFrom("webhookDeliveries").select("jobId").where("endpointId", "=", id).orderBy("seq").execute()
  expect(kept).toHaveLength(1000)
  expect(kept.slice(0, 6).map(({ jobId }) => jobId)).toEqual(["job-0", "job-1", "job-2", "job-3", "job-4", "job-8"])
  expect(await ours.db.selectFrom("webhookEvents").select("id").execute()).toHaveLength(1000)
})

test("the history of a delivery is bounded, and goes with its person", async () => {
  const target = await Receiver.start(answer(500))
  cleanups.push(() => target.stop())
  const ours = await house()
  ours.service.start()
  await ours.endpoint(`http://hooks.test:${target.port}/`)
  await ours.happen("job-1")
  const [delivery] = await ours.deliveries()
  for (let count = 1; count <= 28; count++) {
    await until(() => target.received.length === count, `try ${count}`)
    await until(async () => (await ours.deliveries())[0]?.attempts === 1, "its record")
    await ours.send("POST", `/webhook-deliveries/${delivery?.id}/replay`)
  }
  await until(() => target.received.length === 29, "the last try")
  expect((await ours.detail(delivery?.id ?? "")).history.length).toBeLessThanOrEqual(25)
  await ours.service.stop()
  await ours.db.deleteFrom("people").where("id", "=", "ada").execute()
  for (const table of ["webhookEndpoints", "webhookEvents", "webhookDeliveries", "webhookAttempts"] as const)
    expect(await ours.db.selectFrom(table).selectAll().execute()).toEqual([])
})
