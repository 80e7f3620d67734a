import type { Database } from "bun:sqlite"
import { expect, test } from "bun:test"
import { openDatabase } from "../open"
import { withEarlierStore } from "./earlier-store.fixture"

/** A store as the version before left it, with a container of the engine and an external one. */
function fill(sqlite: Database): void {
  sqlite.run("INSERT INTO people (id, username, display_name, password_hash, is_admin, created_at) VALUES ('u1', 'ada', '', '', 1, 1)")
  const insert = (id: string, kind: string, image: string | null, type: string) =>
    sqlite.run(
      "INSERT INTO containers VALUES (?, 'u1', 'web', ?, ?, 64, 5, ?, 'IfNotPresent', 'running', 'running', NULL, NULL, NULL, '{}', 1)",
      [id, kind, image, type],
    )
  insert("c1", "engine", "app", "micro")
  insert("c2", "external", null, "external")
}

test("containers of the version before keep all they had, and get what every container had then", async () => {
  await withEarlierStore("0006", fill, async (path) => {
    // The second time finds everything done.
    for (let opened = 0; opened < 2; opened++) {
      const db = await openDatabase(path)
      const rows = await db.selectFrom("containers").selectAll().orderBy("id").execute()
      const added = { env: "{}", command: null, restartPolicy: "no", restarts: 0, restartAt: null, pidsLimit: null, mountPaths: "[]" }
      expect(rows).toMatchObject([
        { id: "c1", kind: "engine", image: "app", memoryMb: 64, instanceType: "micro", ...added, sshEnabled: 0, adopted: 0 },
        { id: "c2", kind: "external", image: null, instanceType: "external", ...added, sshEnabled: 0, adopted: 0 },
      ] as never)
      const types = await db.selectFrom("instanceTypes").selectAll().orderBy("position").execute()
      expect(types.map(({ name, cpus, pids }) => `${name} ${cpus} ${pids}`)).toEqual([
        "nano 0.5 1024",
        "micro 1 1024",
        "mini 2 1024",
        "tiny 1 1024",
        "small 2 1024",
        "medium 4 1024",
      ])
      await db.destroy()
    }
  })
})

test("what belongs to a container goes with it, and one container of the engine is adopted once", async () => {
  const db = await openDatabase(":memory:")
  await db.insertInto("people").values({ id: "u1", username: "ada", displayName: "", passwordHash: "", isAdmin: 0, createdAt: 0 }).execute()
  const container = (id: string, adopted: number) =>
    db.insertInto("containers").values({
      id,
      personId: "u1",
      name: "web",
      kind: "engine",
      image: null,
      memoryMb: 0,
      storageGb: 0,
      instanceType: "",
      pullPolicy: "",
      desired: "running",
      status: "running",
      statusDetail: null,
      engineId: "e1",
      address: null,
      ports: "{}",
      createdAt: 0,
      adopted,
    })
  await container("c1", 1).execute()
  await expect(container("c2", 1).execute()).rejects.toThrow("UNIQUE constraint failed")
  await container("c3", 0).execute()
  await db.insertInto("ingressRules").values({ containerId: "c1", port: 443, targetPort: 80, createdAt: 0 }).execute()
  await db.insertInto("volumes").values({ id: "v1", containerId: "c1", path: "/a", createdAt: 0 }).execute()
  await db.deleteFrom("containers").where("id", "=", "c1").execute()
  expect(await db.selectFrom("ingressRules").selectAll().execute()).toEqual([])
  expect(await db.selectFrom("volumes").selectAll().execute()).toEqual([])
  await db.destroy()
})
