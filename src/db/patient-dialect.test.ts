import { Database } from "bun:sqlite"
import { afterEach, describe, expect, test } from "bun:test"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { AppError } from "../errors"
import { type Db, openDatabase } from "./open"

describe("a store that another process has locked", () => {
  const closing: (() => Promise<unknown> | void)[] = []
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close()
  })

  const open = async (): Promise<{ db: Db; other: Database }> => {
    const folder = await mkdtemp(join(tmpdir(), "freehold-patience-"))
    closing.push(() => rm(folder, { recursive: true, force: true }))
    const path = join(folder, "store.sqlite")
    const db = await openDatabase(path)
    const other = new Database(path)
    closing.push(
      () => db.destroy(),
      () => other.close(),
    )
    return { db, other }
  }
  const insert = (db: Db, key: string) => db.insertInto("plans").values({ key, limits: "{}" }).execute()
  const keys = async (db: Db) => (await db.selectFrom("plans").select("key").orderBy("key").execute()).map(({ key }) => key)

  test("is waited for without holding the thread up, and written once when it is free", async () => {
    const { db, other } = await open()
    other.run("BEGIN IMMEDIATE")
    let ticks = 0
    const ticking = setInterval(() => ticks++, 5)
    const writing = insert(db, "late")
    await Bun.sleep(400)
    clearInterval(ticking)
    // With SQLite's own waiting there would be none.
    expect(ticks).toBeGreaterThan(20)
    other.run("COMMIT")
    await writing
    expect(await keys(db)).toEqual(["late", "local"])
  })

  test("a transaction waits as a whole, and nothing of others comes between", async () => {
    const { db, other } = await open()
    other.run("BEGIN IMMEDIATE")
    const order: string[] = []
    const transaction = db.transaction().execute(async (tx) => {
      await insert(tx as unknown as Db, "a")
      order.push("a")
      await insert(tx as unknown as Db, "b")
      order.push("b")
    })
    const reading = keys(db).then((found) => order.push(found.join(",")))
    await Bun.sleep(50)
    other.run("COMMIT")
    await Promise.all([transaction, reading])
    expect(order).toEqual(["a", "b", "a,b,local"])
  })

  test("longer than five seconds is a fault that says so, and nothing is changed", async () => {
    const { db, other } = await open()
    other.run("BEGIN IMMEDIATE")
    const fault = await insert(db, "never").catch((error: unknown) => error)
    expect(fault).toBeInstanceOf(AppError)
    expect(fault).toMatchObject({
      code: "unavailable",
      message: "another process holds the store locked; nothing was changed, try again",
      retryAfterSeconds: 5,
    })
    other.run("COMMIT")
    expect(await keys(db)).toEqual(["local"])
    await insert(db, "after")
  })
})
