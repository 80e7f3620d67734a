import { expect, test } from "bun:test"
import { openDatabase } from "../open"
import { withEarlierStore } from "./earlier-store.fixture"

test("the verified mappings of an earlier store hold their names, and those that end or fail free them", async () => {
  await withEarlierStore(
    "0008",
    (sqlite) => {
      sqlite.run("INSERT INTO people (id, username, display_name, password_hash, is_admin, created_at) VALUES ('u1', 'ada', '', '', 1, 1)")
      sqlite.run(
        "INSERT INTO containers (id, person_id, name, kind, memory_mb, storage_gb, instance_type, pull_policy, desired, status, ports, created_at) VALUES ('c1', 'u1', 'web', 'external', 0, 0, '', '', 'running', 'running', '{}', 1)",
      )
      for (const status of ["pending", "verified", "failed"]) {
        sqlite.run(
          "INSERT INTO domain_mappings (id, person_id, domain, container_id, target_port, status, verify_token, window_started_at, next_check_at, checks, created_at) VALUES (?, 'u1', ?, 'c1', 80, ?, 's', 1, 1, 0, 1)",
          [`dom_${status}`, `${status}.example.com`, status],
        )
      }
    },
    async (path) => {
      // The second time finds everything done.
      await (await openDatabase(path)).destroy()
      const db = await openDatabase(path)
      const held = async () => (await db.selectFrom("heldNames").selectAll().orderBy("hostname").execute()).map((row) => Object.values(row))
      expect(await held()).toEqual([["verified.example.com", "mapping", "dom_verified"]])
      await db.updateTable("domainMappings").set({ status: "verified" }).where("id", "=", "dom_pending").execute()
      await db.updateTable("domainMappings").set({ status: "failed" }).where("id", "=", "dom_verified").execute()
      expect(await held()).toEqual([["pending.example.com", "mapping", "dom_pending"]])
      // What goes with a container goes by the database alone, and frees its names all the same.
      await db.deleteFrom("containers").execute()
      expect(await held()).toEqual([])
      expect(await db.selectFrom("plans").selectAll().execute()).toEqual([{ key: "local", limits: "{}" }])
      await db.destroy()
    },
  )
})

test("what an application has goes with it, and with its person, and frees the names of its connections", async () => {
  const db = await openDatabase(":memory:")
  await db.insertInto("people").values({ id: "u1", username: "ada", displayName: "", passwordHash: "", isAdmin: 0, createdAt: 0 }).execute()
  const nowhere = { originUrl: null, containerId: null, targetPort: null }
  const application = {
    id: "a1",
    personId: "u1",
    name: "A",
    environment: "live" as const,
    allowedOrigins: "[]",
    recordTemplate: null,
    createdAt: 0,
  }
  await db
    .insertInto("applications")
    .values({ ...application, ...nowhere })
    .execute()
  const connection = {
    id: "n1",
    personId: "u1",
    applicationId: "a1",
    environment: "live" as const,
    hostname: "app.customer.com",
    kind: "subdomain" as const,
    setupType: "manual",
    state: "verified" as const,
    errorCode: null,
    errorDetail: null,
    provider: null,
    batchId: null,
    challengeValue: "x",
    proof: "txt" as const,
    provedAt: 1,
    desiredRecords: "[]",
    observedRecords: "[]",
    ...nowhere,
    createdAt: 0,
    changedAt: 0,
    nextCheckAt: null,
    checks: 0,
    misses: 0,
    drift: null,
    liveAt: null,
  }
  await db.insertInto("connections").values(connection).execute()
  await expect(
    db
      .insertInto("connections")
      .values({ ...connection, id: "n2" })
      .execute(),
  ).rejects.toThrow("held_names.hostname")
  expect(await db.selectFrom("heldNames").select("holderId").execute()).toEqual([{ holderId: "n1" }])
  await db.deleteFrom("people").execute()
  expect(await db.selectFrom("heldNames").selectAll().execute()).toEqual([])
  expect(await db.selectFrom("connections").selectAll().execute()).toEqual([])
  await db.destroy()
})
