import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { hasChromium } from "../e2e/chromium"
import type { Mapping, Person } from "../e2e/person"
import { type Stage, stageObstacle, startStage } from "../e2e/stage"
import { DashboardHouse, troublesIn, type Visit } from "./house"
import { soon } from "../e2e/soon"

const obstacle = hasChromium ? await stageObstacle({ pebble: true }) : "no Chromium"
const base = "cloud.test"

/** Goes through adding a name up to its own page. */
async function add(visit: Visit, name: string, container = "web"): Promise<void> {
  await visit.go("/hostnames/new", "Add a hostname")
  await visit.page.getByLabel("Hostname", { exact: true }).fill(name)
  await visit.page.getByLabel("Container").selectOption({ label: `${container} · running` })
  await visit.button("Add hostname").click()
}

const step = (visit: Visit, name: string, state: string) =>
  visit.page.getByRole("heading", { level: 3, name: new RegExp(`^${name}\\s*: ${state}$`) }).waitFor()

// Told in order: each test starts where the one before it ended.
describe.skipIf(obstacle !== undefined)(`hostnames in the dashboard${obstacle ? ` (skipped: ${obstacle})` : ""}`, () => {
  let stage: Stage
  let house: DashboardHouse
  let upstream: Bun.Server<undefined>
  let ada: Person
  let visit: Visit

  beforeAll(async () => {
    upstream = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("hello\n") })
    stage = await startStage({
      pebble: true,
      zones: ["customer.test", base],
      prepare: async (dns, address) => {
        for (const name of [base, `*.${base}`]) await dns.publish("both", name, "A", address)
        // So seldom that it is the page that looks.
        return { FREEHOLD_BASE_DOMAIN: base, FREEHOLD_PUBLIC_IPV4: address, FREEHOLD_VERIFY_INTERVAL: "10m" }
      },
    })
    ada = await stage.house.login()
    house = await DashboardHouse.open(stage.house)
    visit = await house.signedIn()
  })
  afterAll(async () => {
    await house?.stop()
    await stage?.stop()
    await upstream?.stop(true)
  })

  test("an empty list teaches the first step, which says that a container is needed first", async () => {
    await visit.go("/hostnames", "Hostnames")
    await visit.page.getByText("No hostname leads here yet").waitFor()
    expect(await troublesIn(house, "hostnames-empty", (one) => one.go("/hostnames", "Hostnames"))).toEqual([])
    await visit.page.getByRole("link", { name: "Add hostname" }).first().click()
    await visit.heading("Add a hostname")
    await visit.page.getByText("There is no container yet").waitFor()
    await ada.external("web", { "8080": upstream.port ?? 0 })
  })

  test("what is typed is looked up, and a refusal stands at its field with nothing lost", async () => {
    await visit.go("/hostnames/new", "Add a hostname")
    const name = visit.page.getByLabel("Hostname", { exact: true })
    await name.fill("1.2.3.4")
    await visit.page.getByText("Invalid domain.").waitFor()
    await soon(() => name.getAttribute("aria-invalid")).toBe("true")
    await name.fill("app.customer.test")
    await visit.page.getByText("nothing yet, so no record is in the way").waitFor()
    await visit.page.getByText("TXT at _edd-verify.app.customer.test").waitFor()
    await visit.button("Add hostname").click()
    await visit.page.getByText("Choose the container that the name leads to.").waitFor()
    await soon(() => name.inputValue()).toBe("app.customer.test")
    const arrange = async (one: Visit) => {
      await one.go("/hostnames/new?name=app.customer.test", "Add a hostname")
      await one.page.getByText("nothing yet, so no record is in the way").waitFor()
    }
    expect(await troublesIn(house, "hostnames-new", arrange)).toEqual([])
  })

  test("a public name: its records tick as they appear at each server, then the certificate, then the first 200, all without a reload", async () => {
    await add(visit, "app.customer.test")
    await visit.heading("app.customer.test")
    const { page } = visit
    const path = new URL(page.url()).pathname
    const [mapping] = (await ada.send<{ domains: Mapping[] }>("GET", "/api/domain-mappings")).domains
    await page.getByText("_edd-verify.app", { exact: true }).waitFor()
    await page.getByText(mapping?.verify_token ?? "none", { exact: true }).waitFor()
    await page.getByText(`ingress.${base}`, { exact: true }).waitFor()
    await step(visit, "Show that the name is yours", "Now")
    expect(await troublesIn(house, "hostname-pending", (one) => one.go(path, "app.customer.test"))).toEqual([])

    await stage.dns.publish("both", "app.customer.test", "CNAME", `ingress.${base}`)
    await step(visit, "Lead the name here", "Done")
    await stage.dns.publish(1, mapping?.verify_name ?? "", "TXT", "something else")
    const wrong = page
      .getByRole("list", { name: "Authoritative servers" })
      .getByRole("listitem")
      .filter({ hasText: "ns1.customer.test has another value" })
    await wrong.waitFor()
    await soon(() => wrong.innerText()).toContain("something else")
    await page.getByText("Waiting for its TXT record").waitFor()
    await stage.dns.publish(2, mapping?.verify_name ?? "", "TXT", mapping?.verify_token ?? "")
    await step(visit, "Show that the name is yours", "Done")
    await step(visit, "Certificate", "Done")
    await step(visit, "First visit", "Now")
    expect(await stage.house.curl("https://app.customer.test/")).toMatchObject({ code: 0, status: 200, text: "hello\n" })
    await page.getByRole("list", { name: "On its way" }).waitFor({ state: "detached" })
    await page.getByText("1 request", { exact: true }).waitFor()
    await page.getByText("Live", { exact: true }).waitFor()
    expect(visit.faults).toEqual([])
  })

  test("its parts have addresses: records and verdict, certificate with its plan, a timeline that can be narrowed", async () => {
    const [mapping] = (await ada.send<{ domains: Mapping[] }>("GET", "/api/domain-mappings")).domains
    const path = `/hostnames/mapping/${mapping?.id}`
    await visit.go(`${path}/certificate`, "app.customer.test")
    await visit.page.getByText("when a third of its lifetime is left").waitFor()
    await visit.page.getByRole("heading", { name: "Chain" }).waitFor()
    await visit.go(`${path}/timeline`, "app.customer.test")
    await visit.page.getByText("pending → verified, by its TXT record").waitFor()
    await visit.page.getByLabel("Show").selectOption("acme")
    await visit.page.getByText("pending → verified, by its TXT record").waitFor({ state: "detached" })
    expect(visit.page.url()).toContain("show=acme")
    const link = await visit.page.getByRole("link", { name: "Export as text" }).getAttribute("href")
    expect((await ada.ask("GET", link ?? "")).text).toContain("Timeline of app.customer.test")
    for (const [part, text] of [
      ["", "1 request"],
      ["/dns", "Every name server"],
      ["/certificate", "Chain"],
      ["/timeline", "States"],
      ["/settings", "Save changes"],
    ] as const) {
      const arrange = async (one: Visit) => {
        await one.go(path + part, "app.customer.test")
        if (part === "/dns") await one.page.getByText("app.customer.test leads here").waitFor()
        else await one.page.getByText(text).first().waitFor({ state: "attached" })
        if (part === "") await one.page.locator("canvas").nth(3).waitFor()
      }
      expect(await troublesIn(house, `hostname-live${part.replace("/", "-")}`, arrange)).toEqual([])
    }
  })

  test("a name of the house is live at once", async () => {
    await add(visit, "nas.home.arpa")
    await visit.heading("nas.home.arpa")
    await step(visit, "Show that the name is yours", "Done")
    await step(visit, "Certificate", "Done")
    await visit.page.getByText("Issued by the built-in CA.").waitFor()
    await visit.go("/hostnames?q=nas", "Hostnames")
    await visit.page.getByRole("link", { name: /nas\.home\.arpa/ }).waitFor()
    expect(await visit.page.getByRole("link", { name: /app\.customer\.test/ }).count()).toBe(0)
  })

  test("a name that is taken is told before and after, at its field", async () => {
    await add(visit, "app.customer.test")
    await visit.page.getByRole("alert").filter({ hasText: "Domain already in use." }).waitFor()
    const name = visit.page.getByLabel("Hostname", { exact: true })
    await soon(() => name.inputValue()).toBe("app.customer.test")
    expect(await name.evaluate((field) => field === document.activeElement)).toBe(true)
    await visit.page.getByText("domain already in use", { exact: true }).waitFor()
  })

  test("target and options are changed in place", async () => {
    await ada.external("other", { "8080": upstream.port ?? 0, "8443": upstream.port ?? 0 })
    const [mapping] = (await ada.send<{ domains: Mapping[] }>("GET", "/api/domain-mappings")).domains
    await visit.go(`/hostnames/mapping/${mapping?.id}/settings`)
    await visit.page.getByLabel("Container").selectOption({ label: "other · running" })
    await visit.page.getByLabel("Port").selectOption("8443")
    await visit.page.getByLabel("Redirect plain HTTP to HTTPS").uncheck()
    await visit.button("Save changes").click()
    await visit.page.getByText("Saved; it is live now").waitFor()
    expect(await ada.mapping(mapping?.id ?? "")).toMatchObject({ http: "serve", target_port: 8443 })
  })

  test("a container that goes takes its mappings with it, and the open list shows it without a reload", async () => {
    await visit.go("/hostnames", "Hostnames")
    await visit.page.getByRole("link", { name: /nas\.home\.arpa/ }).waitFor()
    const { containers } = await ada.send<{ containers: { id: string; name: string }[] }>("GET", "/compute/containers")
    await ada.ask("DELETE", `/compute/containers/${containers.find(({ name }) => name === "other")?.id}`)
    await visit.page.getByRole("link", { name: /nas\.home\.arpa/ }).waitFor({ state: "detached" })
    const web = containers.find(({ name }) => name === "web")?.id ?? ""
    await ada.map("nas.home.arpa", web)
  })

  test("deleting says what it does, asks for the name, and ends it", async () => {
    const found = (await ada.send<{ domains: Mapping[] }>("GET", "/api/domain-mappings")).domains.find(
      ({ domain }) => domain === "nas.home.arpa",
    )
    await visit.go(`/hostnames/mapping/${found?.id}/settings`, "nas.home.arpa")
    await visit.button("Delete hostname").click()
    const dialog = visit.page.getByRole("dialog")
    await soon(() => dialog.getByRole("button", { name: "Delete hostname" }).isDisabled()).toBe(true)
    await dialog.getByRole("textbox").fill("nas.home.arpa")
    await dialog.getByRole("button", { name: "Delete hostname" }).click()
    await visit.heading("Hostnames")
    await visit.page.getByText("nas.home.arpa was deleted").waitFor()
    await visit.page.getByRole("link", { name: /nas\.home\.arpa/ }).waitFor({ state: "detached" })
    await visit.go(`/hostnames/mapping/${found?.id}`, "There is no such hostname")
  })

  test("a connection stands in the same list, shows its records and what a look found", async () => {
    const { id: application } = await ada.send<{ id: string }>("POST", "/v1/applications", { name: "Shop" })
    const { id } = await ada.send<{ id: string }>("POST", "/v1/connections", {
      application_id: application,
      hostname: "shop.customer.test",
    })
    await visit.go("/hostnames?kind=connection", "Hostnames")
    await visit.page.getByRole("link", { name: /shop\.customer\.test/ }).click()
    await visit.heading("shop.customer.test")
    await visit.page.getByText("_customdomain-challenge.shop", { exact: true }).waitFor()
    await visit.button("Check now").click()
    await visit.page.getByText("Looked again").waitFor()
    for (const part of ["", "/settings"]) {
      const arrange = async (one: Visit) => {
        await one.go(`/hostnames/connection/${id}${part}`, "shop.customer.test")
        await one.page
          .getByText(part === "" ? "_customdomain-challenge.shop" : "Archive connection")
          .first()
          .waitFor()
      }
      expect(await troublesIn(house, `connection${part.replace("/", "-")}`, arrange)).toEqual([])
    }
    expect(visit.faults).toEqual([])
  })
})
