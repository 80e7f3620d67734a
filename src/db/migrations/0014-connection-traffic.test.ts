import { expect, test } from "bun:test"
import { holdersOf } from "../held-names"
import { openDatabase } from "../open"
import { withEarlierStore } from "./earlier-store.fixture"

test("traffic that was counted before stays its mapping's, and a connection that was proved before holds its name since then", async () => {
  await withEarlierStore(
    "0014",
    (sqlite) => {
      sqlite.run("INSERT INTO people (id, username, display_name, password_hash, is_admin, created_at) VALUES ('u1', 'ada', '', '', 1, 1)")
      sqlite.run(
        "INSERT INTO applications (id, person_id, name, environment, allowed_origins, created_at) VALUES ('a1', 'u1', 'A', 'live', '[]', 1)",
      )
      const connection = sqlite.prepare(
        "INSERT INTO connections (id, person_id, application_id, environment, hostname, kind, setup_type, state, challenge_value, proof, desired_records, observed_records, created_at, changed_at, live_at) VALUES (?, 'u1', 'a1', 'live', ?, 'subdomain', 'manual', ?, '', ?, '[]', '[]', 5, 6, ?)",
      )
      connection.run("live", "live.test", "live", "txt", 7)
      connection.run("verified", "verified.test", "verified", "txt", null)
      connection.run("waiting", "waiting.test", "created", null, null)
      for (const table of ["traffic_minutes", "traffic_hours"])
        sqlite.run(
          `INSERT INTO ${table} (mapping_id, start, requests, status1xx, status2xx, status3xx, status4xx, status5xx, bytes_in, bytes_out, histogram) VALUES ('dom_1', 60000, 3, 0, 3, 0, 0, 0, 0, 0, x'')`,
        )
    },
    async (path) => {
      const db = await openDatabase(path)
      const rows = await db.selectFrom("trafficMinutes").select(["holderId", "requests"]).execute()
      expect([rows, (await db.selectFrom("trafficHours").selectAll().execute()).length]).toEqual([[{ holderId: "dom_1", requests: 3 }], 1])
      const held = await holdersOf(db, ["live.test", "verified.test", "waiting.test"])
      expect(held.sort((a, b) => a.since - b.since)).toEqual([
        { hostname: "verified.test", id: "verified", since: 5 },
        { hostname: "live.test", id: "live", since: 7 },
      ])
      await db.destroy()
    },
  )
})
