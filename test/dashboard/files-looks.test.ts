import { describe, expect, test } from "bun:test"
import { hasChromium } from "../e2e/chromium"
import { filesHouse } from "./files-house"
import { narrow, troublesIn, wide } from "./house"

describe.skipIf(!hasChromium)("how the pages of files look", () => {
  const here = filesHouse()
  const { at, file, choose, trayText, furnish } = here

  test.each([
    ["namespaces", "/files", "Files"],
    ["folder", "/files/in/gallery?prefix=2026%2F", "gallery"],
    ["folder-empty", "/files/in/bare", "bare"],
    ["file-image", "/files/in/gallery/file?name=2026%2Fpicture.png", "picture.png"],
    ["file-text", "/files/in/gallery/file?name=2026%2Freadme.md", "readme.md"],
    ["keys", "/files/keys", "S3 keys"],
    ["admin", "/files/admin", "Storage administration"],
    ["create", "/files?new=1", ""],
  ])("%s is accessible in both themes, wide and narrow", async (name, path, heading) => {
    await furnish()
    const troubles = await troublesIn(here.house, name, async (visit) => {
      await visit.page.goto(path)
      if (heading === "") await visit.page.getByRole("dialog").waitFor()
      else await visit.heading(heading)
      await visit.settled()
    })
    expect(troubles).toEqual([])
  })

  test.each([wide, narrow])("uploads, their questions and a new key are accessible", async (look) => {
    await furnish()
    const visit = await here.house.signedIn(look)
    await at("gallery", visit)
    await choose(
      visit,
      "Upload files",
      await file("notes.txt", "new"),
      await file("readme.md", "new"),
      await file(`${"x".repeat(60)}${look.width}`, "new"),
    )
    await visit.page.getByRole("dialog", { name: /is already there/ }).waitFor()
    await visit.shot("conflict")
    expect(await visit.complaints()).toEqual([])
    await visit.page.getByLabel("Do the same with all others").check()
    await visit.button("Skip").click()
    if (look === narrow) await visit.button("Show uploads").click()
    await trayText(visit, "1 upload done · 2 skipped")
    await visit.shot("tray")
    expect(await visit.complaints()).toEqual([])
    expect(await visit.overflow()).toBeLessThanOrEqual(0)
    await visit.page.goto("/files/keys?new=1")
    await visit.page.getByRole("textbox", { name: "Name" }).fill("another")
    await visit.button("Create key").click()
    await visit.page.getByLabel("Snippet for rclone").waitFor()
    await visit.shot("new-key")
    expect(await visit.complaints()).toEqual([])
    expect(await visit.overflow()).toBeLessThanOrEqual(0)
    await visit.close()
  })
})
