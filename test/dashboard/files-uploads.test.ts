import { describe, expect, test } from "bun:test"
import { mkdir } from "node:fs/promises"
import { join } from "node:path"
import { hasChromium } from "../e2e/chromium"
import { filesHouse, mebi } from "./files-house"

describe.skipIf(!hasChromium)("uploads in the dashboard", () => {
  const here = filesHouse()
  const { api, namespace, put, namesIn, at, file, choose, tray, trayText, drop } = here

  test("files come by the chooser and whole folders by drop, and the tray stays on other pages", async () => {
    await namespace("inbox")
    const visit = await at("inbox")
    await choose(visit, "Upload files", await file("one.txt", "one"), await file("two.txt", "two"))
    await trayText(visit, "2 uploads done")
    await mkdir(join(here.folder.path, "album/summer"), { recursive: true })
    await file("album/a.txt", "a")
    await file("album/summer/b.txt", "b")
    await file("album/summer/c.txt", "")
    await drop(visit, [join(here.folder.path, "album"), await file("three.txt", "three")])
    await trayText(visit, "6 uploads done")
    expect(await namesIn("inbox")).toEqual(["album/a.txt", "album/summer/b.txt", "album/summer/c.txt", "one.txt", "three.txt", "two.txt"])
    const list = visit.page.getByRole("list", { name: "Contents of inbox/" })
    await list.getByRole("link", { name: "album" }).click()
    await visit.page.getByRole("link", { name: "summer" }).click()
    await visit.page.getByRole("link", { name: "b.txt" }).waitFor()
    expect(new URL(visit.page.url()).searchParams.get("prefix")).toBe("album/summer/")
    // By links of the page itself, so that nothing is loaded anew.
    await visit.page.getByRole("navigation", { name: "Freehold" }).getByRole("link", { name: "Containers" }).click()
    await visit.heading("Containers")
    await trayText(visit, "6 uploads done")
    await visit.button("Close uploads").click()
    await tray(visit).waitFor({ state: "detached" })
    await visit.page.goBack()
    await visit.page.getByRole("navigation", { name: "Folders" }).getByRole("link", { name: "album" }).click()
    await visit.page.getByRole("link", { name: "a.txt" }).waitFor()
    expect(visit.faults).toEqual([])
    await visit.close()
  })

  test("a large upload is paused, broken off by a reload, and goes on where it was", async () => {
    await namespace("large")
    const path = await file("large.bin", new Uint8Array(40 * mebi).fill(7))
    const visit = await at("large")
    const network = await visit.page.context().newCDPSession(visit.page)
    const slow = (bytesPerSecond: number) =>
      network.send("Network.emulateNetworkConditions", {
        offline: false,
        latency: 0,
        downloadThroughput: -1,
        uploadThroughput: bytesPerSecond,
      })
    await network.send("Network.enable")
    await slow(4 * mebi)
    await choose(visit, "Upload files", path)
    const bar = visit.page.getByRole("progressbar", { name: "Progress of large.bin" })
    const share = async () => Number(await bar.getAttribute("aria-valuenow"))
    const above = (least: number) =>
      visit.page.waitForFunction(
        (least) => Number(document.querySelector('[aria-label="Progress of large.bin"]')?.getAttribute("aria-valuenow")) > least,
        least,
      )
    await above(15)
    await visit.button("Pause large.bin").click()
    await trayText(visit, "Paused: 0 of 1 done")
    const held = await share()
    await visit.button("Resume large.bin").click()
    await above(held + 10)
    const warned = visit.page.waitForEvent("dialog").then(async (dialog) => {
      await dialog.accept()
      return dialog.type()
    })
    await visit.page.reload()
    expect(await warned).toBe("beforeunload")
    await visit.heading("large")
    await visit.page.getByText("1 upload broke off and can go on").waitFor()
    const kept = await visit.page.evaluate(() => JSON.stringify({ ...localStorage }))
    expect(kept).toContain("/storage/uploads/")
    expect(kept).not.toMatch(/ey[\w-]+\.[\w-]+\.|token/i)
    // Another file of that name is not taken for it.
    await mkdir(join(here.folder.path, "other"), { recursive: true })
    await choose(visit, "Choose the file again", await file("other/large.bin", "short"))
    await visit.page.getByRole("alert").getByText("That is another file").waitFor()
    await slow(-1)
    const sentFrom: number[] = []
    visit.page.on("request", (request) => {
      if (request.method() === "PATCH") sentFrom.push(Number(request.headers()["upload-offset"]))
    })
    await choose(visit, "Choose the file again", path)
    await trayText(visit, "1 upload done")
    expect(sentFrom.length).toBe(1)
    expect(sentFrom[0]).toBeGreaterThan(4 * mebi)
    const got = await fetch(`${here.house.house.url}/storage/large/large.bin`, {
      headers: { authorization: `Bearer ${here.person.token}` },
    })
    const bytes = new Uint8Array(await got.arrayBuffer())
    expect([bytes.length, bytes.every((byte) => byte === 7)]).toEqual([40 * mebi, true])
    expect(await visit.page.evaluate(() => Object.keys(localStorage).filter((key) => key.startsWith("tus::")))).toEqual([])
    await visit.close()
  }, 90_000)

  test("what the quota keeps out is told in the API's words, and goes in when there is room", async () => {
    await namespace("small", { quota_bytes: 1000 })
    const visit = await at("small")
    await choose(visit, "Upload files", await file("big.txt", "x".repeat(2000)))
    await trayText(visit, "1 upload failed")
    await trayText(visit, /Quota reached: the namespace small may have 1000 bytes/)
    await api("PUT", "/storage/namespaces/small", { quota_bytes: null })
    await visit.button("Try big.txt again").click()
    await trayText(visit, "1 upload done")
    expect(await namesIn("small")).toEqual(["big.txt"])
    await visit.close()
  })

  test("a name that is taken is asked about once, with an answer for all", async () => {
    await namespace("taken")
    for (const name of ["a.txt", "b.txt", "c.tar.gz"]) await put(`taken/${name}`, "old")
    const paths = await Promise.all(["a.txt", "b.txt", "c.tar.gz", "d.txt"].map((name) => file(name, "new")))
    const visit = await at("taken")
    const answer = async (button: string, isForAll: boolean) => {
      await choose(visit, "Upload files", ...paths)
      const dialog = visit.page.getByRole("dialog", { name: /is already there/ })
      await dialog.waitFor()
      if (isForAll) await dialog.getByLabel("Do the same with all others").check()
      await dialog.getByRole("button", { name: button }).click()
      await dialog.waitFor({ state: "detached" })
      await trayText(visit, /uploads? done/)
      await visit.page.waitForFunction(
        () => !/Uploading|Waiting/.test(document.querySelector('section[aria-label="Uploads"]')?.textContent ?? ""),
      )
    }
    await answer("Keep both", true)
    expect(await namesIn("taken")).toEqual(["a (2).txt", "a.txt", "b (2).txt", "b.txt", "c (2).tar.gz", "c.tar.gz", "d.txt"])
    await visit.button("Close uploads").click()
    await answer("Replace", true)
    expect((await api("GET", "/storage/taken/a.txt")).text).toBe("new")
    expect((await namesIn("taken")).length).toBe(7)
    await visit.button("Close uploads").click()
    await choose(visit, "Upload files", ...paths.slice(0, 2))
    for (const name of ["a.txt", "b.txt"]) {
      const dialog = visit.page.getByRole("dialog", { name: `${name} is already there` })
      await dialog.waitFor()
      await visit.page.keyboard.press("Escape")
      await dialog.waitFor({ state: "detached" })
    }
    await trayText(visit, "2 skipped")
    await visit.close()
  })
})
