import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { mkdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import type { Locator } from "playwright-core"
import { hasChromium } from "../e2e/chromium"
import type { Person } from "../e2e/person"
import { runProgram } from "../e2e/program"
import { findProgram } from "../lab/dns"
import { temporaryFolder, waitUntil } from "../lab/process"
import { DashboardHouse, narrow, troublesIn, type Visit, wide } from "./house"

const mebi = 1024 * 1024
const evil = `<!doctype html><title>harmless</title><p>page</p><script>document.title = "ran"; fetch("/stolen")</script><img src="data:," onerror="document.title = 'ran'">`

describe.skipIf(!hasChromium)("files in the dashboard", () => {
  let house: DashboardHouse
  let person: Person
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  beforeAll(async () => {
    house = await DashboardHouse.open()
    person = await house.house.login()
    folder = await temporaryFolder("files")
  })
  afterAll(async () => {
    await house?.stop()
    await folder?.remove()
  })

  const api = (method: string, path: string, body?: unknown) => house.house.api(method, path, { token: person.token, body })
  const namespace = async (name: string, change?: object) => {
    await api("POST", "/storage/namespaces", { name })
    if (change !== undefined) expect((await api("PUT", `/storage/namespaces/${name}`, change)).status).toBe(200)
  }
  const put = async (place: string, body: string | Uint8Array<ArrayBuffer>, type = "text/plain") => {
    const headers = { authorization: `Bearer ${person.token}`, "content-type": type }
    expect((await fetch(`${house.house.url}/storage/${place}`, { method: "PUT", headers, body })).status).toBe(200)
  }
  const namesIn = async (name: string) =>
    (JSON.parse((await api("GET", `/storage/files?namespace=${name}`)).text) as { name: string }[]).map((file) => file.name)
  const at = async (name: string, visit?: Visit) => {
    const here = visit ?? (await house.signedIn())
    await here.go(`/files/in/${name}`, name)
    return here
  }
  const file = async (name: string, content: string | Uint8Array) => {
    const path = join(folder.path, name)
    await writeFile(path, content)
    return path
  }
  const choose = async (visit: Visit, button: string | RegExp, ...paths: string[]) => {
    const [chooser] = await Promise.all([visit.page.waitForEvent("filechooser"), visit.button(button).first().click()])
    await chooser.setFiles(paths)
  }
  const tray = ({ page }: Visit): Locator => page.getByRole("region", { name: "Uploads" }).first()
  const trayText = async (visit: Visit, text: string | RegExp) => tray(visit).getByText(text).first().waitFor()

  test("a namespace is made, and a name that is not allowed is told as it is typed", async () => {
    const visit = await house.signedIn()
    await visit.go("/files", "Files")
    await visit.page.getByText("No namespaces yet").waitFor()
    await visit.button("New namespace").first().click()
    const name = visit.page.getByRole("textbox", { name: "Name" })
    await name.fill("my photos!")
    await visit.page.getByRole("alert").getByText("1 to 63 letters").waitFor()
    await name.fill("keys")
    await visit.page.getByRole("alert").getByText("a word of the API itself").waitFor()
    await name.fill("photos")
    await visit.page.getByLabel("Public").check()
    await visit.button("Create namespace").click()
    await visit.heading("photos")
    expect(new URL(visit.page.url()).pathname).toBe("/files/in/photos")
    expect(JSON.parse((await api("GET", "/storage/namespaces/photos")).text)).toMatchObject({ visibility: 1 })
    // Taken by now: the API says so at the form, which keeps what was typed.
    await visit.page.goto("/files?new=1")
    await name.fill("photos")
    await visit.button("Create namespace").click()
    await visit.page.getByRole("alert").getByText("Namespace already exists.").waitFor()
    expect(await name.inputValue()).toBe("photos")
    expect(await name.evaluate((field) => field === document.activeElement)).toBe(true)
    expect(visit.faults).toEqual([])
    await visit.close()
  })

  test("who may read, how much and whether versions are kept is changed; what a deletion takes is named first", async () => {
    await namespace("settled")
    await put("settled/a.txt", "first")
    const visit = await at("settled")
    await visit.button("Actions for settled").click()
    await visit.page.getByRole("menuitem", { name: "Settings" }).click()
    await visit.page.getByLabel("Public").check()
    await visit.page.getByLabel("At most").fill("lots")
    await visit.page.getByRole("alert").getByText("A number above zero").waitFor()
    await visit.page.getByLabel("At most").fill("1.5")
    await visit.page.getByLabel("Keep what is replaced").check()
    await visit.button("Save settings").click()
    await visit.page.getByRole("dialog", { name: "Settings of settled" }).waitFor({ state: "detached" })
    const { text } = await api("GET", "/storage/namespaces/settled")
    expect(JSON.parse(text)).toMatchObject({ visibility: 1, quota_bytes: 1.5 * 1024 ** 3, versioning: "enabled" })
    await visit.button("Actions for settled").click()
    await visit.page.getByRole("menuitem", { name: "Delete namespace" }).click()
    const dialog = visit.page.getByRole("dialog")
    await dialog.getByText("1 file, 5 B, go with it").waitFor()
    await dialog.getByText("a.txt").waitFor()
    const button = dialog.getByRole("button", { name: "Delete namespace" })
    expect(await button.isDisabled()).toBe(true)
    await dialog.getByLabel("Type settled to confirm").fill("settled")
    await button.click()
    await visit.heading("Files")
    expect((await api("GET", "/storage/namespaces/settled")).status).toBe(404)
    await visit.close()
  })

  test("files come by the chooser and whole folders by drop, and the tray stays on other pages", async () => {
    await namespace("inbox")
    const visit = await at("inbox")
    await choose(visit, "Upload files", await file("one.txt", "one"), await file("two.txt", "two"))
    await trayText(visit, "2 uploads done")
    await mkdir(join(folder.path, "album/summer"), { recursive: true })
    await file("album/a.txt", "a")
    await file("album/summer/b.txt", "b")
    await file("album/summer/c.txt", "")
    await drop(visit, [join(folder.path, "album"), await file("three.txt", "three")])
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
    await mkdir(join(folder.path, "other"), { recursive: true })
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
    const got = await fetch(`${house.house.url}/storage/large/large.bin`, { headers: { authorization: `Bearer ${person.token}` } })
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

  test("several are selected by the keyboard and deleted, folders with all that is in them", async () => {
    await namespace("full")
    for (const name of ["dir/1", "dir/sub/2", "a", "b", "c"]) await put(`full/${name}`, "x")
    const visit = await at("full")
    await visit.page.getByLabel("Select dir", { exact: true }).focus()
    await visit.page.keyboard.press("Space")
    for (let step = 0; step < 2; step++) await visit.page.keyboard.press("Shift+ArrowDown")
    await visit.page.getByText("3 selected").waitFor()
    await visit.page.keyboard.press("Delete")
    const dialog = visit.page.getByRole("dialog", { name: "Delete 3 things?" })
    await dialog.getByText("4 files, 4 B.").waitFor()
    await dialog.getByLabel("Type full to confirm").fill("full")
    await dialog.getByRole("button", { name: "Delete 4 files" }).click()
    await dialog.waitFor({ state: "detached" })
    expect(await namesIn("full")).toEqual(["c"])
    await visit.close()
  })

  test("thousands are listed as they are scrolled to, searched by their beginning, and sorted", async () => {
    await namespace("many")
    const { id, secret } = JSON.parse((await api("POST", "/storage/keys", { name: "many" })).text) as { id: string; secret: string }
    const { S3Client, PutObjectCommand } = await import("@aws-sdk/client-s3")
    const client = new S3Client({
      endpoint: house.house.url,
      region: "us-east-1",
      forcePathStyle: true,
      credentials: { accessKeyId: id, secretAccessKey: secret },
    })
    for (let from = 0; from < 1200; from += 50)
      await Promise.all(
        Array.from({ length: 50 }, (_, index) => {
          const number = from + index
          const Body = "x".repeat(number === 777 ? 5000 : 10)
          return client.send(new PutObjectCommand({ Bucket: "many", Key: `file-${String(number).padStart(4, "0")}.txt`, Body }))
        }),
      )
    const visit = await at("many")
    await visit.page.getByText("1,000 entries, more below").waitFor()
    expect(await visit.page.getByRole("listitem").count()).toBeLessThan(100)
    await visit.page.evaluate(() => window.scrollTo(0, document.body.scrollHeight))
    await visit.page.getByText("1,200 entries").waitFor()
    await visit.page.getByLabel("Sort by").selectOption("size")
    await visit.button("Reverse the order").click()
    await visit.page.evaluate(() => window.scrollTo(0, 0))
    await visit.page.locator('li[data-index="0"]').getByText("file-0777.txt").waitFor()
    expect(new URL(visit.page.url()).search).toContain("sort=size")
    await visit.page.getByRole("searchbox").fill("file-11")
    await visit.page.getByText("100 entries").waitFor()
    await visit.page.getByRole("searchbox").fill("nothing")
    await visit.page.getByText("Nothing begins with that").waitFor()
    await visit.button("Show the whole folder").click()
    await visit.page.getByText("1,200 entries").waitFor()
    await visit.close()
  }, 90_000)

  test("a file is shown with its facts, and a link to it opens without a session until it ends", async () => {
    await namespace("shown", { visibility: "public" })
    await put("shown/notes/hello.txt", "Hello, reader")
    const visit = await at("shown")
    await visit.page.getByRole("link", { name: "notes" }).click()
    await visit.page.getByRole("link", { name: "hello.txt" }).click()
    await visit.heading("hello.txt")
    await visit.page.getByText("Hello, reader").waitFor()
    await visit.page.getByText(new Bun.CryptoHasher("sha256").update("Hello, reader").digest("hex")).waitFor()
    await visit.page.getByText(`${house.house.url}/storage/shown/notes/hello.txt`).waitFor()
    const [download] = await Promise.all([visit.page.waitForEvent("download"), visit.page.getByRole("link", { name: "Download" }).click()])
    expect(download.suggestedFilename()).toBe("hello.txt")
    await visit.button("Share link").click()
    const dialog = visit.page.getByRole("dialog", { name: "Share hello.txt" })
    await dialog.getByLabel("It ends after").selectOption("1 hour")
    await dialog.getByRole("button", { name: "Create link" }).click()
    const link = await dialog.getByText("signature=").innerText()
    await dialog.getByText("in 59 minutes").waitFor()
    await api("PUT", "/storage/namespaces/shown", { visibility: "private" })
    const stranger = await house.visit()
    const answer = await stranger.page.goto(link)
    expect([answer?.status(), await answer?.text()]).toEqual([200, "Hello, reader"])
    expect((await stranger.page.goto(`${house.house.url}/storage/shown/notes/hello.txt`))?.status()).toBe(401)
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
    const visit = await house.signedIn()
    await visit.go("/files", "Files")
    await put("pages/paper.pdf", new Uint8Array(await visit.page.pdf()), "application/pdf")
    const stolen: string[] = []
    visit.page.context().on("request", (request) => {
      if (request.url().includes("stolen")) stolen.push(request.url())
    })
    await visit.go("/files/in/pages/file?name=evil.svg", "evil.svg")
    await visit.page.getByRole("img", { name: "Preview of evil.svg" }).waitFor()
    const paper = visit.page.waitForResponse("**/storage/pages/paper.pdf?*")
    await visit.go("/files/in/pages/file?name=paper.pdf", "paper.pdf")
    expect((await paper).headers()["content-type"]).toBe("application/pdf")
    // The viewer alone is one dark colour; a page in it is a picture of many.
    const frame = visit.page.locator('iframe[title="Preview of paper.pdf"]')
    await waitUntil(async () => (await frame.screenshot()).length > 15_000, { what: "the PDF to be drawn" })
    await visit.shot("file-pdf")
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

  test("an S3 key is made with scopes, and its rclone snippet works as it stands", async () => {
    await namespace("backups")
    const visit = await house.signedIn()
    await visit.go("/files/keys", "S3 keys")
    await visit.button("New S3 key").first().click()
    await visit.page.getByRole("textbox", { name: "Name" }).fill("laptop")
    await visit.page.getByLabel("It may use").selectOption("One namespace")
    await visit.page.getByLabel("Namespace", { exact: true }).selectOption("backups")
    await visit.page.getByText(`storage.${person.id}.files.backups: create, read, delete`).waitFor()
    await visit.button("Create key").click()
    await visit.page.getByRole("dialog", { name: "Copy the secret now" }).waitFor()
    const snippet = await visit.page.getByLabel("Snippet for rclone").innerText()
    expect(snippet).toContain(`endpoint = https://s3.freehold.localhost:${house.house.ports.https}`)
    await visit.page.getByLabel("Ready to paste").selectOption("AWS SDK for JavaScript")
    await visit.page.getByText("forcePathStyle: true").waitFor()
    await visit.button("I have copied it").click()
    await visit.page.getByRole("cell", { name: "backups" }).waitFor()
    await visit.page.getByRole("cell", { name: "Never" }).waitFor()
    const rclone = findProgram("rclone")
    if (rclone !== undefined) {
      const [config, root, hosts] = [
        await file("rclone.conf", snippet),
        await file("root.pem", (await house.house.api("GET", "/ca.pem")).text),
        await file("hosts", "127.0.0.1 localhost s3.freehold.localhost\n"),
      ]
      const own = process.getuid?.() === 0 ? ["unshare", "-m"] : ["unshare", "-rm"]
      const within = ["sh", "-c", 'mount --bind "$1" /etc/hosts && shift && exec "$@"', "sh", hosts]
      const run = (...args: string[]) =>
        runProgram([...own, ...within, rclone, "--config", config, ...args], {
          environment: { HOME: folder.path, PATH: process.env.PATH ?? "", SSL_CERT_FILE: root },
        })
      const copied = await run("copyto", await file("saved.txt", "saved"), "freehold:backups/saved.txt")
      expect([copied.code, copied.err]).toEqual([0, ""])
      expect(await namesIn("backups")).toEqual(["saved.txt"])
      expect((await run("copyto", join(folder.path, "saved.txt"), "freehold:inbox/saved.txt", "--retries", "1")).code).not.toBe(0)
      await visit.page.reload()
      await visit.page.getByRole("cell", { name: "Never" }).waitFor({ state: "detached" })
    }
    await visit.button("Delete key laptop").click()
    await visit.page.getByRole("dialog").getByRole("button", { name: "Delete key" }).click()
    await visit.page.getByRole("cell", { name: "laptop" }).waitFor({ state: "detached" })
    await visit.close()
  })

  test("an administrator sets what a person may store, and has everything read again", async () => {
    const visit = await house.signedIn()
    await visit.go("/files/admin", "Storage administration")
    await visit.button("Change quota ada").click()
    await visit.page.getByLabel("At most").fill("20")
    await visit.button("Save quota").click()
    await visit.page.getByText("of 20.0 GiB").waitFor()
    expect(JSON.parse((await api("GET", "/storage/usage")).text)).toMatchObject({ quota_bytes: 20 * 1024 ** 3 })
    await visit.button("Read everything again").click()
    await visit.page.getByText("Everything is read again, slowly.").waitFor()
    await visit.page.getByText("No faults are known.").waitFor()
    await visit.close()
  })

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
    const troubles = await troublesIn(house, name, async (visit) => {
      await visit.page.goto(path)
      if (heading === "") await visit.page.getByRole("dialog").waitFor()
      else await visit.heading(heading)
      await visit.settled()
    })
    expect(troubles).toEqual([])
  })

  test.each([wide, narrow])("uploads, their questions and a new key are accessible", async (look) => {
    await furnish()
    const visit = await house.signedIn(look)
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

  let isFurnished = false
  async function furnish() {
    if (isFurnished) return
    isFurnished = true
    await namespace("gallery", { visibility: "public", quota_bytes: 50 * mebi, versioning: "enabled" })
    await namespace("bare")
    await put("gallery/notes.txt", "old")
    await put("gallery/readme.md", "old")
    for (const name of ["spring", "summer/july"]) await put(`gallery/2026/${name}/a.jpg`, "no picture")
    await put("gallery/2026/readme.md", "# Pictures of 2026\n\nTaken by Ada.\n")
    await put("gallery/2026/readme.md", "# Pictures of 2026\n\nTaken by Ada and by Charles.\n")
    await put("gallery/2026/a very long name of a file that somebody gave it without thinking of narrow screens.tar.gz", "x".repeat(70_000))
    const visit = await house.signedIn()
    await visit.go("/files")
    await put("gallery/2026/picture.png", new Uint8Array(await visit.page.screenshot()), "image/png")
    await visit.close()
  }
})

/** Drops files and folders of the disk onto the page, as a person does. */
async function drop({ page }: Visit, paths: string[]): Promise<void> {
  const session = await page.context().newCDPSession(page)
  const data = { items: [], files: paths, dragOperationsMask: 1 }
  for (const type of ["dragEnter", "dragOver"] as const) await session.send("Input.dispatchDragEvent", { type, x: 600, y: 500, data })
  await page.getByText(/Drop to upload into/).waitFor()
  await session.send("Input.dispatchDragEvent", { type: "drop", x: 600, y: 500, data })
}
