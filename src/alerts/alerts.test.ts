import { afterEach, beforeEach, expect, test } from "bun:test"
import { mkdtemp, readFile, rm } from "node:fs/promises"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { rootCertificates } from "node:tls"
import { join } from "node:path"
import { SMTPServer } from "smtp-server"
import { Elysia } from "elysia"
import { type Db, openDatabase } from "../db/open"
import { AppError } from "../errors"
import { renderError } from "../http/errors"
import { createLog, silentLog } from "../log"
import { type Condition, maxEntries, type Notice, noticeOf, type Receiver, type ReceiverName } from "./model"
import { mailReceiver, ntfyReceiver, webhookReceiver } from "./receivers"
import { alertRoutes } from "./routes"
import { Alerts, type AlertsNeeds } from "./service"
import { AlertStore } from "./store"
import { textOf, titleOf } from "./words"

const minuteMs = 60_000
const undo: (() => unknown)[] = []
const signal = () => new AbortController().signal
let db: Db
let clock: number
let now: Condition[]
let told: Notice[]
let refusing: string | undefined
let lines: string[]

beforeEach(async () => {
  db = await openDatabase(":memory:")
  ;[clock, now, told, refusing, lines] = [Date.UTC(2026, 10, 30), [], [], undefined, []]
})
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

const full: Condition = {
  kind: "disk_full",
  severity: "bad",
  subject: "Disk",
  since: null,
  reason: "the disk is full",
  step: "Delete something.",
}
const late: Condition = { kind: "backup_overdue", severity: "warn", subject: "Backup", since: 1, reason: "it is late", step: "Back up." }

const receiver = (name: ReceiverName = "webhook"): Receiver => ({
  name,
  send: async (notice) => {
    if (refusing !== undefined) throw new Error(refusing)
    told.push(notice)
  },
})

const open = (change: Partial<AlertsNeeds> = {}) =>
  new Alerts({
    store: new AlertStore(db),
    house: "cloud.test",
    conditions: async () => now,
    receivers: () => [receiver()],
    log: createLog("info", (line) => lines.push(line)),
    now: () => clock,
    ...change,
  })

const kinds = () => told.map(({ opened, ended }) => [opened.map(({ kind }) => kind), ended.map(({ kind }) => kind)])

test("trouble is told of once when it begins and once when it ends, by two looks each", async () => {
  const alerts = open()
  now = [full]
  await alerts.turn(signal())
  expect(told).toEqual([])
  for (let turns = 0; turns < 5; turns++) await alerts.turn(signal())
  expect(kinds()).toEqual([[["disk_full"], []]])
  now = [late]
  for (let turns = 0; turns < 5; turns++) await alerts.turn(signal())
  expect(kinds()).toEqual([
    [["disk_full"], []],
    [["backup_overdue"], ["disk_full"]],
  ])
  expect(told[0]).toEqual({
    type: "alert",
    house: "cloud.test",
    at: "2026-11-30T00:00:00.000Z",
    opened: [{ kind: "disk_full", severity: "bad", subject: "Disk", since: null, reason: "the disk is full", step: "Delete something." }],
    ended: [],
    more: 0,
  })
})

test("what blinks for one look, on or off, is told to nobody", async () => {
  const alerts = open()
  for (const seen of [[full], [], [full], []]) {
    now = seen
    await alerts.turn(signal())
  }
  expect(told).toEqual([])
  now = [full]
  await alerts.turn(signal())
  await alerts.turn(signal())
  now = []
  await alerts.turn(signal())
  now = [full]
  for (let turns = 0; turns < 3; turns++) await alerts.turn(signal())
  expect(kinds()).toEqual([[["disk_full"], []]])
})

test("a warning that becomes worse is told of once more, also over a restart; that it is better again is not", async () => {
  const alerts = open()
  const openedAt = clock
  now = [late]
  for (let turns = 0; turns < 3; turns++) await alerts.turn(signal())
  clock += 86_400_000
  now = [{ ...late, severity: "bad", reason: "it is very late" }]
  await alerts.turn(signal())
  expect(told).toHaveLength(1)
  const again = open()
  for (let turns = 0; turns < 4; turns++) await again.turn(signal())
  now = [late]
  for (let turns = 0; turns < 4; turns++) await again.turn(signal())
  now = [{ ...late, severity: "bad" }]
  for (let turns = 0; turns < 4; turns++) await again.turn(signal())
  expect(told.map(({ opened, ended }) => [opened.map(({ severity, reason }) => [severity, reason]), ended])).toEqual([
    [[["warn", "it is late"]], []],
    [[["bad", "it is very late"]], []],
  ])
  const { episodes } = await again.describe()
  expect(episodes).toMatchObject([{ severity: "bad", reason: "it is very late", opened_at: new Date(openedAt).toISOString() }])
  now = []
  for (let turns = 0; turns < 3; turns++) await again.turn(signal())
  expect(kinds().at(-1)).toEqual([[], ["backup_overdue"]])
})

test("an episode outlives a restart and is not told again; what cannot be found out has not ended", async () => {
  now = [full]
  const first = open()
  await first.turn(signal())
  await first.turn(signal())
  const second = open({
    conditions: async () => {
      throw new Error("the store is busy")
    },
  })
  for (let turns = 0; turns < 3; turns++) await expect(second.turn(signal())).rejects.toThrow("busy")
  const third = open()
  for (let turns = 0; turns < 3; turns++) await third.turn(signal())
  expect(told).toHaveLength(1)
})

test("a receiver that refuses is tried again, after a restart too, and given up in the end; the others hear at once", async () => {
  now = [full]
  refusing = "the receiver answered 503"
  const heard: Notice[] = []
  const ntfy: Receiver = { name: "ntfy", send: async (notice) => void heard.push(notice) }
  const receivers = () => [receiver(), ntfy]
  const alerts = open({ receivers })
  await alerts.turn(signal())
  await alerts.turn(signal())
  expect([heard.length, told.length]).toEqual([1, 0])
  expect(await alerts.describe()).toMatchObject({
    receivers: [
      { receiver: "webhook", failing_since: "2026-11-30T00:00:00.000Z", error: refusing },
      { receiver: "ntfy", error: null },
    ],
    episodes: [{ kind: "disk_full", opened_at: "2026-11-30T00:00:00.000Z" }],
    waiting: 1,
  })
  refusing = undefined
  clock += minuteMs
  await open({ receivers }).turn(signal())
  expect(kinds()).toEqual([[["disk_full"], []]])

  refusing = "no"
  now = []
  const again = open({ receivers })
  for (let turns = 0; turns < 40; turns++) {
    await again.turn(signal())
    clock += 10 * minuteMs
  }
  expect((await again.describe()).waiting).toBe(0)
  expect(lines.filter((line) => line.includes("given up"))).toHaveLength(1)
  expect(lines.filter((line) => line.includes("is tried again"))).toHaveLength(6)
})

test("a receiver that was taken out of the settings is owed nothing", async () => {
  now = [full]
  refusing = "no"
  const alerts = open()
  await alerts.turn(signal())
  await alerts.turn(signal())
  const without = open({ receivers: () => [] })
  await without.turn(signal())
  expect((await without.describe()).waiting).toBe(0)
  expect((await without.describe()).episodes).toHaveLength(1)
})

test("thousands at once are one notice of bounded length, the weightiest first, and what waits is bounded too", async () => {
  const alerts = open()
  refusing = "no"
  for (let day = 0; day < 310; day++) {
    now = [{ ...full, subject: `d${day}` }]
    await alerts.turn(signal())
    await alerts.turn(signal())
  }
  expect((await alerts.describe()).waiting).toBe(300)
  refusing = undefined
  await db.deleteFrom("alertDeliveries").execute()
  now = Array.from({ length: 3000 }, (_, n) => ({ ...late, subject: `n${n}.test`, severity: n === 2999 ? "bad" : "warn" }) as const)
  await alerts.turn(signal())
  await alerts.turn(signal())
  expect(told).toHaveLength(1)
  expect([told[0]?.opened[0]?.subject, told[0]?.opened.length, told[0]?.more]).toEqual(["n2999.test", maxEntries, 3001 - maxEntries])
})

test("a receiver that never answers does not keep the end of the process", async () => {
  now = [full]
  const stop = new AbortController()
  const alerts = open({ receivers: () => [{ name: "mail", send: () => new Promise(() => {}) }] })
  await alerts.turn(signal())
  const turn = alerts.turn(stop.signal)
  stop.abort()
  await turn
  expect((await alerts.describe()).waiting).toBe(1)
})

test("a notice in words says what is so, since when, and what to do", () => {
  const began = noticeOf("cloud.test", clock, [{ ...late, since: clock }, full], [])
  expect(titleOf(began)).toBe("cloud.test: Disk, and 1 more")
  expect(textOf(began)).toContain("TROUBLE: Disk\nThe disk is full.\nWhat to do: Delete something.")
  expect(textOf(began)).toContain("Warning: Backup\nIt is late. Since 2026-11-30 00:00 UTC.\nWhat to do: Back up.")
  const over = noticeOf("cloud.test", clock, [], [full])
  expect([titleOf(over), textOf(over)]).toEqual(["cloud.test: Disk is well again", expect.stringContaining("Over: Disk")])
  expect(titleOf(noticeOf("cloud.test", clock, [{ ...full, subject: "a\r\nBcc: b" }], []))).toBe("cloud.test: a??Bcc: b")
})

const notice = noticeOf("cloud.test", Date.UTC(2026, 10, 30), [full], [])

test("a webhook gets the notice as JSON, and a topic of ntfy text with title, priority and token", async () => {
  const posts: [string, Record<string, string>, string][] = []
  const post = async (url: string, headers: Record<string, string>, body: string) => {
    posts.push([url, headers, body])
    return { error: null }
  }
  await webhookReceiver("https://hooks.test/x", post).send(notice, signal())
  await ntfyReceiver("https://ntfy.test/topic", "tk_1", post).send(notice, signal())
  expect(JSON.parse(posts[0]?.[2] ?? "")).toEqual(notice)
  expect(posts[1]).toEqual([
    "https://ntfy.test/topic",
    {
      "Content-Type": "text/plain; charset=utf-8",
      Title: "cloud.test: Disk",
      Priority: "high",
      Tags: "rotating_light",
      Authorization: "Bearer tk_1",
    },
    textOf(notice),
  ])
  const refused = webhookReceiver("https://hooks.test/x", async () => ({ error: "the receiver answered 410" }))
  await expect(refused.send(notice, signal())).rejects.toThrow("the receiver answered 410")
})

/** A real SMTP server; the mails that it took. */
async function mailServer(options: { isRefusing?: boolean; refusal?: string; tls?: { key: string; cert: string } } = {}) {
  const mails: { from: string; to: string[]; text: string; user: string | undefined }[] = []
  const server = new SMTPServer({
    authOptional: true,
    ...(options.tls ?? { disabledCommands: ["STARTTLS"], allowInsecureAuth: true }),
    onAuth: ({ username, password }, _, done) =>
      options.isRefusing ? done(new Error(options.refusal ?? `no ${password} for ${username}`)) : done(null, { user: username }),
    onData(stream, session, done) {
      let text = ""
      stream.on("data", (chunk: Buffer) => (text += chunk.toString()))
      stream.on("end", () => {
        const { mailFrom, rcptTo } = session.envelope
        mails.push({ from: mailFrom ? mailFrom.address : "", to: rcptTo.map(({ address }) => address), text, user: session.user })
        done()
      })
    },
  })
  server.on("error", () => {})
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  undo.push(() => new Promise<void>((resolve) => server.close(() => resolve())))
  return { port: (server.server.address() as AddressInfo).port, mails }
}

const route = (url: string) => ({ url, from: "freehold@cloud.test", to: ["ada@cloud.test", "bob@cloud.test"] })

test("mail goes to everybody by a real SMTP server", async () => {
  const { port, mails } = await mailServer()
  await mailReceiver(route(`smtp://127.0.0.1:${port}`), async () => "").send(notice, signal())
  expect(mails).toMatchObject([{ from: "freehold@cloud.test", to: ["ada@cloud.test", "bob@cloud.test"] }])
  expect(mails[0]?.text).toContain("Subject: [Freehold] cloud.test: Disk\r\n")
  expect(mails[0]?.text).toContain("Auto-Submitted: auto-generated\r\n")
  expect(mails[0]?.text).toContain("What to do: Delete something.")
})

test("a password is said to no server in the clear, and an error does not repeat it", async () => {
  const { port, mails } = await mailServer()
  const clear = mailReceiver(route(`smtp://ada:hush-hush@127.0.0.1:${port}`), async () => "")
  const fault = await clear.send(notice, signal()).catch((error: Error) => error.message)
  expect(fault).not.toContain("hush-hush")
  expect(fault).toMatch(/STARTTLS|TLS/i)
  expect(mails).toEqual([])
})

test("with STARTTLS a password is said, and a server that repeats it in its refusal is not quoted", async () => {
  const folder = await mkdtemp(join(tmpdir(), "freehold-mail-"))
  undo.push(() => rm(folder, { recursive: true }))
  const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")]
  await Bun.$`openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ${key} -out ${cert} -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost`.quiet()
  const tls = { key: await readFile(key, "utf8"), cert: await readFile(cert, "utf8") }
  const taking = await mailServer({ tls })
  const to = (port: number, ca = tls.cert) =>
    mailReceiver(route(`smtp://ada:hush%2Dhush@localhost:${port}`), async () => ca).send(notice, signal())
  await to(taking.port)
  expect(taking.mails).toMatchObject([{ user: "ada" }])
  await expect(to(taking.port, rootCertificates[0])).rejects.toThrow(/self.signed|certificate/i)
  const refusing = await mailServer({ tls, isRefusing: true })
  const fault = await to(refusing.port).catch((error: Error) => error.message)
  expect(fault).toContain("no *** for ada")
  // As AUTH PLAIN said it, and where the line is cut in the middle of it.
  const plain = Buffer.from("\0ada\0hush-hush").toString("base64")
  const quoting = await mailServer({ tls, isRefusing: true, refusal: `no ${plain} here` })
  expect(await to(quoting.port).catch((error: Error) => error.message)).toContain("no *** here")
  const long = await mailServer({ tls, isRefusing: true, refusal: `${"x hush-hush".repeat(40)}` })
  expect(await to(long.port).catch((error: Error) => error.message)).not.toMatch(/hus/)
})

test("a long notice is cut for ntfy by bytes, and within no character", async () => {
  const bodies: string[] = []
  const post = async (_url: string, _headers: Record<string, string>, body: string) => {
    bodies.push(body)
    return { error: null }
  }
  for (const filling of ["a", "“", "🌍", "é"]) {
    const long = noticeOf("cloud.test", clock, [{ ...full, reason: filling.repeat(5000) }], [])
    await ntfyReceiver("https://ntfy.test/topic", undefined, post).send(long, signal())
  }
  for (const body of bodies) {
    expect(Buffer.byteLength(body)).toBeWithin(4080, 4097)
    expect(body).toEndWith("…")
    expect(body).not.toContain("\uFFFD")
  }
})

test("a mail server that is not there is an error within its time", async () => {
  const { port } = await mailServer()
  await undo.splice(0)[0]?.()
  await expect(mailReceiver(route(`smtp://127.0.0.1:${port}`), async () => "").send(notice, signal())).rejects.toThrow(
    /ECONNREFUSED|refused/i,
  )
})

test("the API is for administrators; a test goes to every receiver and says how it went", async () => {
  const routes = (alerts: Alerts) =>
    new Elysia()
      .onError({ as: "global" }, ({ error, request }) => renderError(error, request, silentLog))
      .use(
        alertRoutes(alerts, async (request) => {
          if (request.headers.get("authorization") === null) throw new AppError("unauthorized", "unauthorized")
        }),
      )
  const ask = async (alerts: Alerts, method: string, path: string, headers: Record<string, string> = { authorization: "x" }) => {
    const res = await routes(alerts).handle(new Request(`http://localhost${path}`, { method, headers }))
    return [res.status, await res.json()]
  }
  expect((await ask(open(), "GET", "/admin/alerts", {}))[0]).toBe(401)
  expect((await ask(open(), "POST", "/admin/alerts/test", {}))[0]).toBe(401)
  expect(await ask(open(), "GET", "/admin/alerts")).toMatchObject([
    200,
    { receivers: [{ receiver: "webhook", error: null }], episodes: [], waiting: 0 },
  ])
  expect(await ask(open(), "POST", "/admin/alerts/test")).toEqual([
    200,
    { results: [{ receiver: "webhook", delivered: true, error: null }] },
  ])
  expect(told).toMatchObject([{ type: "test", house: "cloud.test" }])
  refusing = "the receiver answered 500"
  expect(await ask(open(), "POST", "/admin/alerts/test")).toEqual([
    200,
    { results: [{ receiver: "webhook", delivered: false, error: refusing }] },
  ])
  const nobody = await ask(open({ receivers: () => [] }), "POST", "/admin/alerts/test")
  expect(nobody).toMatchObject([409, { error: expect.stringContaining("FREEHOLD_ALERT_WEBHOOK") }])
})
