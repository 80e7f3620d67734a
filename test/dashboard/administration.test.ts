import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { stat } from "node:fs/promises"
import { join } from "node:path"
import { admin } from "../e2e/appliance"
import type { Person } from "../e2e/person"
import { hasChromium } from "../e2e/chromium"
import { DashboardHouse, troublesIn, type Visit } from "./house"
import { soon } from "../e2e/soon"

const parts = ["", "/sessions", "/settings", "/certificates", "/system", "/doctor", "/alerts", "/backups", "/audit"]

describe.skipIf(!hasChromium)("the administration", () => {
  let house: DashboardHouse
  let person: Person
  beforeAll(async () => {
    house = await DashboardHouse.open({ settings: { FREEHOLD_CONTAINER_LIMIT: "40" } })
    person = await house.house.login()
  })
  afterAll(() => house?.stop())

  const row = (visit: Visit, name: string) => visit.page.getByRole("listitem").filter({ has: visit.page.getByText(name, { exact: true }) })
  const dialog = (visit: Visit) => visit.page.getByRole("dialog")

  test("somebody gets an account, comes in by the link, is nobody here, and is out at once when disabled", async () => {
    const visit = await house.signedIn()
    await visit.go("/administration", "Administration")
    await visit.button("Add a person").first().click()
    await dialog(visit).getByLabel("User name").fill("bea")
    await dialog(visit).getByLabel(/^Name/).fill("Bea Brook")
    await visit.button("Create the account").click()
    await visit.page.getByRole("heading", { name: "A link for bea" }).waitFor()
    const link = (await dialog(visit).locator("pre").innerText()).trim()
    expect(link).toStartWith(`${house.house.url}/reset/`)
    await visit.button("Done").click()
    const password = "a password of beas own"

    const beas = await house.visit()
    await beas.page.goto(link)
    for (const field of await beas.page.locator("input[type=password]").all()) await field.fill(password)
    await beas.page.getByRole("button").first().click()
    await beas.page.waitForFunction(() => document.querySelector("input[type=password]") === null)
    await beas.page.goto("/login")
    await beas.signIn({ username: "bea", password })
    await beas.go("/administration/settings")
    await beas.page.getByRole("heading", { name: "This is not yours" }).waitFor()
    expect(await beas.page.getByText("max_pending_mappings").count()).toBe(0)
    await beas.go("/containers")

    await visit.page.getByRole("link", { name: /Bea Brook/ }).click()
    await visit.heading("Bea Brook")
    await visit.button("Disable the account").click()
    await dialog(visit).getByRole("button", { name: "Disable the account" }).click()
    await visit.page.getByText("Disabled", { exact: true }).waitFor()
    await beas.page.goto("/containers")
    await beas.page.waitForURL(/\/login/)
    expect([visit.faults, beas.faults]).toEqual([[], []])
    await beas.close()

    await visit.button("Enable the account").click()
    await visit.page.getByText("May sign in", { exact: true }).waitFor()
    await visit.button("Make an administrator").click()
    await visit.button("Make an ordinary person").waitFor()
    await visit.page.getByLabel("The most they may store").fill("lots")
    await visit.button("Save the quota").click()
    await visit.page.getByText("Write a size such as 500M").waitFor()
    await visit.page.getByLabel("The most they may store").fill("10G")
    await visit.button("Save the quota").click()
    await visit.page.getByText("The quota is 10G now.").waitFor()
    await visit.button("Delete the account").click()
    await soon(() => dialog(visit).getByRole("button", { name: "Delete the account" }).isDisabled()).toBe(true)
    await dialog(visit).getByLabel("Type bea to confirm").fill("bea")
    await dialog(visit).getByRole("button", { name: "Delete the account" }).click()
    await visit.heading("Administration")
    await visit.page.getByRole("link", { name: /Bea Brook/ }).waitFor({ state: "detached" })
    await visit.close()
  })

  test("a name that is taken is refused at the form, and what was typed stays", async () => {
    const visit = await house.signedIn()
    await visit.go("/administration")
    await visit.button("Add a person").first().click()
    await dialog(visit).getByLabel("User name").fill(admin.username)
    await visit.button("Create the account").click()
    await dialog(visit).getByRole("alert").getByText("Username already exists.").waitFor()
    await soon(() => dialog(visit).getByLabel("User name").inputValue()).toBe(admin.username)
    await visit.close()
  })

  test("the last administrator cannot be made an ordinary person, and is told why", async () => {
    const visit = await house.signedIn()
    await visit.go("/administration")
    await visit.page.getByRole("link", { name: /^ada/ }).click()
    await visit.button("Make an ordinary person").click()
    await visit.page.getByRole("alert").getByText("The last enabled administrator cannot be demoted.").waitFor()
    await visit.close()
  })

  test("a setting is changed and in force, refused when it is bad, survives a restart, and goes back", async () => {
    const visit = await house.signedIn()
    await visit.go("/administration/settings")
    await visit.button("Change max_pending_mappings").click()
    await dialog(visit).getByLabel("Value").fill("many")
    await visit.button("Save the setting").click()
    await dialog(visit).getByRole("alert").getByText("Max_pending_mappings must be a whole number from 1 to 1000000").waitFor()
    await dialog(visit).getByLabel("Value").fill("1")
    await visit.button("Save the setting").click()
    await dialog(visit).waitFor({ state: "detached" })
    await row(visit, "max_pending_mappings").getByText("Set here").waitFor()

    const container = await person.external("page", { 80: 9 })
    await person.map("one.example.test", container, 80)
    const second = await person.ask("POST", "/api/domain-mappings", {
      container_id: container,
      domain: "two.example.test",
      target_port: 80,
    })
    expect([second.status, second.text]).toEqual([429, expect.stringContaining("1")])

    const file = join(house.house.dataDir, "settings.toml")
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    await house.house.restart()
    const after = await person.ask("POST", "/api/domain-mappings", { container_id: container, domain: "two.example.test", target_port: 80 })
    expect(after.status).toBe(429)
    // What is open by its address hides the page behind it.
    await visit.page.goto("/administration/settings?open=max_pending_mappings")
    await visit.button("Back to the default").click()
    await row(visit, "max_pending_mappings").getByText("Default", { exact: false }).first().waitFor()
    expect(
      (await person.ask("POST", "/api/domain-mappings", { container_id: container, domain: "two.example.test", target_port: 80 })).status,
    ).toBe(201)
    await visit.close()
  })

  test("what the environment sets is shown as such and not changed here, nor by the API", async () => {
    const visit = await house.signedIn()
    await visit.go("/administration/settings?q=container_limit")
    await row(visit, "container_limit").getByText("Environment: FREEHOLD_CONTAINER_LIMIT").waitFor()
    await visit.button("About container_limit").click()
    await dialog(visit).getByText("Set by FREEHOLD_CONTAINER_LIMIT: change it there.").waitFor()
    expect(await dialog(visit).getByRole("textbox").count()).toBe(0)
    const { status, text } = await person.ask("PUT", "/admin/settings/container_limit", { value: "9" })
    expect([status, text]).toEqual([409, expect.stringContaining("FREEHOLD_CONTAINER_LIMIT in the environment, which wins")])
    await visit.close()
  })

  test("the audit trail shows all of that, by filter, and is live", async () => {
    const visit = await house.signedIn()
    await visit.go("/administration/audit?action=PUT+/admin/settings")
    const trail = visit.page.getByRole("region", { name: "Audit trail" })
    await trail.getByText("max_pending_mappings").first().waitFor()
    await soon(() => trail.getByText("container_limit").count()).toBe(1)
    expect(await trail.getByText("POST /admin/users").count()).toBe(0)
    await visit.page.getByLabel("Outcome").selectOption("failed")
    await trail.getByText("409").waitFor()
    await visit.button("Clear the filter").click()
    await trail.getByText("POST /admin/users", { exact: true }).first().waitFor()
    await person.ask("PUT", "/admin/settings/hold_limit", { value: "9s" })
    await trail.getByText("hold_limit").waitFor()
    await visit.close()
  })

  test("a session of somebody is ended from here", async () => {
    const other = await house.house.login()
    const visit = await house.signedIn()
    await visit.go(`/administration/sessions?person=${admin.username}`)
    const ends = visit.page.getByRole("button", { name: /End the session of ada/ })
    await ends.first().waitFor()
    await ends.first().click()
    await dialog(visit).getByRole("button", { name: "End the session" }).click()
    await visit.page.getByText("A session of ada was ended.").waitFor()
    expect((await other.ask("GET", "/api/session")).status).toBe(401)
    await visit.close()
  })

  test("certificates and system show the issuers, the root and where it listens", async () => {
    const visit = await house.signedIn()
    await visit.go("/administration/certificates")
    await visit.page.getByText("built-in CA").first().waitFor()
    await visit.page.getByRole("region", { name: "Certificates" }).getByText("freehold.localhost", { exact: true }).waitFor()
    await visit.page.getByLabel("Search hostnames").fill("s3.")
    await visit.page.getByText("compute.freehold.localhost").waitFor({ state: "detached" })
    await visit.page.getByRole("link", { name: "Download the root certificate" }).waitFor()
    await visit.go("/administration/system")
    await visit.page.getByRole("cell", { name: String(house.house.ports.https) }).waitFor()
    await visit.page.getByText("Switched off").waitFor()
    await visit.close()
  })

  test("the doctor looks at the server and at one hostname, which stands in the address", async () => {
    const visit = await house.signedIn()
    await visit.go("/administration/doctor", "Administration")
    await visit.page.getByRole("list", { name: "Checks" }).getByText("Data folder", { exact: true }).waitFor({ timeout: 40_000 })
    await visit.page.getByLabel("Look at one hostname").fill("nobody.example.com")
    await visit.page.getByRole("button", { name: "Look", exact: true }).click()
    await visit.page.getByRole("list", { name: "Checks" }).getByText("Served", { exact: true }).waitFor({ timeout: 40_000 })
    expect(new URL(visit.page.url()).search).toBe("?hostname=nobody.example.com")
  })

  test("backups that are not set up are taught", async () => {
    const visit = await house.signedIn()
    await visit.go("/administration/backups", "Administration")
    await visit.page.getByText("Backups are not set up").waitFor()
  })

  test.each(parts)("/administration%s is accessible in both themes, wide and narrow", async (part) => {
    const troubles = await troublesIn(house, `administration${part.replace("/", "-")}`, (visit) => visit.go(`/administration${part}`))
    expect(troubles).toEqual([])
  })

  test("a person's page and a setting's dialog are accessible in both themes, wide and narrow", async () => {
    const made = JSON.parse((await person.ask("POST", "/admin/users", { username: "cyd", display_name: "Cyd Cole" })).text) as {
      user_id: string
    }
    const troubles = [
      ...(await troublesIn(house, "administration-person", (visit) => visit.go(`/administration/people/${made.user_id}`, "Cyd Cole"))),
      ...(await troublesIn(house, "administration-setting", async (visit) => {
        await visit.page.goto("/administration/settings?open=drain_limit")
        await dialog(visit).getByLabel("Value").waitFor()
      })),
    ]
    expect(troubles).toEqual([])
  })
})
