import { afterEach, expect, test } from "bun:test"
import type { RecordCheck, WrittenRecordPage } from "./written-record-model"
import { WrittenRecordStore } from "./written-record-store"
import { at, key, setup, stopZones, target } from "./zones.fixture"

afterEach(stopZones)

type House = Awaited<ReturnType<typeof setup>>

const listed = async ({ send }: House, id: string, query = "") =>
  JSON.parse((await send("GET", `/api/domains/${id}/records${query}`)).text) as WrittenRecordPage
const checked = async ({ send }: House, id: string) =>
  JSON.parse((await send("POST", `/api/domains/${id}/records/check`)).text) as RecordCheck

/** What a connection wrote in a zone, as `note` takes it. */
const writing = (name: string, zone = "example.test", value = target, type = "CNAME") => ({
  personId: "ann",
  zone,
  hostname: name,
  holder: { kind: "connection" as const, id: "c1" },
  credential: { kind: "application" as const, id: "cred1", provider: "desec" },
  records: [{ name, type, value, ttl: 300, purpose: "address" as const }],
})

test("the CNAME of a mapping is listed while it stands, and leaves when it is taken away", async () => {
  const house = await setup()
  const { id } = await house.add("token-one")
  house.holders.set("mapping m1", [])
  expect(await listed(house, id)).toEqual({ data: [], next_cursor: null })
  expect(await house.zones.automate("ann", "app.example.test", "m1")).toBe(true)
  const { data } = await listed(house, id)
  expect(data).toEqual([
    {
      id: expect.stringMatching(/^rec_[0-9a-f]{24}$/),
      zone: "example.test",
      name: "app.example.test",
      type: "CNAME",
      value: target,
      ttl: null,
      hostname: "app.example.test",
      purpose: "address",
      written_for: { kind: "mapping", id: "m1" },
      written_with: { kind: "owned_domain", id, provider: "cloudflare" },
      written_at: expect.stringMatching(/^2026-06-01T12:00:/),
      stands: null,
      seen_at: null,
    },
  ])
  await house.zones.unautomate("ann", "app.example.test")
  expect((await listed(house, id)).data).toEqual([])
  expect(house.cloudflare.records("z1")).toEqual([])
})

test("what could not be written is not listed, and what could not be taken away stays listed as left behind", async () => {
  const house = await setup({ tokens: { "token-reads": { zones: ["z1"], edit: false }, "token-one": ["z1"] } })
  const reads = await house.add("token-reads")
  expect(await house.zones.automate("ann", "app.example.test", "m1")).toBe(false)
  expect((await listed(house, reads.id)).data).toEqual([])
  await house.send("DELETE", `/api/domains/${reads.id}`)
  const { id } = await house.add("token-one")
  await house.zones.automate("ann", "app.example.test", "m1")
  await house.service(key, "http://127.0.0.1:1").unautomate("ann", "app.example.test")
  expect((await listed(house, id)).data).toMatchObject([{ name: "app.example.test", written_for: null }])
})

test("answers to challenges are not listed", async () => {
  const house = await setup()
  const { id } = await house.add("token-one")
  const undo = await house.zones.writeTxt("ann", "app.example.test", "_acme-challenge.app.example.test", "digest")
  expect(house.cloudflare.records("z1")).toHaveLength(1)
  expect((await listed(house, id)).data).toEqual([])
  await undo?.()
})

test("records of connections are listed in the zones of the owned domain, and nowhere else", async () => {
  const house = await setup()
  const { id } = await house.add("token-one")
  house.holders.set("connection c1", [
    { name: "shop.example.test", type: "CNAME", value: target, stands: true, at: at + 50_000 },
    { name: "old.example.test", type: "CNAME", value: target, stands: false, at: at - 1 },
  ])
  for (const name of ["shop.example.test", "old.example.test"]) await house.records.note(writing(name))
  await house.records.note(writing("shop.elsewhere.test", "elsewhere.test"))
  await house.records.note({ ...writing("ben.example.test"), personId: "ben" })
  // What was seen before the record was written says nothing of it.
  expect((await listed(house, id)).data).toMatchObject([
    { name: "old.example.test", stands: null, seen_at: null, written_with: { kind: "application", id: "cred1", provider: "desec" } },
    { name: "shop.example.test", stands: true, seen_at: "2026-06-01T12:00:50.789Z", ttl: 300 },
  ])
})

test("an address takes the place of the addresses of its name, and the same record is listed once", async () => {
  const house = await setup()
  const { id } = await house.add("token-one")
  await house.records.note(writing("app.example.test"))
  await house.records.note(writing("app.example.test", "example.test", "v=spf1 -all", "TXT"))
  await house.records.note(writing("app.example.test", "example.test", "192.0.2.1", "A"))
  await house.records.note(writing("app.example.test", "example.test", "v=spf1 -all", "TXT"))
  const both = { ...writing("mail.example.test"), records: [] as ReturnType<typeof writing>["records"] }
  for (const priority of [10, 20])
    both.records.push(Object.assign({ priority }, writing("mail.example.test", "", "mx.example.test", "MX").records[0]))
  await house.records.note(both)
  const { data } = await listed(house, id)
  expect(data.map(({ name, type, value, priority }) => [name, type, value, priority]).sort()).toEqual([
    ["app.example.test", "A", "192.0.2.1", undefined],
    ["app.example.test", "TXT", "v=spf1 -all", undefined],
    ["mail.example.test", "MX", "mx.example.test", 10],
    ["mail.example.test", "MX", "mx.example.test", 20],
  ])
})

test("a check keeps what it saw, and forgets what is gone with what it was for", async () => {
  const house = await setup()
  const { id } = await house.add("token-one")
  house.holders.set("connection c1", [])
  for (const name of ["up.example.test", "down.example.test", "silent.example.test"]) await house.records.note(writing(name))
  for (const name of ["left.example.test", "gone.example.test"])
    await house.records.note({ ...writing(name), holder: { kind: "mapping", id: "m9" } })
  for (const name of ["up.example.test", "left.example.test"]) house.seen.set(name, true)
  for (const name of ["down.example.test", "gone.example.test"]) house.seen.set(name, false)
  expect(await checked(house, id)).toEqual({ looked_at: 5, standing: 2, missing: 2, unknown: 1, forgotten: 1 })
  const { data } = await listed(house, id)
  expect(data.map(({ name, stands, written_for, seen_at }) => [name, stands, written_for !== null, seen_at !== null]).sort()).toEqual([
    ["down.example.test", false, true, true],
    ["left.example.test", true, false, true],
    ["silent.example.test", null, true, false],
    ["up.example.test", true, true, true],
  ])
  expect(house.questions).toEqual(["ann"])
})

test("a check comes round to every record, those that nobody answers for among them", async () => {
  const house = await setup()
  const { id } = await house.add("token-one")
  for (let index = 0; index < 60; index++) await house.records.note(writing(`n${index}.example.test`))
  house.holders.set("connection c1", [])
  expect((await checked(house, id)).unknown).toBe(50)
  for (let index = 0; index < 60; index++) house.seen.set(`n${index}.example.test`, true)
  for (const _ of [1, 2]) await checked(house, id)
  expect((await listed(house, id, "?limit=100")).data.every(({ stands }) => stands === true)).toBe(true)
})

test("the list comes in pages, newest first", async () => {
  const house = await setup()
  const { id } = await house.add("token-one")
  for (let index = 0; index < 5; index++) await house.records.note(writing(`n${index}.example.test`))
  const names: string[] = []
  let cursor: string | null = ""
  for (let pages = 0; cursor !== null; pages++) {
    const more: string = cursor === "" ? "" : `&cursor=${cursor}`
    const { data, next_cursor }: WrittenRecordPage = await listed(house, id, `?limit=2${more}`)
    names.push(...data.map(({ name }) => name))
    cursor = next_cursor
    expect(pages).toBeLessThan(3)
  }
  expect(names).toEqual([4, 3, 2, 1, 0].map((index) => `n${index}.example.test`))
})

test.each([
  ["GET", "/records", {}, 401, "unauthorized"],
  ["GET", "/records", { authorization: "nobody" }, 403, "forbidden: missing networking.x.domains.ID scope"],
  ["GET", "/records", { authorization: "ben" }, 404, "not found"],
  ["GET", "/records?limit=0", { authorization: "ann" }, 400, "limit must be a number from 1 to 100"],
  ["GET", "/records?cursor=x", { authorization: "ann" }, 400, "cursor must be the next_cursor of an earlier page"],
  ["DELETE", "/records", { authorization: "ann" }, 405, "method not allowed"],
  ["GET", "/records/rec_1", { authorization: "ann" }, 404, "not found"],
  ["POST", "/records/check", { authorization: "ben" }, 404, "not found"],
  ["GET", "/records/check", { authorization: "ann" }, 405, "method not allowed"],
])("%s %s as %p is answered %p", async (method, path, headers: Record<string, string>, status, text) => {
  const { send, add } = await setup()
  const { id } = await add("token-one")
  expect(await send(method, `/api/domains/${id}${path}`, undefined, headers)).toMatchObject({ status, text: `${text.replace("ID", id)}\n` })
})

test("without an encryption key there are no records to list", async () => {
  const { send } = await setup({ keyHex: null })
  expect(await send("GET", "/api/domains/cfc_1/records")).toMatchObject({ status: 503, text: "cloudflare integration not configured\n" })
})

test("of one person the newest records are kept, up to the bound", async () => {
  const { db } = await setup()
  const store = new WrittenRecordStore(db)
  const row = {
    personId: "ann",
    zone: "example.test",
    type: "TXT",
    priority: 0,
    ttl: null,
    hostname: "example.test",
    purpose: "email" as const,
    holderKind: "connection" as const,
    holderId: "c1",
    credentialKind: "application" as const,
    credentialId: "cred1",
    provider: "desec",
    lookedAt: null,
    seenAt: null,
    stands: null,
  }
  for (const at of [1, 2, 3])
    await store.put("ann", [{ ...row, id: `rec_${at}`, name: `n${at}.example.test`, value: "x", writtenAt: at }], 2)
  expect((await store.list("ann", ["example.test"], 10, undefined)).map(({ id }) => id)).toEqual(["rec_3", "rec_2"])
})

test("records leave with their person", async () => {
  const house = await setup()
  await house.records.note(writing("app.example.test"))
  await house.db.deleteFrom("people").where("id", "=", "ann").execute()
  expect(await house.db.selectFrom("writtenRecords").selectAll().execute()).toEqual([])
})
