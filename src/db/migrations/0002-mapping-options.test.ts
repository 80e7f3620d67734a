import type { Database } from "bun:sqlite"
import { expect, test } from "bun:test"
import { openDatabase } from "../open"
import { withEarlierStore } from "./earlier-store.fixture"

/** A store as the first version left it, with one mapping in each status. */
function fill(sqlite: Database): void {
  sqlite.run("INSERT INTO people VALUES ('u1', 'ada', 'Ada', 'hash', 1, 1)")
  sqlite.run(
    "INSERT INTO containers VALUES ('c1', 'u1', 'web', 'external', NULL, 0, 0, '', '', 'running', 'running', NULL, NULL, NULL, '{}', 1)",
  )
  for (const status of ["pending", "verified", "failed"]) {
    sqlite.run(`INSERT INTO domain_mappings VALUES (?, 'u1', ?, 'c1', 8080, ?, 'secret', NULL, 2, 3, 4, 'detail', 5, NULL)`, [
      `dom_${status}`,
      `${status}.example.com`,
      status,
    ])
  }
}

test("mappings of a store of the first version keep all they had, redirect, speak HTTP/1.1 and are logged", async () => {
  await withEarlierStore("0002", fill, async (path) => {
    // The second time finds everything done.
    for (let opened = 0; opened < 2; opened++) {
      const db = await openDatabase(path)
      const rows = await db.selectFrom("domainMappings").selectAll().orderBy("id").execute()
      expect(rows).toEqual(
        (["failed", "pending", "verified"] as const).map((status) => ({
          id: `dom_${status}`,
          personId: "u1",
          domain: `${status}.example.com`,
          containerId: "c1",
          targetPort: 8080,
          http: "redirect",
          upstreamProtocol: "http1",
          accessLog: 1,
          status,
          verifyToken: "secret",
          proof: null,
          windowStartedAt: 2,
          nextCheckAt: 3,
          checks: 4,
          lastDetail: "detail",
          createdAt: 5,
          verifiedAt: null,
        })),
      )
      await db.destroy()
    }
  })
})

test("the new columns hold what their types say, as the table is strict", async () => {
  const db = await openDatabase(":memory:")
  await db.insertInto("people").values({ id: "u1", username: "ada", displayName: "", passwordHash: "", isAdmin: 0, createdAt: 0 }).execute()
  const change = (column: string, value: unknown) => db.updateTable("domainMappings").set({ [column]: value } as never)
  await db
    .insertInto("containers")
    .values({
      id: "c1",
      personId: "u1",
      name: "web",
      kind: "external",
      image: null,
      memoryMb: 0,
      storageGb: 0,
      instanceType: "",
      pullPolicy: "",
      desired: "running",
      status: "running",
      statusDetail: null,
      engineId: null,
      address: null,
      ports: "{}",
      createdAt: 0,
    })
    .execute()
  const values = { id: "d1", personId: "u1", domain: "a.test", containerId: "c1", targetPort: 80, status: "pending", verifyToken: "" }
  await db
    .insertInto("domainMappings")
    .values({ ...values, windowStartedAt: 0, nextCheckAt: 0, checks: 0, createdAt: 0 } as never)
    .execute()
  await expect(change("accessLog", "yes").execute()).rejects.toThrow("cannot store TEXT value in INTEGER column")
  for (const column of ["http", "upstreamProtocol", "accessLog"]) {
    await expect(change(column, null).execute()).rejects.toThrow("NOT NULL constraint failed")
  }
  await db.destroy()
})
