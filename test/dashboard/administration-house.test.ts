import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { copyFile, mkdir, rename, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { takeLock } from "../../src/backup/lock"
import { binary } from "../e2e/appliance"
import { hasChromium } from "../e2e/chromium"
import type { Person } from "../e2e/person"
import { temporaryFolder, waitUntil } from "../lab/process"
import { DashboardHouse, troublesIn, type Visit } from "./house"
import { soon } from "../e2e/soon"

type Notice = { type: string; opened: { kind: string }[] }

describe.skipIf(!hasChromium)("backups, alerts and the version in the administration", () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  let house: DashboardHouse
  let ada: Person
  let kept: string
  let program: string
  let isDeaf = false
  const notices: Notice[] = []
  let hook: Bun.Server<undefined>

  beforeAll(async () => {
    folder = await temporaryFolder("administration")
    kept = join(folder.path, "backups")
    program = join(folder.path, "freehold")
    await mkdir(kept)
    hook = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: async (req) => {
        if (isDeaf) return new Response("not now", { status: 503 })
        notices.push((await req.json()) as Notice)
        return new Response("thanks")
      },
    })
    // A program of this house's own, which an upgrade may replace.
    const given = process.env.FREEHOLD_BINARY
    await copyFile(await binary(), program)
    process.env.FREEHOLD_BINARY = program
    try {
      const settings = {
        FREEHOLD_BACKUP_TO: kept,
        FREEHOLD_BACKUP_PASSPHRASE: "a passphrase of the tests",
        FREEHOLD_BACKUP_EVERY: "off",
      }
      house = await DashboardHouse.open({ settings })
    } finally {
      if (given === undefined) delete process.env.FREEHOLD_BINARY
      else process.env.FREEHOLD_BINARY = given
    }
    await writeFile(house.house.configFile, `alert_webhook = "http://127.0.0.1:${hook.port}/a-secret-path"\n`)
    await house.house.restart()
    ada = await house.house.login()
    await ada.send("POST", "/storage/namespaces", { name: "photos", visibility: "private" })
    await ada.ask("PUT", "/storage/photos/hello.txt", "hello\n")
  })
  afterAll(async () => {
    await house?.stop()
    await hook?.stop(true)
    await folder?.remove()
  })

  const table = (visit: Visit, name: string) => visit.page.getByRole("region", { name, exact: true })
  const list = (visit: Visit, name: string) => visit.page.getByRole("list", { name, exact: true })

  test("a backup is made from the page and listed, and while another is under way that is said", async () => {
    const visit = await house.signedIn()
    await visit.go("/administration/backups", "Administration")
    await visit.page.getByText(kept).waitFor()
    await visit.page.getByText("No backup lies at the destination.").waitFor()
    const free = takeLock(house.house.dataDir)
    try {
      await visit.button("Back up now").click()
      await visit.page.getByRole("alert").getByText("A backup is under way").waitFor()
    } finally {
      free()
    }
    await visit.page.reload()
    await visit.button("Back up now").click()
    await table(visit, "Runs").getByText("Went well").waitFor({ timeout: 60_000 })
    await soon(() => table(visit, "Runs").innerText()).toMatch(/\d+(\.\d+)? (K|M)iB/)
    await soon(() => table(visit, "Runs").innerText()).toContain("1 in all, 1 new")
    const files = table(visit, "Files at the destination")
    await files.getByText(/freehold-.*\.age/).waitFor()
    await soon(() => files.getByRole("row").last().innerText()).toMatch(/(just now|minutes? ago)[\s\S]*iB/)
    expect(visit.faults).toEqual([])
    await visit.close()
  })

  test("a test of alerts says of each receiver what came of it", async () => {
    const visit = await house.signedIn()
    await visit.go("/administration/alerts", "Administration")
    const told = list(visit, "Who is told")
    const channel = (name: string) => told.getByRole("listitem").filter({ has: visit.page.getByRole("heading", { name, exact: true }) })
    await channel("Webhook").getByText("Set", { exact: true }).waitFor()
    await channel("Mail").getByText("Not set", { exact: true }).waitFor()
    await soon(() => channel("Mail").innerText()).toContain("alert_smtp_url")
    await visit.button("Send a test").click()
    await channel("Webhook").getByText("Took the test").waitFor()
    expect(notices.map(({ type }) => type)).toContain("test")
    isDeaf = true
    await visit.button("Send a test").click()
    await channel("Webhook").getByText("Did not take the test").waitFor()
    await channel("Webhook").getByText("Does not take it").waitFor()
    await soon(() => channel("Webhook").innerText()).toContain("503")
    expect(await visit.page.content()).not.toContain("a-secret-path")
    expect(await troublesIn(house, "administration-alerts-failing", (look) => look.go("/administration/alerts"))).toEqual([])
    isDeaf = false
    await visit.button("Send a test").click()
    await channel("Webhook").getByText("Set", { exact: true }).waitFor()
    expect(visit.faults).toEqual([])
    await visit.close()
  })

  test("a backup that fails is shown with its reason, told of by alerts, and Home leads to it", async () => {
    await rm(kept, { recursive: true })
    const visit = await house.signedIn()
    await visit.go("/administration/backups", "Administration")
    await visit.button("Back up now").click()
    const failed = table(visit, "Runs").getByRole("row").filter({ hasText: "Failed" })
    await failed.waitFor({ timeout: 60_000 })
    const reason = "no folder that is there"
    await failed.getByText(reason).waitFor()
    await visit.page.getByText("no folder that is there: make it, or mount it").waitFor()
    expect(await troublesIn(house, "administration-backups-filled", (look) => look.go("/administration/backups"))).toEqual([])

    await visit.go("/", "Home")
    await visit.page.getByRole("region", { name: "Needs attention" }).getByRole("link", { name: "Backups" }).click()
    await visit.page.waitForURL("**/administration/backups")
    await waitUntil(() => notices.some(({ opened }) => opened.some(({ kind }) => kind === "backup_failed")), {
      limitMs: 60_000,
      what: "the alert to be sent",
    })
    await visit.go("/administration/alerts", "Administration")
    const episode = list(visit, "Going on now").getByRole("listitem").filter({ hasText: "Backup failed" })
    await episode.getByText(reason).waitFor()
    await soon(() => episode.innerText()).toMatch(/began/)
    await soon(() => episode.getByRole("link", { name: "Backups" }).getAttribute("href")).toBe("/administration/backups")
    expect(await troublesIn(house, "administration-alerts", (look) => look.go("/administration/alerts"))).toEqual([])
    expect(visit.faults).toEqual([])
    await visit.close()
  }, 180_000)

  test("a program that was replaced on disk is told until the restart", async () => {
    const visit = await house.signedIn()
    await visit.go("/administration/system", "Administration")
    await visit.page.getByText(program).waitFor()
    await visit.page.getByText("None: no upgrade has changed this store yet.").waitFor()
    const waits = visit.page.getByText("Another program lies on disk, and waits for a restart")
    expect(await waits.count()).toBe(0)
    await copyFile(program, `${program}.new`)
    await rename(`${program}.new`, program)
    const copies = join(house.house.dataDir, "before-upgrade")
    await mkdir(copies)
    await writeFile(join(copies, "before-9999-later.20261130T072853Z.db"), "a store of before")
    await waits.waitFor()
    await visit.go("/", "Home")
    const attention = visit.page.getByRole("region", { name: "Needs attention" }).getByRole("listitem")
    await attention.filter({ hasText: "Waits for a restart" }).getByRole("link", { name: "Freehold" }).click()
    await visit.page.waitForURL("**/administration/system")
    await table(visit, "Copies of the store from before upgrades").getByText("before-9999-later").waitFor()
    expect(await troublesIn(house, "administration-system-upgrade", (look) => look.go("/administration/system"))).toEqual([])
    await house.house.restart()
    await visit.page.reload()
    await visit.page.getByText(program).waitFor()
    expect(await waits.count()).toBe(0)
    await visit.close()
  })

  test("where nobody is told any more, a test says which settings would", async () => {
    const visit = await house.signedIn()
    await visit.go("/administration/alerts", "Administration")
    await visit.button("Send a test").waitFor()
    await writeFile(house.house.configFile, "")
    await house.house.restart()
    await visit.button("Send a test").click()
    await visit.page.getByRole("heading", { name: "Nobody is told when something breaks" }).waitFor()
    await visit.page.getByText("alert_smtp_url, alert_mail_from, alert_mail_to").waitFor()
    expect(await troublesIn(house, "administration-alerts-none", (look) => look.go("/administration/alerts"))).toEqual([])
    await visit.close()
  })
})
