import { afterEach, expect, test } from "bun:test"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { House, type HouseOptions, until } from "./house.fixture"
import { answer, type Behaviour, hang, Receiver, TestCa } from "./receiver.fixture"

const minuteMs = 60_000
const cleanups: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function receiver(behave: Behaviour, certificate?: { cert: string; key: string }): Promise<Receiver> {
  const started = await Receiver.start(behave, certificate)
  cleanups.push(() => started.stop())
  return started
}

async function house(options: HouseOptions = {}): Promise<House> {
  const opened = await House.open(options)
  opened.service.start()
  cleanups.push(() => opened.close())
  return opened
}

const urlOf = ({ port }: Receiver) => `http://hooks.test:${port}/in`

/** The signature as the receiver's recipe has it, by another implementation than ours. */
async function opensslSignature(secret: string, text: string): Promise<string> {
  const child = Bun.spawn(["openssl", "dgst", "-sha256", "-hmac", secret, "-hex"], { stdin: Buffer.from(text) })
  return `sha256=${(await new Response(child.stdout).text()).trim().split(" ").at(-1)}`
}

const typeOf = ({ body }: { body: string }) => (JSON.parse(body) as { type: string }).type
const jobOf = ({ body }: { body: string }) => (JSON.parse(body) as { jobId: string }).jobId

test("an event is delivered over TLS, in the envelope, with a signature that the recipe verifies", async () => {
  const ca = new TestCa()
  const target = await receiver(answer(200), await ca.certificate("hooks.test"))
  const ours = await house({ roots: async () => [await ca.rootPem()] })
  const { secret } = await ours.endpoint(`https://hooks.test:${target.port}/in`)
  await ours.happen("job-1", { data: { hostname: "bücher.example" } })
  await until(async () => (await ours.deliveries())[0]?.status === "delivered", "a delivery")
  const [request] = target.received
  const body = JSON.parse(request?.body ?? "")
  const [delivery] = await ours.deliveries()
  expect(body).toEqual({
    id: delivery?.event_id,
    type: "ssl.issued",
    jobId: "job-1",
    data: { hostname: "bücher.example" },
    sent_at: new Date(ours.now).toISOString().replace(".000Z", "Z"),
  })
  const { "x-cd-timestamp": timestamp, "x-cd-signature": signature } = request?.headers ?? {}
  expect(timestamp).toBe(String(ours.now / 1000))
  expect(signature).toBe(await opensslSignature(secret, `${timestamp}.${request?.body}`))
  expect(signature).not.toBe(await opensslSignature(secret, `${timestamp}.${request?.body} `))
})

test("a receiver that fails is tried again after 1, 2, 4, 8, 16 and 32 minutes, signed anew each time, and then given up", async () => {
  const target = await receiver(answer(503))
  const ours = await house()
  const { secret } = await ours.endpoint(urlOf(target))
  await ours.happen("job-1")
  for (const [index, minutes] of [1, 2, 4, 8, 16, 32].entries()) {
    await until(async () => (await ours.deliveries())[0]?.attempts === index + 1, `try ${index + 1}`)
    const [delivery] = await ours.deliveries()
    expect(delivery).toMatchObject({ status: "retrying", last_status: 503, last_error: "the receiver answered 503" })
    expect(Date.parse(delivery?.next_retry_at ?? "")).toBe(ours.now + minutes * minuteMs)
    // A moment before its time nothing is due.
    ours.pass(minutes * minuteMs - 1)
    expect(await ours.due()).toEqual([])
    expect(target.received).toHaveLength(index + 1)
    ours.pass(1)
  }
  await until(async () => (await ours.deliveries())[0]?.status === "failed", "the end of the tries")
  const [delivery] = await ours.deliveries()
  expect(delivery).toMatchObject({ status: "failed", attempts: 7, next_retry_at: null })
  ours.pass(100 * minuteMs)
  expect(await ours.due()).toEqual([])
  expect(target.received).toHaveLength(7)
  expect(new Set(target.received.map(({ headers }) => headers["x-cd-timestamp"])).size).toBe(7)
  expect(new Set(target.received.map(({ body }) => JSON.parse(body).id)).size).toBe(1)
  for (const { headers, body } of target.received)
    expect(headers["x-cd-signature"]).toBe(await opensslSignature(secret, `${headers["x-cd-timestamp"]}.${body}`))
  const { history } = await ours.detail(delivery?.id ?? "")
  expect(history.map(({ status }) => status)).toEqual(Array.from({ length: 7 }, () => 503))
})

test("a receiver that fails three times gets it at the fourth, and the history says how it went", async () => {
  const target = await receiver((socket, request, number) => {
    const behave: Behaviour = number <= 3 ? (it) => void it.end("HTTP/1.1 500 So\r\nContent-Length: 4\r\n\r\nnope") : answer(202)
    behave(socket, request, number)
  })
  const ours = await house()
  await ours.endpoint(urlOf(target))
  await ours.happen("job-1")
  for (const attempts of [1, 2, 3]) {
    await until(async () => (await ours.deliveries())[0]?.attempts === attempts, `try ${attempts}`)
    ours.pass(60 * minuteMs)
  }
  await until(async () => (await ours.deliveries())[0]?.status === "delivered", "a delivery")
  const [delivery] = await ours.deliveries()
  expect(delivery).toMatchObject({ attempts: 4, last_status: 202, last_error: null, next_retry_at: null })
  const { history } = await ours.detail(delivery?.id ?? "")
  expect(history.map(({ status, reply, error }) => [status, reply, error])).toEqual([
    [202, "", null],
    [500, "nope", "the receiver answered 500"],
    [500, "nope", "the receiver answered 500"],
    [500, "nope", "the receiver answered 500"],
  ])
})

test("a receiver that hangs is a failed try that will be repeated", async () => {
  const target = await receiver(hang)
  const ours = await house({ limitMs: 200 })
  await ours.endpoint(urlOf(target))
  await ours.happen("job-1")
  await until(async () => (await ours.deliveries())[0]?.status === "retrying", "a failed try")
  expect((await ours.deliveries())[0]).toMatchObject({ attempts: 1, last_status: null, last_error: "no whole answer within 0.2 s" })
})

test("one receiver that hangs holds up no other, and has no more than its own places", async () => {
  const [hanging, good] = [await receiver(hang), await receiver(answer(200))]
  const ours = await house({ limitMs: 60_000 })
  await ours.endpoint(urlOf(hanging))
  for (let index = 0; index < 50; index++) await ours.happen(`hanging-${index}`)
  await until(() => hanging.open === 4, "four tries under way")
  await ours.endpoint(urlOf(good), { token: "bob" })
  for (let index = 0; index < 50; index++) await ours.happen(`job-${index}`, { personId: "bob" })
  await until(() => good.received.length === 50, "all deliveries to the other")
  expect(hanging.mostOpen).toBe(4)
  expect(good.mostOpen).toBeLessThanOrEqual(4)
})

test("a person whose receivers all hang does not keep another person waiting for a place", async () => {
  const hanging = await receiver(hang)
  const good = await receiver(answer(200))
  const ours = await house({ limitMs: 400 })
  for (let index = 0; index < 20; index++) await ours.endpoint(`${urlOf(hanging)}/${index}`)
  for (let index = 0; index < 20; index++) await ours.happen(`hanging-${index}`)
  await until(() => hanging.open === 32, "every place is taken")
  await ours.endpoint(urlOf(good), { token: "bob" })
  await ours.happen("job", { personId: "bob" })
  await until(() => good.received.length === 1, "the delivery to the other")
  // The first places that came free were his: Ada's 400 have not all been tried, which would have been a turn of 32 after another.
  expect(hanging.received.length).toBeLessThan(200)
  // A receiver may see the next 32 before it has noticed that the last ones hung up.
  expect(hanging.mostOpen).toBeLessThanOrEqual(64)
})

test("events of one connection reach an endpoint in order: none before the one before it was delivered or given up", async () => {
  let isBroken = true
  const target = await receiver((socket, request, number) =>
    (isBroken && jobOf(request) === "job-1" ? answer(500) : answer(200))(socket, request, number),
  )
  const ours = await house()
  await ours.endpoint(urlOf(target))
  await ours.happen("job-1", { type: "domain.verified" })
  await ours.happen("job-1", { type: "ssl.issued" })
  await ours.happen("job-1", { type: "domain.flow.completed" })
  await ours.happen("job-2", { type: "domain.drift" })
  await until(async () => (await ours.deliveries("&job_id=job-2"))[0]?.status === "delivered", "the other connection's event")
  await until(async () => (await ours.deliveries("&status=retrying")).length === 1, "the first try")
  expect(target.received.filter((one) => jobOf(one) === "job-1").map(typeOf)).toEqual(["domain.verified"])
  isBroken = false
  ours.pass(minuteMs)
  await until(async () => (await ours.deliveries("&status=delivered")).length === 4, "all of them")
  expect(target.received.filter((one) => jobOf(one) === "job-1").map(typeOf)).toEqual([
    "domain.verified",
    "domain.verified",
    "ssl.issued",
    "domain.flow.completed",
  ])
})

test("one that was given up lets the next go", async () => {
  const target = await receiver((socket, request, number) =>
    (typeOf(request) === "domain.verified" ? answer(500) : answer(200))(socket, request, number),
  )
  const ours = await house()
  await ours.endpoint(urlOf(target))
  await ours.happen("job-1", { type: "domain.verified" })
  await ours.happen("job-1", { type: "ssl.issued" })
  for (let attempt = 1; attempt <= 6; attempt++) {
    await until(async () => (await ours.deliveries()).some(({ attempts }) => attempts === attempt), `try ${attempt}`)
    expect(target.received.some((one) => typeOf(one) === "ssl.issued")).toBe(false)
    ours.pass(60 * minuteMs)
  }
  await until(async () => (await ours.deliveries("&status=delivered")).length === 1, "the next one")
  expect((await ours.deliveries("&status=failed")).map(({ type }) => type)).toEqual(["domain.verified"])
})

test("fifty connections at once are each delivered once and in order", async () => {
  const target = await receiver((socket, request, number) => void setTimeout(() => answer(200)(socket, request, number), number % 7))
  const ours = await house()
  await ours.endpoint(urlOf(target))
  const jobs = Array.from({ length: 50 }, (_, index) => `job-${index}`)
  const types = ["domain.verified", "ssl.issued", "domain.flow.completed"] as const
  await Promise.all(
    jobs.map(async (job) => {
      for (const type of types) await ours.happen(job, { type })
    }),
  )
  await until(() => target.received.length >= 150, "all of them")
  await until(async () => (await ours.deliveries("&status=pending")).length === 0, "their records")
  expect(target.received).toHaveLength(150)
  expect(target.mostOpen).toBeLessThanOrEqual(4)
  for (const job of jobs) expect(target.received.filter((one) => jobOf(one) === job).map(typeOf)).toEqual([...types])
})

test("what was under way when the process ended is sent again after the next start, and what was delivered is not", async () => {
  const folder = await mkdtemp(join(tmpdir(), "freehold-webhooks-"))
  cleanups.push(() => rm(folder, { recursive: true }))
  const target = await receiver((socket, request, number) =>
    (jobOf(request) === "slow" && number < 3 ? hang : answer(200))(socket, request, number),
  )
  const ours = await house({ path: join(folder, "store.db") })
  await ours.endpoint(urlOf(target))
  await ours.happen("quick")
  await until(async () => (await ours.deliveries("&status=delivered")).length === 1, "the first")
  await ours.happen("slow")
  await until(() => target.received.length === 2, "the second under way")
  await ours.service.stop()
  expect((await ours.deliveries("&job_id=slow"))[0]).toMatchObject({ status: "pending", attempts: 0 })
  ours.assemble()
  ours.service.start()
  await until(async () => (await ours.deliveries("&status=delivered")).length === 2, "the second")
  expect(target.received.map(jobOf)).toEqual(["quick", "slow", "slow"])
})

test("a replay is a new series of the same event, with a new timestamp", async () => {
  let isBroken = true
  const target = await receiver((...call) => (isBroken ? answer(500) : answer(200))(...call))
  const ours = await house()
  await ours.endpoint(urlOf(target))
  await ours.happen("job-1")
  for (let attempt = 1; attempt <= 7; attempt++) {
    await until(async () => (await ours.deliveries())[0]?.attempts === attempt, `try ${attempt}`)
    ours.pass(60 * minuteMs)
  }
  const [failed] = await ours.deliveries("&status=failed")
  isBroken = false
  const { status, json } = await ours.send("POST", `/webhook-deliveries/${failed?.id}/replay`)
  expect([status, json.status, json.attempts, json.event_id]).toEqual([202, "pending", 0, failed?.event_id])
  await until(async () => (await ours.deliveries())[0]?.status === "delivered", "the replay")
  const [first, last] = [target.received[0], target.received.at(-1)]
  expect(JSON.parse(last?.body ?? "").id).toBe(JSON.parse(first?.body ?? "").id)
  expect(Number(last?.headers["x-cd-timestamp"])).toBeGreaterThan(Number(first?.headers["x-cd-timestamp"]))
  expect((await ours.detail(failed?.id ?? "")).history).toHaveLength(8)
})

test("a replay that was asked for while a try was under way is sent, whatever became of that try", async () => {
  const waiting: (() => void)[] = []
  const target = await receiver((socket, request, number) => void waiting.push(() => answer(200)(socket, request, number)))
  const ours = await house()
  await ours.endpoint(urlOf(target))
  await ours.happen("job-1")
  await until(() => waiting.length === 1, "the first try")
  const [delivery] = await ours.deliveries()
  await ours.send("POST", `/webhook-deliveries/${delivery?.id}/replay`)
  waiting.shift()?.()
  await until(() => waiting.length === 1, "the replay")
  expect(await ours.deliveries()).toMatchObject([{ status: "pending", attempts: 0 }])
  waiting.shift()?.()
  await until(async () => (await ours.deliveries())[0]?.status === "delivered", "its delivery")
})

test("a disabled endpoint is sent nothing, and gets what waited for it when it is enabled again", async () => {
  const target = await receiver(answer(500))
  const ours = await house()
  const { id } = await ours.endpoint(urlOf(target))
  await ours.happen("job-1")
  await until(async () => (await ours.deliveries())[0]?.attempts === 1, "the first try")
  await ours.send("PATCH", `/webhook-endpoints/${id}`, { body: { disabled: true } })
  await ours.happen("job-2")
  expect(await ours.deliveries()).toHaveLength(1)
  ours.pass(60 * minuteMs)
  expect(await ours.due()).toEqual([])
  target.behave = answer(200)
  await ours.send("PATCH", `/webhook-endpoints/${id}`, { body: { disabled: false } })
  await until(async () => (await ours.deliveries())[0]?.status === "delivered", "what waited")
  expect(target.received).toHaveLength(2)
})

test("an endpoint that is deleted in the middle of a try leaves nothing behind", async () => {
  const waiting: (() => void)[] = []
  const target = await receiver((socket, request, number) => void waiting.push(() => answer(200)(socket, request, number)))
  const ours = await house()
  const { id } = await ours.endpoint(urlOf(target))
  await ours.happen("job-1")
  await until(() => waiting.length === 1, "the try")
  expect((await ours.send("DELETE", `/webhook-endpoints/${id}`)).status).toBe(204)
  waiting.shift()?.()
  await until(() => target.open === 0, "its end")
  await ours.service.stop()
  await ours.service.sweep(new AbortController().signal)
  for (const table of ["webhookEndpoints", "webhookEvents", "webhookDeliveries", "webhookAttempts"] as const)
    expect(await ours.db.selectFrom(table).selectAll().execute()).toEqual([])
})

test("an address that is private only later is refused at the next try", async () => {
  const target = await receiver(answer(500))
  const ours = await house()
  await ours.endpoint(urlOf(target))
  await ours.happen("job-1")
  await until(async () => (await ours.deliveries())[0]?.attempts === 1, "the first try")
  ours.allow.length = 0
  ours.pass(minuteMs)
  await until(async () => (await ours.deliveries())[0]?.attempts === 2, "the second try")
  const [delivery] = await ours.deliveries()
  expect(delivery?.last_error).toStartWith("hooks.test leads to a loopback address")
  expect(target.received).toHaveLength(1)
})

test("a secret that does not open is said, and is cured by a new one", async () => {
  const target = await receiver(answer(200))
  const ours = await house()
  const { id } = await ours.endpoint(urlOf(target))
  await ours.db.updateTable("webhookEndpoints").set({ sealedSecret: "00000000.AAAA" }).execute()
  await ours.happen("job-1")
  await until(async () => (await ours.deliveries())[0]?.attempts === 1, "the first try")
  expect((await ours.deliveries())[0]?.last_error).toStartWith("the signing secret cannot be read")
  const { json } = await ours.send("POST", `/webhook-endpoints/${id}/rotate-secret`)
  ours.pass(minuteMs)
  await until(() => target.received.length === 1, "the delivery")
  const { headers, body } = target.received[0] ?? { headers: {} as Record<string, string>, body: "" }
  expect(headers["x-cd-signature"]).toBe(await opensslSignature(json.signing_secret, `${headers["x-cd-timestamp"]}.${body}`))
})
