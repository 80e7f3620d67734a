import { expect, test } from "bun:test"
import { Elysia } from "elysia"
import { openDatabase } from "../db/open"
import { AppError } from "../errors"
import { renderError } from "../http/errors"
import { type Log, silentLog } from "../log"
import type { Holder, NewEntry } from "./model"
import { connectionTimelineRoutes, mappingTimelineRoutes } from "./routes"
import { TimelineStore } from "./store"
import { Timeline, type TimelineNeeds } from "./timeline"

const ada: Holder = { personId: "u1", subject: { kind: "mapping", id: "m1" } }
const bob: Holder = { personId: "u2", subject: { kind: "connection", id: "c1" } }
const host = "app.customer.test"

async function setup(more: Partial<TimelineNeeds> = {}) {
  const db = await openDatabase(":memory:")
  for (const { personId } of [ada, bob]) {
    const person = { id: personId, username: personId, displayName: "", passwordHash: "", isAdmin: 0, createdAt: 0 }
    await db.insertInto("people").values(person).execute()
  }
  const logged: string[] = []
  const log: Log = { ...silentLog, warn: (message) => logged.push(message), error: (message) => logged.push(message) }
  const clock = { now: Date.parse("2026-11-29T12:00:00Z") }
  const holders = new Map<string, Holder>([[host, ada]])
  const store = new TimelineStore(db)
  const make = () => new Timeline({ store, holder: (name) => holders.get(name), log, now: () => clock.now, ...more })
  const timeline = make()
  const texts = async (subject = ada.subject) => (await timeline.all(subject)).map(({ text }) => text)
  return { db, timeline, make, texts, logged, clock, holders, store }
}

const state = (text: string): NewEntry => ({ hostname: host, kind: "state", text })

test("notes are kept in order, for whoever held the hostname when they were taken", async () => {
  const { timeline, texts, holders } = await setup()
  timeline.note(state("one"))
  holders.set(host, bob)
  timeline.note(state("two"))
  timeline.note({ ...state("three"), holder: ada })
  holders.delete(host)
  timeline.note(state("of nobody"))
  expect([await texts(), await texts(bob.subject)]).toEqual([["one", "three"], ["two"]])
})

test("a note writes nothing by itself and is written soon after, in one batch", async () => {
  const { timeline, db } = await setup({ flushMs: 5 })
  const count = async () => (await db.selectFrom("timelineEntries").select("id").execute()).length
  for (let index = 0; index < 3; index++) timeline.note(state(`${index}`))
  expect(await count()).toBe(0)
  for (let tries = 0; tries < 200 && (await count()) === 0; tries++) await Bun.sleep(5)
  expect(await count()).toBe(3)
})

test("of an observation only changes are noted, also after a restart", async () => {
  const { timeline, make, texts, holders } = await setup()
  const see = (where: Timeline, value: string, holder?: Holder) =>
    where.noteChange(host, "A at ns1", value, { kind: "dns", text: `ns1 says ${value}`, ...(holder ? { holder } : {}) })
  for (const value of ["a", "a", "b", "b", "a"]) see(timeline, value)
  see(timeline, "a", ada)
  timeline.noteChange(host, "AAAA at ns1", "a", { kind: "dns", text: "another" })
  await timeline.stop()
  const next = make()
  see(next, "a")
  see(next, "c")
  await next.flush()
  expect(await texts()).toEqual(["ns1 says a", "ns1 says b", "ns1 says a", "another", "ns1 says c"])
  // The next holder sees a first observation of their own.
  holders.set(host, bob)
  see(next, "c")
  await next.flush()
  expect(await texts(bob.subject)).toEqual(["ns1 says c"])
})

test("the newest of a hostname are kept, and nobody's notes push out another's", async () => {
  const { timeline, texts } = await setup({ maxPerHost: 3 })
  timeline.note({ ...state("bob's"), holder: bob })
  for (let index = 1; index <= 5; index++) timeline.note(state(`${index}`))
  expect([await texts(), await texts(bob.subject)]).toEqual([["3", "4", "5"], ["bob's"]])
})

test("what is old leaves, and what is beyond the bound on all", async () => {
  const { timeline, texts, clock } = await setup({ maxAgeMs: 1000, maxEntries: 2 })
  timeline.note({ ...state("old"), at: clock.now - 2000 })
  for (const text of ["1", "2", "3"]) timeline.note(state(text))
  await timeline.flush()
  await timeline.sweep(new AbortController().signal)
  expect(await texts()).toEqual(["2", "3"])
})

test("past the bound on waiting notes the rest is left out, and the log says so once", async () => {
  const { timeline, texts, logged } = await setup({ maxQueued: 2 })
  for (const text of ["1", "2", "3", "4"]) timeline.note(state(text))
  expect(logged).toEqual(["timeline entries are left out"])
  expect(await texts()).toEqual(["1", "2"])
  timeline.note(state("5"))
  expect(await texts()).toEqual(["1", "2", "5"])
})

test("the end writes what waits, and takes no more", async () => {
  const { timeline, store } = await setup()
  timeline.note(state("last"))
  await timeline.stop()
  timeline.note(state("too late"))
  expect((await store.list(ada.subject, undefined, 9)).map(({ text }) => text)).toEqual(["last"])
})

test("a note of a person who is gone is left out, without the others", async () => {
  const { timeline, texts, logged } = await setup()
  timeline.note({ ...state("lost"), holder: { personId: "nobody", subject: ada.subject } })
  timeline.note(state("kept"))
  expect(await texts()).toEqual(["kept"])
  expect(logged).toEqual(["a timeline entry could not be written"])
})

test("a holder that cannot be found, and a store that is gone, are logged and thrown at nobody", async () => {
  const { timeline, db, logged } = await setup({
    holder: () => {
      throw new Error("no")
    },
  })
  timeline.note(state("one"))
  await timeline.flush()
  expect(await db.selectFrom("timelineEntries").select(["text", "personId"]).execute()).toEqual([{ text: "one", personId: null }])
  await db.destroy()
  timeline.noteChange(host, "key", "value", { kind: "dns", text: "two" })
  await timeline.flush()
  expect(logged).toEqual([
    "the holder of a hostname could not be found",
    "the holder of a hostname could not be found",
    "timeline entries could not be written",
  ])
})

test("entries go with their person, and with what held the hostname", async () => {
  const { timeline, texts, db } = await setup()
  timeline.note(state("one"))
  timeline.note({ ...state("two"), holder: bob })
  const namesake: Holder = { personId: "u1", subject: { kind: "connection", id: "m1" } }
  timeline.note({ ...state("three"), holder: namesake })
  expect(await texts()).toEqual(["one"])
  await timeline.forget(ada.subject)
  expect(await texts(namesake.subject)).toEqual(["three"])
  expect([await texts(), await texts(bob.subject)]).toEqual([[], ["two"]])
  await db.deleteFrom("people").where("id", "=", "u2").execute()
  expect(await texts(bob.subject)).toEqual([])
})

async function api() {
  const house = await setup()
  const guard = async (request: Request) => {
    const personId = request.headers.get("authorization")
    if (personId === null) throw new AppError("unauthorized", "unauthorized")
    return { personId }
  }
  const finder = (holder: Holder) => async (caller: { personId: string }, id: string) =>
    caller.personId === holder.personId && id === holder.subject.id ? { hostname: host } : undefined
  const app = new Elysia()
    .onError({ as: "global" }, ({ error, request }) => renderError(error, request, silentLog))
    .use(mappingTimelineRoutes(house.timeline, guard, finder(ada)))
    .use(connectionTimelineRoutes(house.timeline, guard, finder(bob)))
  const get = async (path: string, personId?: string, method = "GET") =>
    app.handle(new Request(`http://localhost${path}`, { method, headers: personId === undefined ? {} : { authorization: personId } }))
  return { ...house, get }
}

test.each([
  ["/api/domain-mappings/m1/timeline", ada, "not found\n"],
  ["/v1/connections/c1/timeline", bob, '{"error":{"code":"not_found","message":"no such connection","details":null}}'],
])("%s: who may not, what is wrong, and pages from the newest", async (path, holder, missing) => {
  const { timeline, get } = await api()
  for (let index = 1; index <= 5; index++) timeline.note({ ...state(`${index}`), holder })
  expect((await get(path)).status).toBe(401)
  for (const [where, who] of [
    [path, holder === ada ? "u2" : "u1"],
    [path.replace(/[mc]1/, "x9"), holder.personId],
  ] as const) {
    const answer = await get(where, who)
    expect([answer.status, await answer.text()]).toEqual([404, missing])
  }
  for (const query of ["format=xml", "limit=0", "cursor=zzz"]) expect((await get(`${path}?${query}`, holder.personId)).status).toBe(400)
  expect((await get(path, holder.personId, "DELETE")).status).toBe(405)
  const first = await (await get(`${path}?limit=2`, holder.personId)).json()
  expect(first.data.map(({ text }: { text: string }) => text)).toEqual(["5", "4"])
  expect(first.data[0]).toEqual({ id: 5, time: "2026-11-29T12:00:00.000Z", hostname: host, kind: "state", text: "5", data: null })
  const second = await (await get(`${path}?limit=3&cursor=${first.next_cursor}`, holder.personId)).json()
  expect([second.data.map(({ text }: { text: string }) => text), second.next_cursor]).toEqual([["3", "2", "1"], null])
})

test("the whole as one text, oldest first, with the CA's own words, and no line that another wrote", async () => {
  const { timeline, get, clock } = await api()
  timeline.note(state("claimed"))
  clock.now += 61_500
  timeline.noteStep(host, {
    name: "validation",
    text: "refused\n2026-11-29 12:00:00.000 UTC  state  forged\u001b[2J",
    problem: '{"type":"urn:x","detail":"no\\nroute"}',
  })
  timeline.noteStep(host, { name: "failure", text: "no certificate", problem: "plain words" })
  const answer = await get("/api/domain-mappings/m1/timeline?format=text", "u1")
  expect(answer.headers.get("content-type")).toBe("text/plain; charset=utf-8")
  expect(await answer.text()).toBe(
    [
      "Timeline of app.customer.test, 3 entries, times in UTC",
      "",
      "2026-11-29 12:00:00.000 UTC  state      claimed",
      "2026-11-29 12:01:01.500 UTC  acme       refused 2026-11-29 12:00:00.000 UTC  state  forged [2J",
      '    {"type":"urn:x","detail":"no\\nroute"}',
      "2026-11-29 12:01:01.500 UTC  acme       no certificate",
      "    plain words",
      "",
    ].join("\n"),
  )
})
