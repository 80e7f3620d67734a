import { describe, expect, test } from "bun:test"
import { hasChromium, startFullChromium } from "../e2e/chromium"
import { waitUntil } from "../lab/process"
import { filesHouse } from "./files-house"
import { DashboardHouse } from "./house"

const evil = `<!doctype html><title>harmless</title><p>page</p><script>document.title = "ran"; fetch("/stolen")</script><img src="data:," onerror="document.title = 'ran'">`

describe.skipIf(!hasChromium)("a file in the dashboard", () => {
  const here = filesHouse()
  const { api, namespace, put, namesIn, at } = here

  test("a file is shown with its facts, and a link to it opens without a session until it ends", async () => {
    await namespace("shown", { visibility: "public" })
    await put("shown/notes/hello.txt", "Hello, reader")
    const visit = await at("shown")
    await visit.page.getByRole("link", { name: "notes" }).click()
    await visit.page.getByRole("link", { name: "hello.txt" }).click()
    await visit.heading("hello.txt")
    await visit.page.getByText("Hello, reader").waitFor()
    await visit.page.getByText(new Bun.CryptoHasher("sha256").update("Hello, reader").digest("hex")).waitFor()
    await visit.page.getByText(`${here.house.house.url}/storage/shown/notes/hello.txt`).waitFor()
    const [download] = await Promise.all([visit.page.waitForEvent("download"), visit.page.getByRole("link", { name: "Download" }).click()])
    expect(download.suggestedFilename()).toBe("hello.txt")
    await visit.button("Share link").click()
    const dialog = visit.page.getByRole("dialog", { name: "Share hello.txt" })
    await dialog.getByLabel("It ends after").selectOption("1 hour")
    await dialog.getByRole("button", { name: "Create link" }).click()
    const link = await dialog.getByText("signature=").innerText()
    await dialog.getByText("in 59 minutes").waitFor()
    await api("PUT", "/storage/namespaces/shown", { visibility: "private" })
    const stranger = await here.house.visit()
    const answer = await stranger.page.goto(link)
    expect([answer?.status(), await answer?.text()]).toEqual([200, "Hello, reader"])
    expect((await stranger.page.goto(`${here.house.house.url}/storage/shown/notes/hello.txt`))?.status()).toBe(401)
    await stranger.close()
    await visit.page.keyboard.press("Escape")
    await visit.button("Actions for hello.txt").click()
    await visit.page.getByRole("menuitem", { name: "Delete file" }).click()
    await visit.page.getByRole("dialog").getByRole("button", { name: "Delete file" }).click()
    await visit.heading("shown")
    expect(await namesIn("shown")).toEqual([])
    expect(visit.faults).toEqual([])
    await visit.close()
  })

  test("an uploaded page is shown as its source, and runs nothing where it is opened", async () => {
    await namespace("pages")
    await put("pages/evil.html", evil, "text/html")
    await put("pages/evil.svg", `<svg xmlns="http://www.w3.org/2000/svg"><script>fetch("/stolen")</script></svg>`, "image/svg+xml")
    const visit = await here.house.signedIn()
    await visit.go("/files", "Files")
    const stolen: string[] = []
    visit.page.context().on("request", (request) => {
      if (request.url().includes("stolen")) stolen.push(request.url())
    })
    await visit.go("/files/in/pages/file?name=evil.svg", "evil.svg")
    await visit.page.getByRole("img", { name: "Preview of evil.svg" }).waitFor()
    await visit.go("/files/in/pages/file?name=evil.html", "evil.html")
    await visit.page.getByText("Shown as text, so nothing in it runs.").waitFor()
    await visit.page.getByText("<script>").waitFor()
    const [opened] = await Promise.all([
      visit.page.context().waitForEvent("page"),
      visit.page.getByRole("link", { name: "Open in a new tab" }).click(),
    ])
    await opened.getByText("page").waitFor()
    await opened.waitForLoadState("networkidle")
    expect(visit.faults).toEqual([])
    expect([await opened.title(), stolen, await opened.evaluate(() => self.origin)]).toEqual(["harmless", [], "null"])
    await visit.close()
  })

  test("a PDF is drawn in its frame", async () => {
    const full = await DashboardHouse.open(here.house.house, startFullChromium)
    try {
      const visit = await full.signedIn()
      await visit.go("/files", "Files")
      await namespace("papers")
      await put("papers/paper.pdf", new Uint8Array(await visit.page.pdf()), "application/pdf")
      const paper = visit.page.waitForResponse("**/storage/papers/paper.pdf?*")
      await visit.go("/files/in/papers/file?name=paper.pdf", "paper.pdf")
      expect((await paper).headers()["content-type"]).toBe("application/pdf")
      // The viewer alone is one dark colour; a page in it is a picture of many.
      const frame = visit.page.locator('iframe[title="Preview of paper.pdf"]')
      await waitUntil(async () => (await frame.screenshot()).length > 15_000, {
        limitMs: 120_000,
        everyMs: 500,
        what: "the PDF to be drawn",
      })
      await visit.shot("file-pdf")
      expect(visit.faults).toEqual([])
    } finally {
      await full.stop()
    }
  })
})
