import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { type Appliance, startAppliance } from "../e2e/appliance"
import { hasChromium } from "../e2e/chromium"
import type { Person } from "../e2e/person"
import { type PodmanLab, podmanObstacle, startPodman } from "../lab/podman"
import { waitUntil } from "../lab/process"
import { DashboardHouse, type Visit } from "./house"
import { soon } from "../e2e/soon"

const obstacle = podmanObstacle() ?? (hasChromium ? undefined : "there is no Chromium")
const serve =
  "trap 'exit 0' TERM; /bin/busybox httpd -f -p 8080 -h /www & i=0; while :; do i=$((i+1)); echo line $i for $WHO; sleep 1; done"

describe.skipIf(obstacle !== undefined)(`the dashboard's containers${obstacle ? ` (skipped: ${obstacle})` : ""}`, () => {
  let podman: PodmanLab
  let appliance: Appliance
  let house: DashboardHouse
  let ada: Person
  beforeAll(async () => {
    podman = await startPodman()
    appliance = await startAppliance({ address: "127.0.0.1", settings: { FREEHOLD_CONTAINER_ENGINE: `unix://${podman.socket}` } })
    ada = await appliance.login()
    house = await DashboardHouse.open(appliance)
  }, 200_000)
  afterAll(async () => {
    await house?.stop()
    await appliance?.stop()
    await podman?.stop()
  }, 60_000)

  /** Waits until the page says how its container stands. */
  const stands = (visit: Visit, word: string) =>
    visit.page.getByRole("main").locator("header").getByText(word, { exact: true }).waitFor({ timeout: 60_000 })
  const make = async (name: string, body: object = {}) => {
    const command = ["/bin/sh", "-c", serve]
    const { id } = await ada.send<{ id: string }>("POST", "/compute/containers", { name, image: podman.image, command, ...body })
    await ada.containerIs(id, "running")
    return id
  }

  test("a container is made, comes up live, is read, typed into, stopped, started, reached by a hostname and deleted", async () => {
    const visit = await house.signedIn()
    const { page } = visit
    await visit.go("/containers", "Containers")
    await page.getByRole("heading", { name: "No containers yet" }).waitFor()
    await page.getByRole("main").locator("header").getByRole("link", { name: "New container" }).click()
    await visit.heading("New container")
    await page.getByLabel("Image", { exact: true }).fill(podman.image)
    await soon(() => page.locator(`datalist option[value="${podman.image}"]`).count()).toBe(1)
    await page.getByLabel("Name", { exact: true }).fill("front door")
    await visit.button("Paste a .env file").click()
    await page.getByLabel("Text of the .env file").fill("# who\nWHO='the world'\nTZ=Europe/Oslo")
    await visit.button("Take the variables over").click()
    await page.getByLabel(/^Command/).fill(`/bin/sh -c "${serve.replaceAll("$", "\\$")}"`.replaceAll("\\$", "$"))
    await visit.button("Add a port").click()
    await page.getByLabel("Open port").fill("443")
    await page.getByLabel("Leads to port").fill("8080")
    await visit.button("Create container").click()
    await visit.heading("front door")
    await stands(visit, "Running")
    const id = new URL(page.url()).pathname.split("/")[2] ?? ""
    expect(await ada.send("GET", `/compute/containers/${id}`)).toMatchObject({
      command: ["/bin/sh", "-c", serve],
      env: { WHO: "the world", TZ: "Europe/Oslo" },
      https_enabled: true,
    } as never)

    await page.getByRole("link", { name: "Logs", exact: true }).click()
    const log = page.getByRole("log")
    await log.getByText("line 1 for the world").waitFor()
    await log.getByText("line 4 for the world").waitFor()
    await visit.button("Pause").click()
    await page.getByText(/\d+ newer lines/).waitFor()
    await page.getByLabel("Search the log").fill("LINE 2 FOR")
    await page.getByText("1 of 1").waitFor()
    expect(await log.locator("mark").allInnerTexts()).toEqual(["line 2 for"])
    await page.getByLabel("Search the log").fill("no such words")
    await page.getByText("not found").waitFor()
    await visit.button("Follow").click()
    await page.getByText(/\d+ newer lines/).waitFor({ state: "detached" })
    expect(await log.getByText(/^\d{4}-\d\d-\d\d/).count()).toBe(0)
    await page.getByLabel("Timestamps").check()
    await log
      .getByText(/^\d{4}-\d\d-\d\d \d\d:\d\d/)
      .first()
      .waitFor()
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "Download" }).click()])
    expect(download.suggestedFilename()).toBe("front door.log")
    expect(await Bun.file(await download.path()).text()).toContain("line 1 for the world\n")

    await page.getByRole("link", { name: "Terminal", exact: true }).click()
    const says = (text: string | RegExp) => page.locator(".xterm-rows").getByText(text).first().waitFor()
    await page.getByText("Connected").waitFor()
    await page.keyboard.type("echo $((6*7))-answer; /bin/busybox stty size\n")
    await says("42-answer")
    const size = async () =>
      /(\d+) (\d+)/
        .exec((await page.locator(".xterm-rows").innerText()).split("42-answer").at(-1) ?? "")
        ?.slice(1)
        .map(Number)
    await waitUntil(async () => (await size()) !== undefined, { what: "the size" })
    const [rows = 0, columns = 0] = (await size()) ?? []
    await page.setViewportSize({ width: 700, height: 700 })
    await page.waitForFunction((before) => document.querySelectorAll(".xterm-rows > div").length < before, rows)
    await page.keyboard.type("echo 42-answer; /bin/busybox stty size\n")
    await waitUntil(async () => ((await size())?.[1] ?? columns) < columns, { what: "the server to know the new width" })
    await page.keyboard.press("Control+F6")
    expect(await page.evaluate(() => document.activeElement?.getAttribute("aria-label"))).toBe("Search the terminal")
    await page.setViewportSize({ width: 1440, height: 900 })
    await page.locator(".xterm-helper-textarea").focus()
    await page.keyboard.type("exit 3\n")
    await page.getByText("The shell has ended with exit code 3.").waitFor()
    await visit.button("Connect again").click()
    await page.getByText("Connected").waitFor()

    await visit.button("Stop").click()
    await stands(visit, "Stopped")
    await visit.button("Start").click()
    await stands(visit, "Running")

    await page.getByRole("link", { name: "Overview", exact: true }).click()
    const form = page.getByRole("form", { name: "Attach a hostname" })
    await soon(() => form.getByLabel("Port", { exact: true }).inputValue()).toBe("8080")
    await form.getByLabel("Hostname").fill("door.home.arpa")
    await form.getByRole("button", { name: "Attach hostname" }).click()
    await page.waitForURL(/\/hostnames\/mapping\/dom_/)
    const root = join(appliance.home, "root.pem")
    await writeFile(root, (await appliance.api("GET", "/ca.pem")).text)
    await waitUntil(async () => (await appliance.curl("https://door.home.arpa/", { trusted: root })).text === "hello from busybox\n", {
      what: "the hostname to be served",
    })

    await visit.go(`/containers/${id}`, "front door")
    await page.getByRole("list", { name: "Hostnames" }).getByRole("link", { name: "door.home.arpa" }).waitFor()
    await page.getByRole("link", { name: "Danger zone" }).click()
    await visit.button("Delete front door").click()
    const dialog = page.getByRole("dialog")
    await soon(() => dialog.getByRole("button", { name: "Delete front door" }).isDisabled()).toBe(true)
    await dialog.getByText("the hostnames that lead to it: door.home.arpa").waitFor()
    await dialog.getByLabel("Type front door to confirm").fill("front door")
    await dialog.getByRole("button", { name: "Delete front door" }).click()
    await visit.heading("Containers")
    await page.getByRole("heading", { name: "No containers yet" }).waitFor()
    expect((await appliance.curl("https://door.home.arpa/", { trusted: root })).code).not.toBe(0)
    expect(visit.faults).toEqual([])
    await visit.close()
  }, 240_000)

  test("an image that is not there fails with the engine's words, and what the API refuses stands at its field", async () => {
    const visit = await house.signedIn()
    const { page } = visit
    await visit.go("/containers/new", "New container")
    await page.getByLabel("Image", { exact: true }).fill("not an image!")
    await visit.button("Create container").click()
    // The name is looked at first.
    await page.getByText("Name is required.").waitFor()
    expect(await page.evaluate(() => document.activeElement?.getAttribute("aria-invalid"))).toBe("true")
    await page.getByLabel("Name", { exact: true }).fill("missing")
    await visit.button("Create container").click()
    await page.getByText('Image "not an image!" is not an image reference.').waitFor()
    expect(await page.getByLabel("Image", { exact: true }).evaluate((field) => field === document.activeElement)).toBe(true)
    await page.getByLabel("Image", { exact: true }).fill("localhost/no-such-image:1")
    await page.getByLabel(/^Memory/).fill("plenty")
    await visit.button("Create container").click()
    await page.getByText("Memory_mb must be a whole number from 16 to 1048576.").waitFor()
    await page.getByLabel(/^Memory/).fill("64")
    await visit.button("Create container").click()
    await visit.heading("missing")
    await stands(visit, "Failed")
    await soon(() => page.getByText("The container failed").locator("..").innerText()).toMatch(/no-such-image/)
    const id = new URL(page.url()).pathname.split("/")[2] ?? ""
    await visit.go(`/containers/${id}/logs`)
    await page.getByText("The log is not to be had: Container not running.").waitFor()
    await visit.go(`/containers/${id}/terminal`)
    await page.getByText("A terminal opens in a container that runs. This one: failed.").waitFor()
    await ada.send("DELETE", `/compute/containers/${id}`)
    await page.getByRole("heading", { name: "There is no such container" }).waitFor()
    await visit.close()
  }, 90_000)

  test("a hostname that is taken is refused at its field, and keeps what was typed", async () => {
    const id = await make("second")
    const other = await ada.external("other", { "80": 8000 })
    await ada.map("taken.home.arpa", other, 80)
    const visit = await house.signedIn()
    await visit.go(`/containers/${id}`, "second")
    const form = visit.page.getByRole("form", { name: "Attach a hostname" })
    await form.getByLabel("Hostname").fill("taken.home.arpa")
    await form.getByRole("button", { name: "Attach hostname" }).click()
    await form.getByText("Domain already in use.").waitFor()
    await soon(() => form.getByLabel("Hostname").inputValue()).toBe("taken.home.arpa")
    await form.getByLabel("Hostname").fill("free.home.arpa")
    await form.getByLabel("Port", { exact: true }).fill("22")
    await form.getByRole("button", { name: "Attach hostname" }).click()
    await form.getByText("Port must be 80, 443, or 8000-8999.").waitFor()
    await ada.send("DELETE", `/compute/containers/${other}`)
    await visit.close()
  }, 60_000)

  test("an engine that goes away is told with what goes on, and its return is seen without a reload", async () => {
    const id = await make("third")
    const visit = await house.signedIn()
    const { page } = visit
    await visit.go("/containers", "Containers")
    const row = page.getByRole("listitem").filter({ has: page.getByRole("link", { name: "third" }) })
    await row.getByText("Running", { exact: true }).waitFor()
    await podman.kill()
    await page.getByText("The container engine does not answer", { exact: true }).waitFor({ timeout: 60_000 })
    await row.getByRole("button", { name: "Actions for third" }).click()
    await page.getByRole("menuitem", { name: "Stop" }).click()
    await page
      .getByRole("alert")
      .getByText(/container engine does not answer/)
      .waitFor()
    await podman.restart()
    await page.getByText("The container engine does not answer", { exact: true }).waitFor({ state: "detached", timeout: 60_000 })
    await ada.send("DELETE", `/compute/containers/${id}`)
    await row.waitFor({ state: "detached" })
    await visit.close()
  }, 200_000)

  test("a container that Freehold did not make is adopted as it is, and released again", async () => {
    await podman.run("run", "--detach", "--name", "wiki", podman.image)
    const visit = await house.signedIn()
    const { page } = visit
    await visit.go("/containers/adopt", "Adopt containers")
    await visit.button("Adopt wiki").click()
    await page.getByRole("dialog").getByLabel("Name here").fill("the wiki")
    await page.getByRole("dialog").getByRole("button", { name: "Adopt wiki" }).click()
    await visit.heading("the wiki")
    await stands(visit, "Running")
    await page.getByRole("main").locator("header").getByText("adopted").waitFor()
    await page.getByRole("link", { name: "Danger zone" }).click()
    await visit.button("Release the wiki").click()
    await page.getByRole("dialog").getByRole("button", { name: "Release the wiki" }).click()
    await visit.heading("Containers")
    expect(await podman.run("ps", "--format", "{{.Names}}")).toContain("wiki")
    await visit.close()
  }, 90_000)

  test("settings that take a rebuild are told as such, and kept when they are refused", async () => {
    const id = await make("settled")
    const visit = await house.signedIn()
    const { page } = visit
    await visit.go(`/containers/${id}/settings`, "settled")
    await visit.button("Add a variable").click()
    await page.getByLabel("Name of variable 1").fill("1BAD")
    await page.getByLabel("Value of variable 1").fill("x")
    await visit.button("Rebuild container").click()
    await page.getByText('Env: "1BAD" is not the name of a variable.').waitFor()
    await page.getByLabel("Name of variable 1").fill("GOOD")
    await visit.button("Rebuild container").click()
    await page.getByText("settled was rebuilt").first().waitFor({ timeout: 60_000 })
    expect(await ada.send("GET", `/compute/containers/${id}`)).toMatchObject({ env: { GOOD: "x" } } as never)
    await visit.button("Switch SSH on").click()
    await page
      .getByLabel("Command", { exact: true })
      .getByText(new RegExp(`^ssh -p \\d+ ${id}@compute\\.`))
      .waitFor()
    await page.getByLabel("Open port", { exact: true }).fill("22")
    await visit.button("Open port").click()
    await page.getByText("External port not allowed.").waitFor()
    await page.getByLabel("Open port", { exact: true }).fill("8443")
    await page.getByLabel("Leads to port").fill("8080")
    await visit.button("Open port").click()
    await page.getByRole("link", { name: /:8443$/ }).waitFor()
    await ada.send("DELETE", `/compute/containers/${id}`)
    await visit.close()
  }, 120_000)
})
