import { expect, test } from "bun:test"
import { completeConfig } from "../config"
import { openDatabase } from "../db/open"
import { silentLog } from "../log"
import { Vault } from "../vault"
import { Webhooks } from "./webhooks"

test("the system's resolver is asked, and a range that the settings open counts from then on", async () => {
  const db = await openDatabase(":memory:")
  const person = { id: "ada", username: "ada", displayName: "", passwordHash: "", isAdmin: 0, createdAt: 1, disabledAt: null }
  await db.insertInto("people").values(person).execute()
  const config = { current: completeConfig({}) }
  const part = new Webhooks({
    config,
    db,
    vault: new Vault("ab".repeat(32)),
    ownListeners: () => [],
    rootPem: async () => "",
    log: silentLog,
    now: Date.now,
  })
  part.start()
  try {
    const caller = { personId: "ada", environment: undefined }
    const create = () => part.service.create(caller, { url: "https://localhost/" })
    await expect(create()).rejects.toThrow("url: localhost leads to a loopback address")
    config.current = completeConfig({ webhook_allow: ["127.0.0.0/8", "::1/128"] })
    expect((await create()).url).toBe("https://localhost/")
  } finally {
    await part.stop()
    await db.destroy()
  }
})
