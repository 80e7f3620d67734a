import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import type { Locator } from "playwright-core"
import { hasChromium } from "../e2e/chromium"
import { DashboardHouse, troublesIn, type Visit } from "./house"

const publicKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIHvTxAgB7fjN4mUgPnQ0h2kGYvUxYkW7h1P0p7m6X8f ada@laptop"

const permission = ({ page }: Visit, place: number): Locator => page.getByRole("group", { name: `Permission ${place}`, exact: true })

describe.skipIf(!hasChromium)("pages of access with things in them", () => {
  let house: DashboardHouse
  let account: string
  beforeAll(async () => {
    house = await DashboardHouse.open()
    const ada = await house.house.login()
    const web = await ada.external("web", { 8080: 8080 })
    await ada.send("POST", "/storage/namespaces", { name: "backups" })
    const scopes = { [`compute.${ada.id}`]: ["read"], [`networking.${ada.id}.domain-mappings`]: ["create", "read", "delete"] }
    const files = { [`storage.${ada.id}.files.backups`]: ["create", "read"] }
    await ada.send("POST", "/api/tokens", { name: "restic on the laptop", scopes: files, expires_in: "90d" })
    const { token } = await ada.send<{ token: string }>("POST", "/api/tokens", { name: "monitoring", scopes, expires_in: "never" })
    await house.house.api("GET", "/api/domain-mappings", { token })
    await ada.send("POST", "/api/tokens", {
      name: "ci",
      scopes: { ...files, [`compute.${ada.id}.containers.${web}`]: ["start", "stop"] },
    })
    account = (await ada.send<{ id: string }>("POST", "/api/service-accounts", { name: "build server", scopes })).id
    await ada.send("POST", `/api/service-accounts/${account}/tokens`, { name: "runner 1", expires_in: "30d" })
    await ada.send("POST", `/api/service-accounts/${account}/tokens`, { name: "runner 2", expires_in: "365d" })
    await ada.send("POST", "/compute/ssh-keys", { name: "laptop", public_key: publicKey })
  }, 120_000)
  afterAll(() => house?.stop())

  const pages: [string, (visit: Visit) => Promise<void>][] = [
    ["access", (visit) => visit.go("/access", "Access")],
    [
      "access-tokens",
      async (visit) => {
        await visit.go("/access/tokens", "API tokens")
        await visit.page.getByText("Containers · web").waitFor()
      },
    ],
    [
      "access-new-token",
      async (visit) => {
        await visit.go("/access/tokens/new", "New API token")
        await visit.page.getByLabel("Name").fill("nightly backup")
        await visit.button("Add permission").click()
        await permission(visit, 1).getByLabel("What").selectOption("Files")
        await permission(visit, 1).getByLabel("Which").selectOption("backups")
        await permission(visit, 1).getByLabel("create").check()
        await visit.button("Add permission").click()
        await permission(visit, 2).getByLabel("What").selectOption("Containers")
      },
    ],
    ["access-new-account", (visit) => visit.go("/access/tokens/new-account", "New service account")],
    ["access-account", (visit) => visit.go(`/access/tokens/accounts/${account}`, "build server")],
    ["access-account-edit", (visit) => visit.go(`/access/tokens/accounts/${account}?edit=scopes&add=token`, "build server")],
    ["access-sessions", (visit) => visit.go("/access/sessions", "Sessions")],
    [
      "access-security",
      async (visit) => {
        await visit.go("/access/security", "Two-factor sign-in")
        await visit.page.getByText("Two-factor sign-in is off").waitFor()
      },
    ],
    [
      "access-security-app",
      async (visit) => {
        await visit.go("/access/security", "Two-factor sign-in")
        await visit.button("Set up app").click()
        await visit.page.getByRole("img", { name: "QR code for the authenticator app" }).waitFor()
      },
    ],
    ["access-ssh-keys", (visit) => visit.go("/access/ssh-keys", "SSH keys")],
    [
      "access-ssh-keys-add",
      async (visit) => {
        await visit.page.goto("/access/ssh-keys?add=1")
        await visit.page.getByRole("dialog", { name: "Add an SSH key" }).waitFor()
      },
    ],
  ]

  test.each(pages)("%s is accessible in both themes, wide and narrow", async (name, arrange) => {
    expect(await troublesIn(house, name, arrange)).toEqual([])
  })
})
