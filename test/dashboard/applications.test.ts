import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test"
import { join } from "node:path"
import type { Page } from "playwright-core"
import { hasChromium } from "../e2e/chromium"
import type { Person } from "../e2e/person"
import { type Stage, stageObstacle, startStage } from "../e2e/stage"
import { temporaryFolder, waitUntil } from "../lab/process"
import { type Key, startKeyedKnot } from "../lab/providers/keyed-servers"
import type { ZoneServer } from "../lab/providers/zone-server"
import { DashboardHouse, type Visit } from "./house"
import { soon } from "../e2e/soon"

const obstacle = hasChromium ? await stageObstacle({}) : "there is no Chromium"
const key: Key = {
  name: "house.test",
  algorithm: "hmac-sha256",
  secret: Buffer.from("a key of the customer's own server").toString("base64"),
}
const zone = "customer.test"

setDefaultTimeout(180_000)

/** A receiver of webhooks that answers as it is told. */
function startReceiver() {
  const got: { headers: Headers; body: string }[] = []
  const state = { status: 500, got }
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: async (req) => {
      got.push({ headers: req.headers, body: await req.text() })
      return new Response(state.status === 500 ? "the queue is full" : "taken", { status: state.status })
    },
  })
  return Object.assign(state, { url: `http://127.0.0.1:${server.port}/hooks`, stop: () => server.stop(true) })
}

describe.skipIf(obstacle !== undefined)("applications", () => {
  let stage: Stage
  let house: DashboardHouse
  let ada: Person
  let knot: ZoneServer
  const receiver = startReceiver()
  /** Of the application that the first test makes. */
  const made = { id: "", secret: "" }

  const v1 = async <T = Record<string, string>>(method: string, path: string, body?: object): Promise<T> => {
    const { status, text } = await stage.house.api(method, `/v1${path}`, { token: ada.token, body })
    if (status >= 300) throw new Error(`${method} ${path} answered ${status}: ${text}`)
    return (text === "" ? undefined : JSON.parse(text)) as T
  }
  const opened = async (path: string, heading?: string | RegExp): Promise<Visit> => {
    const visit = await house.signedIn()
    // What lies behind an open dialog is nothing to assistive technology.
    if (path.includes("open=")) await visit.page.goto(path)
    else await visit.go(path, heading)
    return visit
  }
  const dialog = (page: Page) => page.getByRole("dialog")
  const press = (visit: Visit, name: string) => dialog(visit.page).getByRole("button", { name, exact: true }).click()
  const noFaults = async (visit: Visit) => {
    expect(visit.faults).toEqual([])
    await visit.close()
  }

  beforeAll(async () => {
    stage = await startStage({ zones: [zone], prepare: async () => ({ FREEHOLD_WEBHOOK_ALLOW: "127.0.0.0/8" }) })
    knot = await startKeyedKnot({ zones: [zone], keys: [key], updatable: [zone] })
    house = await DashboardHouse.open(stage.house)
    ada = await stage.house.login()
  })
  afterAll(async () => {
    await house?.stop()
    await knot?.stop()
    await stage?.stop()
    await receiver.stop()
  })

  test("the empty list teaches the first step", async () => {
    const visit = await opened("/applications", "Applications")
    await visit.page.getByText("Let your customers use their own domains").waitFor()
    await soon(() => visit.page.getByLabel("Quick start with curl").innerText()).toContain(`curl ${stage.house.url}/v1/connections`)
    await visit.shot("applications-empty")
    expect(await visit.complaints()).toEqual([])
    await noFaults(visit)
  })

  test("an application is made from the palette's address, and what the API refuses stands at its field", async () => {
    const visit = await opened("/applications")
    await visit.page.keyboard.press("Control+k")
    await visit.page.getByRole("combobox").fill("new application")
    await visit.page.keyboard.press("Enter")
    await dialog(visit.page).getByLabel("Name", { exact: true }).fill("Acme Shops")
    await dialog(visit.page).getByLabel("Address", { exact: true }).fill("http://127.0.0.1:8080")
    const origins = dialog(visit.page).getByLabel(/Pages that may open the widget/)
    await origins.fill("https://app.acme.example/path")
    await press(visit, "Create application")
    await dialog(visit.page).getByText("is not an origin such as").waitFor()
    await soon(() => dialog(visit.page).getByLabel("Name", { exact: true }).inputValue()).toBe("Acme Shops")
    expect(await origins.evaluate((field) => field === document.activeElement)).toBe(true)
    await origins.fill("https://app.acme.example")
    await press(visit, "Create application")
    await visit.heading("Acme Shops")
    made.id = new URL(visit.page.url()).pathname.split("/")[2] ?? ""
    expect(await v1("GET", `/applications/${made.id}`)).toMatchObject({ name: "Acme Shops", origin_url: "http://127.0.0.1:8080" })
    await noFaults(visit)
  })

  test("a key is shown once and opens the API, until it is revoked", async () => {
    const visit = await opened(`/applications/${made.id}/keys`, "Acme Shops")
    await visit.button("New API key").click()
    await dialog(visit.page).getByLabel("Name", { exact: true }).fill("Server")
    await soon(() => dialog(visit.page).getByText("The key gets").innerText()).toContain("connections:read connections:write")
    await press(visit, "Create key")
    const shown = dialog(visit.page).locator("code", { hasText: /^sk_live_/ })
    await shown.waitFor()
    made.secret = await shown.innerText()
    const asked = () => stage.house.api("GET", "/v1/connections", { token: made.secret })
    expect((await asked()).status).toBe(200)
    await press(visit, "I have kept it")
    await visit.page.reload()
    const row = visit.page.getByRole("row", { name: /Server/ })
    await row.waitFor()
    await soon(() => row.innerText()).toContain(made.secret.slice(-4))
    await soon(() => row.innerText()).toMatch(/just now|seconds? ago/)
    expect(await visit.page.content()).not.toContain(made.secret)
    await visit.button("Revoke Server").click()
    await press(visit, "Revoke key")
    await visit.page.getByText("1 revoked key").waitFor()
    expect((await asked()).status).toBe(401)
    await noFaults(visit)
  })

  test("a hostname is connected with its records to copy, found again by a part of it, and sent to the customer", async () => {
    const visit = await opened(`/applications/${made.id}/connections`)
    await visit.button("New connection").click()
    await dialog(visit.page).getByLabel("Hostname").fill("shop.customer.test")
    await press(visit, "Connect hostname")
    await dialog(visit.page).getByText("_customdomain-challenge.shop.customer.test").waitFor()
    await press(visit, "Make a link for the customer")
    await press(visit, "Make link")
    const link = await dialog(visit.page).locator("code", { hasText: "/c/" }).innerText()
    const seen = await stage.house.api("GET", `${new URL(link).pathname}?format=text`)
    expect([seen.status, seen.text.includes("shop.customer.test")]).toEqual([200, true])
    await press(visit, "End all links")
    await dialog(visit.page).waitFor({ state: "detached" })
    expect((await stage.house.api("GET", new URL(link).pathname)).status).toBe(404)
    await visit.page.getByLabel("Search by hostname").fill("SHOP")
    const item = visit.page.getByRole("listitem").filter({ hasText: "shop.customer.test" })
    await item.waitFor()
    await soon(() => item.innerText()).toContain("Waits for proof")
    await soon(() => item.getByRole("link").getAttribute("href")).toMatch(/^\/hostnames\/connection\/[0-9a-f-]{36}$/)
    expect(visit.page.url()).toContain("q=SHOP")
    await visit.page.getByLabel("State", { exact: true }).selectOption("live")
    await visit.page.getByText("No connection fits.").waitFor()
    await visit.page.getByRole("link", { name: "Clear search and filter" }).click()
    await item.waitFor()
    await noFaults(visit)
  })

  test("a name that somebody holds is refused at its field, and nothing typed is lost", async () => {
    const { id } = await v1("POST", "/applications", { name: "Busy", environment: "live", origin_url: "http://127.0.0.1:8081" })
    const live = await v1<{
      id: string
      ownership_challenge: { name: string; value: string }
      desired_records: { host: string; type: string; value: string }[]
    }>("POST", "/connections", { application_id: id, hostname: "taken.customer.test" })
    await stage.dns.publish("both", live.ownership_challenge.name, "TXT", live.ownership_challenge.value)
    await waitUntil(async () => (await v1("POST", `/connections/${live.id}/records:check`)).state !== "pending_ownership", {
      what: "the proof",
    })
    const visit = await opened(`/applications/${made.id}/connections?open=new`)
    const field = dialog(visit.page).getByLabel("Hostname")
    await field.fill("taken.customer.test")
    await press(visit, "Connect hostname")
    await dialog(visit.page).getByText("already held by a mapping or another connection").waitFor()
    await soon(() => field.inputValue()).toBe("taken.customer.test")
    expect(await field.evaluate((one) => one === document.activeElement)).toBe(true)
    await noFaults(visit)
  })

  test("a DNS credential is kept only once its server has accepted it", async () => {
    const visit = await opened(`/applications/${made.id}/credentials?open=new`)
    const box = dialog(visit.page)
    await box.getByLabel("Provider").selectOption("rfc2136")
    await box.getByText("allow-update in BIND").waitFor()
    await box.getByLabel("Server").fill(`${knot.address}:${knot.port}`)
    await box.getByLabel("Key name").fill(key.name)
    await box.getByLabel("Algorithm").selectOption(key.algorithm)
    const secret = box.getByLabel("Secret")
    await secret.fill("no base64")
    await box.getByLabel("A domain that it edits").fill(zone)
    await press(visit, "Test and add credential")
    await box.getByText("The Secret must be base64, as in the server's configuration.").waitFor()
    await secret.fill(Buffer.from("another key than the server has").toString("base64"))
    await press(visit, "Test and add credential")
    await box.getByText(/does not accept the Server, Key name, Algorithm, Secret: /).waitFor()
    expect(await secret.evaluate((one) => one === document.activeElement && one.ariaInvalid === "true")).toBe(true)
    await visit.shot("credential-refused")
    expect(await v1("GET", `/applications/${made.id}/credentials`)).toMatchObject({ data: [] })
    await secret.fill(key.secret)
    await press(visit, "Test and add credential")
    await visit.page.getByRole("row", { name: /RFC 2136/ }).waitFor()
    const kept = await v1<{ data: { id: string; provider: string }[] }>("GET", `/applications/${made.id}/credentials`)
    expect(kept).toMatchObject({ data: [{ provider: "rfc2136" }] })
    await visit.button(/Replace the RFC 2136/).click()
    await box.getByLabel("Server").fill(`${knot.address}:${knot.port}`)
    await box.getByLabel("Key name").fill(key.name)
    await box.getByLabel("Algorithm").selectOption(key.algorithm)
    await secret.fill(key.secret)
    await box.getByLabel("A domain that it edits").fill("elsewhere.test")
    await press(visit, "Test and replace credential")
    await box.getByText("edits no zone around elsewhere.test").waitFor()
    await box.getByLabel("A domain that it edits").fill(zone)
    await press(visit, "Test and replace credential")
    await visit.page.getByText(/took the place of the old one/).waitFor()
    expect(await v1("GET", `/applications/${made.id}/credentials`)).toMatchObject({ data: [{ id: kept.data[0]?.id }] })
    await visit.button(/Remove the RFC 2136/).click()
    await press(visit, "Remove credential")
    await visit.page.getByText("No DNS credentials").waitFor()
    await noFaults(visit)
  })

  test("a webhook that failed is told with its answer, and arrives when it is sent again", async () => {
    const visit = await opened(`/applications/${made.id}/webhooks?open=new`)
    await dialog(visit.page).getByLabel("URL").fill("http://10.1.2.3/hooks")
    await press(visit, "Create endpoint")
    await dialog(visit.page).getByRole("alert").waitFor()
    await soon(() => dialog(visit.page).getByRole("alert").innerText()).toMatch(/^Url: .*10\.1\.2\.3|^Url: /)
    await dialog(visit.page).getByLabel("URL").fill(receiver.url)
    await press(visit, "Create endpoint")
    const secret = await dialog(visit.page)
      .locator("code", { hasText: /^whsec_/ })
      .innerText()
    await press(visit, "I have kept it")
    await visit.page.getByRole("link", { name: receiver.url }).click()
    await visit.heading(new URL(receiver.url).host)
    await visit.page.getByText("Nothing was sent yet").waitFor()
    await visit.button("Send test event").click()
    const row = visit.page.getByRole("button", { name: /webhook\.test/ })
    await row.filter({ hasText: "Retrying" }).waitFor()
    await row.click()
    await dialog(visit.page).getByText("What was answered").click()
    await dialog(visit.page).getByText("the queue is full").waitFor()
    await visit.shot("delivery-failed")
    const path = new URL(visit.page.url()).searchParams.get("delivery")
    receiver.status = 200
    await press(visit, "Send again")
    await dialog(visit.page).getByText("Delivered").waitFor()
    expect(await v1("GET", `/webhook-deliveries/${path}`)).toMatchObject({ status: "delivered", last_status: 200 })
    const [first, second] = receiver.got.map(({ body }) => JSON.parse(body) as { id: string; type: string })
    expect([second?.id, second?.type]).toEqual([first?.id, "webhook.test"])
    const { isGenuine } = await signatureCode(visit.page, made.id)
    const last = receiver.got.at(-1)
    expect(isGenuine(last?.headers, Buffer.from(last?.body ?? ""), secret)).toBe(true)
    expect(isGenuine(last?.headers, Buffer.from(`${last?.body} `), secret)).toBe(false)
    await noFaults(visit)
  })

  test("the widget opens in its preview, follows the options, and its snippet says them", async () => {
    const visit = await opened(`/applications/${made.id}/widget`)
    await visit.page.locator("button:not(:disabled)", { hasText: "Open widget" }).click()
    const frame = visit.page.frameLocator("iframe")
    await frame.getByRole("heading", { name: "Connect your domain" }).waitFor()
    await visit.page.getByText("connectdomain:step").waitFor()
    await visit.page.getByLabel("Language").focus()
    await visit.page.getByLabel("Language").selectOption("de")
    await frame.getByRole("heading", { name: "Domain verbinden" }).waitFor()
    expect(await visit.page.getByLabel("Language").evaluate((one) => one === document.activeElement)).toBe(true)
    await visit.page.getByLabel("Theme").selectOption("dark")
    await visit.page.waitForURL(/theme=dark/)
    await frame.locator("dialog[data-theme=dark]").waitFor()
    await soon(() => visit.page.getByLabel("Snippet for the page").innerText()).toContain('theme: "dark"')
    await soon(() => visit.page.getByLabel("Snippet for the page").innerText()).toContain(`<script src="${stage.house.url}/widget.js">`)
    await soon(() => visit.page.getByLabel("Snippet for the server").innerText()).toContain(made.id)
    await frame.getByRole("heading", { name: "Domain verbinden" }).waitFor()
    await frame.getByLabel("Ihre Domain").fill("neu.customer.test")
    await frame.getByLabel("Ihre Domain").press("Enter")
    await frame.getByRole("heading", { name: "neu.customer.test" }).waitFor()
    await visit.button("Close widget").click()
    await visit.button("Open widget").waitFor()
    await noFaults(visit)
  })

  test("an application goes with a typed name, and not while hostnames are served", async () => {
    const { id } = await v1("POST", "/applications", { name: "Short-lived" })
    const { id: connection } = await v1("POST", "/connections", { application_id: id, hostname: "short.customer.test" })
    const visit = await opened(`/applications/${id}`, "Short-lived")
    await visit.page.getByRole("link", { name: /1\s*Waits for proof/ }).waitFor()
    await visit.button("Delete application").click()
    await dialog(visit.page).getByText("One connection is not archived.").waitFor()
    await dialog(visit.page).getByRole("link", { name: "Show connections" }).click()
    await visit.button("Actions for short.customer.test").click()
    await visit.page.getByRole("menuitem", { name: "Archive…" }).click()
    await dialog(visit.page).getByLabel("Type short.customer.test to confirm").fill("short.customer.test")
    await press(visit, "Archive connection")
    await visit.page.getByText("No hostnames connected yet").waitFor()
    expect(await v1("GET", `/connections/${connection}`)).toMatchObject({ state: "archived" })
    await visit.page.getByRole("link", { name: "Overview" }).click()
    await visit.button("Delete application").click()
    await dialog(visit.page).getByLabel("Type Short-lived to confirm").fill("Short-lived")
    await press(visit, "Delete application")
    await visit.heading("Applications")
    await visit.page.getByText("Short-lived was deleted").waitFor()
    await noFaults(visit)
    const later = await opened(`/applications/${id}`, "There is no such application")
    await noFaults(later)
  })
})

/** The code that the page shows for checking signatures, as a module. */
async function signatureCode(page: Page, id: string): Promise<{ isGenuine: (headers: unknown, body: Buffer, secret: string) => boolean }> {
  await page.goto(`/applications/${id}/webhooks`)
  const code = await page.getByLabel("Code that checks a signature").innerText()
  const folder = await temporaryFolder("signature")
  const file = join(folder.path, "signature.mjs")
  await Bun.write(file, code)
  const module = await import(file)
  await folder.remove()
  return module
}
