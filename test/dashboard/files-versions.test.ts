import { describe, expect, test } from "bun:test"
import { hasChromium } from "../e2e/chromium"
import { filesHouse } from "./files-house"
import { troublesIn } from "./house"
import { soon } from "../e2e/soon"

describe.skipIf(!hasChromium)("versions of a file in the dashboard", () => {
  const here = filesHouse()
  const { api, namespace, put } = here
  const versionsOf = async (name: string, file = "a.txt") =>
    JSON.parse((await api("GET", `/storage/files/versions?namespace=${name}&name=${file}`)).text) as { version_id: string; size: number }[]
  const read = async (place: string) => (await api("GET", `/storage/${place}`)).text

  test("an older version is looked at, saved, restored, and that is undone", async () => {
    await namespace("kept", { versioning: "enabled" })
    for (const text of ["the first", "the second"]) await put("kept/a.txt", text)
    const visit = await here.house.signedIn()
    const { page } = visit
    await visit.go("/files/in/kept/file?name=a.txt", "a.txt")
    await page.getByText("the second").waitFor()
    const older = page.getByRole("list", { name: "Versions" }).getByRole("link")
    await soon(() => older.count()).toBe(2)
    await older.nth(1).click()
    await page.getByText("the first").waitFor()
    await page.getByText("You are looking at an older version").waitFor()
    expect(new URL(page.url()).searchParams.get("version")).toBe((await versionsOf("kept"))[1]?.version_id ?? "none")
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "Download this version" }).click()])
    expect([download.suggestedFilename(), await Bun.file(await download.path()).text()]).toEqual(["a.txt", "the first"])
    await page.goBack()
    await page.getByText("the second").waitFor()
    await page.goForward()
    await visit.button("Restore this version").click()
    await page.getByText("The version is current again").waitFor()
    await page.getByText("You are looking at an older version").waitFor({ state: "detached" })
    expect([await read("kept/a.txt"), (await versionsOf("kept")).length]).toEqual(["the first", 3])
    await visit.button("Undo").click()
    await page.getByText("the second").waitFor()
    expect([await read("kept/a.txt"), (await versionsOf("kept")).length]).toEqual(["the second", 2])
    expect(visit.faults).toEqual([])
    await visit.close()
  })

  test("a deletion says what goes, and a deleted file comes back by its version or by undoing", async () => {
    await namespace("gone", { versioning: "enabled" })
    for (const text of ["one", "two", "three"]) await put("gone/a.txt", text)
    const visit = await here.house.signedIn()
    const { page } = visit
    await visit.go("/files/in/gone/file?name=a.txt", "a.txt")
    const rows = page.getByRole("list", { name: "Versions" }).getByRole("listitem")
    const remove = async (row: number, item: string) => {
      await rows.nth(row).getByRole("button").click()
      await page.getByRole("menuitem", { name: item }).click()
    }
    await remove(2, "Delete version")
    const dialog = page.getByRole("dialog")
    await dialog.getByText("3 B are deleted for good. The file as it is now stays.").waitFor()
    await dialog.getByRole("button", { name: "Delete version" }).click()
    await dialog.waitFor({ state: "detached" })
    expect((await versionsOf("gone")).length).toBe(2)
    await remove(0, "Delete version")
    await dialog.getByText("the version before it becomes the file").waitFor()
    await dialog.getByRole("button", { name: "Delete version" }).click()
    await dialog.waitFor({ state: "detached" })
    await page.getByText("two", { exact: true }).waitFor()
    expect(await read("gone/a.txt")).toBe("two")
    await visit.button("Actions for a.txt").click()
    await page.getByRole("menuitem", { name: "Delete file" }).click()
    await dialog.getByText("Their versions stay, and can be restored.").waitFor()
    await dialog.getByRole("button", { name: "Delete file" }).click()
    await visit.heading("gone")
    expect((await api("GET", "/storage/gone/a.txt")).status).toBe(404)
    await visit.go("/files/in/gone/file?name=a.txt", "a.txt")
    await page.getByText("Deleted here").waitFor()
    await remove(1, "Restore this version")
    await page.getByText("two", { exact: true }).waitFor()
    expect(await read("gone/a.txt")).toBe("two")
    expect(visit.faults).toEqual([])
    await visit.close()
  })

  test("a version that is gone by now is told, with the way back", async () => {
    await namespace("late", { versioning: "enabled" })
    for (const text of ["old text", "new text"]) await put("late/a.txt", text)
    const [, older] = await versionsOf("late")
    const visit = await here.house.signedIn()
    await visit.go(`/files/in/late/file?name=a.txt&version=${older?.version_id}`, "a.txt")
    await visit.page.getByText("old text").waitFor()
    await api("DELETE", `/storage/late/a.txt?version_id=${older?.version_id}`)
    await visit.page.reload()
    await visit.page.getByText("This version is not there any more.").waitFor()
    await visit.page.getByRole("link", { name: "Back to the current version" }).click()
    await visit.page.getByText("new text").waitFor()
    await visit.close()
  })

  test("an older version is accessible in both themes, wide and narrow", async () => {
    await namespace("looks", { versioning: "enabled" })
    for (const text of ["# Plan\n\nStay.\n", "# Plan\n\nGo by train.\n", "# Plan\n\nGo by train, and back by boat.\n"])
      await put("looks/a.txt", text)
    const [, older] = await versionsOf("looks")
    const troubles = await troublesIn(here.house, "file-version", async (visit) => {
      await visit.go(`/files/in/looks/file?name=a.txt&version=${older?.version_id}`, "a.txt")
      await visit.page.getByText("Go by train.").waitFor()
    })
    expect(troubles).toEqual([])
  })
})
