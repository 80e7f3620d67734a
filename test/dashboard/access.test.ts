import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { URI } from "otpauth"
import type { Locator } from "playwright-core"
import { admin } from "../e2e/appliance"
import { hasChromium } from "../e2e/chromium"
import type { Person } from "../e2e/person"
import { DashboardHouse, type Visit } from "./house"
import { soon } from "../e2e/soon"

const publicKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIHvTxAgB7fjN4mUgPnQ0h2kGYvUxYkW7h1P0p7m6X8f ada@laptop"

describe.skipIf(!hasChromium)("access", () => {
  let house: DashboardHouse
  let ada: Person
  let web: string
  let other: string
  beforeAll(async () => {
    house = await DashboardHouse.open()
    ada = await house.house.login()
    web = await ada.external("web", { 8080: 8080 })
    other = await ada.external("other", { 8080: 8081 })
    await ada.map("shop.example.test", web)
    await ada.send("POST", "/storage/namespaces", { name: "backups" })
  }, 120_000)
  afterAll(() => house?.stop())

  const permission = (visit: Visit, place: number): Locator => visit.page.getByRole("group", { name: `Permission ${place}`, exact: true })
  const resulting = (visit: Visit): Promise<string> => visit.page.getByRole("group", { name: "Resulting scopes" }).innerText()
  const status = async (token: string, method: string, path: string, body?: unknown) =>
    (await house.house.api(method, path, { token, body })).status

  /** The token that is shown, which is shown this once. */
  async function shownToken({ page }: Visit): Promise<string> {
    const code = page.locator("code", { hasText: /^ecloud_/ })
    await code.waitFor()
    return code.innerText()
  }

  test("a token with picked scopes does what they say and nothing else", async () => {
    const visit = await house.signedIn()
    const { page } = visit
    await visit.go("/access/tokens/new", "New API token")
    await page.getByLabel("Name").fill("deploy")
    await visit.button("Create token").click()
    await soon(() => page.getByRole("alert").innerText()).toBe("At least one scope required.")

    await visit.button("Add permission").click()
    const first = permission(visit, 1)
    await first.getByLabel("What").selectOption("Containers")
    await first.getByLabel("Which").selectOption("web")
    await first.getByLabel("read").uncheck()
    await visit.button("Create token").click()
    await soon(() => first.getByRole("alert").innerText()).toContain("Tick at least one action")
    await first.getByLabel("read").check()
    expect(await resulting(visit)).toContain(`compute.${ada.id}.containers.${web}=read`)

    await visit.button("Add permission").click()
    const second = permission(visit, 2)
    await second.getByLabel("What").selectOption("Files")
    await second.getByLabel("Which").selectOption("backups")
    await second.getByLabel("create").check()
    expect(await resulting(visit)).toContain(`storage.${ada.id}.files.backups=create,read`)
    await visit.button("Create token").click()

    const token = await shownToken(visit)
    await visit.shot("access-token-shown")
    const [, tried = ""] = /"(http\S+)"/.exec(await page.getByLabel(/^Try it/).innerText()) ?? []
    expect(await status(token, "GET", tried.slice(house.house.url.length))).toBe(200)
    expect(await visit.complaints()).toEqual([])
    expect(await status(token, "GET", `/compute/containers/${web}`)).toBe(200)
    expect(await status(token, "GET", `/compute/containers/${other}`)).toBe(403)
    expect(await status(token, "GET", "/compute/containers")).toBe(403)
    expect(await status(token, "DELETE", `/compute/containers/${web}`)).toBe(403)
    expect(await status(token, "PUT", "/storage/backups/a.txt", "one")).toBe(200)
    expect(await status(token, "DELETE", "/storage/backups/a.txt")).toBe(403)
    expect(await status(token, "GET", "/api/domain-mappings")).toBe(403)

    await visit.button("I have copied it").click()
    await visit.heading("API tokens")
    const row = page.getByRole("list", { name: "API tokens" }).getByRole("listitem").filter({ hasText: "deploy" }).first()
    await soon(() => row.innerText()).toContain("Containers · web: read")
    expect(await page.content()).not.toContain(token)
    await visit.button("Delete token deploy").click()
    await page.getByRole("dialog").getByRole("button", { name: "Delete token" }).click()
    await page.getByRole("dialog", { name: "Delete the token deploy?" }).waitFor({ state: "detached" })
    expect(await status(token, "GET", `/compute/containers/${web}`)).toBe(401)
    expect(visit.faults).toEqual([])
    await visit.close()
  }, 60_000)

  test("a service account's scopes change for its tokens, and its deletion names them", async () => {
    const visit = await house.signedIn()
    const { page } = visit
    await visit.go("/access/tokens/new-account", "New service account")
    await page.getByLabel("Name").fill("build server")
    await visit.button("Read everything").click()
    expect(await resulting(visit)).toContain(`storage.${ada.id}=read`)
    await visit.button("Create service account").click()
    await visit.heading("build server")
    await visit.button("New API token").click()
    await page.getByLabel("Name").fill("runner")
    await visit.button("Create token").click()
    const token = await shownToken(visit)
    expect(await status(token, "GET", "/api/domain-mappings")).toBe(200)
    expect(await status(token, "POST", `/compute/containers/${web}/start`)).toBe(403)
    await visit.button("I have copied it").click()

    await visit.button("Change scopes").click()
    await permission(visit, 1).getByLabel("What").selectOption("Containers")
    await permission(visit, 1).getByLabel("update").check()
    await visit.button("Save scopes").click()
    await page.getByText("Containers: read, update").waitFor()
    expect(await status(token, "GET", "/api/domain-mappings")).toBe(403)
    expect(await status(token, "GET", "/compute/containers")).toBe(200)

    await visit.button("Delete service account").click()
    const dialog = page.getByRole("dialog")
    await dialog.getByText("runner").waitFor()
    await visit.shot("access-account-delete")
    expect(await visit.complaints()).toEqual([])
    await soon(() => dialog.getByRole("button", { name: "Delete service account" }).isDisabled()).toBe(true)
    await dialog.getByLabel("Type build server to confirm").fill("build server")
    await dialog.getByRole("button", { name: "Delete service account" }).click()
    await visit.heading("API tokens")
    expect(await status(token, "GET", "/compute/containers")).toBe(401)
    expect(visit.faults).toEqual([])
    await visit.close()
  }, 60_000)

  test("another session can be ended, and one's own cannot", async () => {
    const elsewhere = await house.house.login()
    const visit = await house.signedIn()
    const { page } = visit
    await visit.go("/access/sessions", "Sessions")
    const rows = page.getByRole("list", { name: "Your sessions" }).getByRole("listitem")
    await rows.nth(2).waitFor()
    await soon(() => rows.first().innerText()).toContain("This session")
    expect(await rows.first().getByRole("button").count()).toBe(0)
    // The newest of the others.
    await rows
      .nth(1)
      .getByRole("button", { name: /^End session/ })
      .click()
    await page.getByRole("dialog").getByRole("button", { name: "End session" }).click()
    await page.getByRole("dialog", { name: /^End the session from/ }).waitFor({ state: "detached" })
    expect((await elsewhere.ask("GET", "/api/session")).status).toBe(401)
    expect((await ada.ask("GET", "/api/session")).status).toBe(200)
    expect(visit.faults).toEqual([])
    await visit.close()
  }, 60_000)

  test("a private key is refused in the API's words, a public one is added and deleted", async () => {
    const visit = await house.signedIn()
    const { page } = visit
    await visit.go("/access/ssh-keys", "SSH keys")
    await page.getByText("No SSH key yet").waitFor()
    await visit.button("Add SSH key").click()
    const dialog = page.getByRole("dialog")
    const field = dialog.getByLabel("Public key")
    await field.fill("-----BEGIN OPENSSH PRIVATE KEY-----")
    await dialog.getByLabel("Name").fill("laptop")
    await dialog.getByRole("button", { name: "Add SSH key" }).click()
    await soon(() => dialog.getByRole("alert").innerText()).toContain("this is a private key; give the line of the .pub file")
    await soon(() => field.inputValue()).toContain("PRIVATE KEY")
    await dialog.getByLabel("Name").fill("")
    await field.fill(publicKey)
    await soon(() => dialog.getByLabel("Name").inputValue()).toBe("ada@laptop")
    await dialog.getByRole("button", { name: "Add SSH key" }).click()
    await page
      .getByRole("list", { name: "Your SSH keys" })
      .getByText(/SHA256:/)
      .waitFor()
    await visit.button("Delete SSH key ada@laptop").click()
    await page.getByRole("dialog").getByRole("button", { name: "Delete SSH key" }).click()
    await page.getByText("No SSH key yet").waitFor()
    expect(visit.faults).toEqual([])
    await visit.close()
  }, 60_000)

  test("a wrong password is told at its form, and a new name is shown everywhere", async () => {
    const visit = await house.signedIn()
    const { page } = visit
    await visit.go("/access", "Access")
    await page.getByLabel("Current password").fill("not this one")
    await page.getByLabel("New password").fill("another horse battery")
    await visit.button("Change password").click()
    await soon(() => page.getByRole("alert").innerText()).toBe("Current password is incorrect.")
    await soon(() => page.getByLabel("New password").inputValue()).toBe("another horse battery")
    await page.getByLabel("Display name").fill("Ada Lovelace")
    await visit.button("Save name").click()
    await page.getByRole("navigation").getByRole("button", { name: "Ada Lovelace" }).waitFor()
    expect(visit.faults).toEqual([])
    await visit.close()
  }, 60_000)

  test("an authenticator app is set up by its secret, gives recovery codes, and is taken away by the password alone", async () => {
    const uma = { username: "uma", password: "the password of uma" }
    await ada.send("POST", "/admin/users", uma)
    const visit = await house.signedIn(undefined, uma)
    const { page } = visit
    await visit.go("/access/security", "Two-factor sign-in")
    await page.getByText("Two-factor sign-in is off").waitFor()
    await visit.button("Set up app").click()
    const dialog = page.getByRole("dialog")
    await dialog.getByRole("img", { name: "QR code for the authenticator app" }).waitFor()
    const secret = (await dialog.locator("code").innerText()).replaceAll(" ", "")
    const app = URI.parse(`otpauth://totp/Freehold:uma?secret=${secret}&issuer=Freehold`)
    await dialog.getByLabel("Code that the app shows now").fill("000000")
    await dialog.getByRole("button", { name: "Turn on" }).click()
    await soon(() => dialog.getByRole("alert").innerText()).toContain("check the clock")
    await dialog.getByLabel("Code that the app shows now").fill("generate" in app ? (app as { generate(): string }).generate() : "")
    await dialog.getByRole("button", { name: "Turn on" }).click()

    const codes = page.getByRole("list", { name: "Recovery codes" }).getByRole("listitem")
    await codes.first().waitFor()
    await soon(() => codes.count()).toBe(10)
    await visit.shot("access-recovery-codes")
    expect(await visit.complaints()).toEqual([])
    const [download] = await Promise.all([page.waitForEvent("download"), visit.button("Download").click()])
    expect(download.suggestedFilename()).toBe("freehold-recovery-codes.txt")
    expect(await Bun.file((await download.path()) ?? "").text()).toContain(await codes.first().innerText())
    await page.emulateMedia({ media: "print" })
    expect(await page.locator("#root").isVisible()).toBe(false)
    await soon(() => page.locator("body > pre").innerText()).toContain("Recovery codes of uma")
    await page.emulateMedia({ media: "screen" })
    await visit.button("I have kept them").click()
    expect(await codes.count()).toBe(0)
    await page.getByText("10 of 10 left").waitFor()

    await visit.button("Turn two-factor off").click()
    await dialog.getByText("Authenticator app", { exact: true }).waitFor()
    await dialog.getByLabel("Current password").fill("not this one")
    await dialog.getByRole("button", { name: "Turn two-factor off" }).click()
    await soon(() => dialog.getByRole("alert").innerText()).toBe("Current password is incorrect.")
    await dialog.getByLabel("Current password").fill(uma.password)
    await dialog.getByRole("button", { name: "Turn two-factor off" }).click()
    await page.getByText("Your password alone is enough").waitFor()
    expect(visit.faults).toEqual([])
    await visit.close()
  }, 60_000)

  test("the palette leads to a new token", async () => {
    const visit = await house.signedIn()
    await visit.go("/access", "Access")
    await visit.page.keyboard.press("Control+k")
    await visit.page.getByRole("combobox").fill("new api token")
    await visit.page.keyboard.press("Enter")
    await visit.heading("New API token")
    await visit.page.keyboard.press("Control+k")
    await visit.page.getByRole("combobox").fill("add ssh key")
    await visit.page.keyboard.press("Enter")
    await visit.page.getByRole("dialog").getByLabel("Public key").waitFor()
    await visit.close()
  }, 60_000)

  test("a service account that is not there is told", async () => {
    const visit = await house.signedIn(undefined, admin)
    await visit.page.goto("/access/tokens/accounts/nobody")
    await soon(() => visit.page.getByRole("alert").innerText()).toContain("Service account not found.")
    await visit.close()
  })
})
