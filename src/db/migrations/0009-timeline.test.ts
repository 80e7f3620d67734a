import { expect, test } from "bun:test"
import { openDatabase } from "../open"

test("the id of an entry is never given again, and an entry may be of nobody", async () => {
  const db = await openDatabase(":memory:")
  const entry = {
    hostname: "api.test",
    personId: null,
    subjectKind: null,
    subjectId: null,
    at: 1,
    kind: "acme" as const,
    text: "ordered",
    data: null,
    observation: null,
  }
  const append = () => db.insertInto("timelineEntries").values(entry).returning("id").executeTakeFirstOrThrow()
  const first = await append()
  await db.deleteFrom("timelineEntries").execute()
  expect((await append()).id).toBeGreaterThan(first.id)
  await db.destroy()
})
