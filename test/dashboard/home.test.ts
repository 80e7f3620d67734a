import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { hasChromium } from "../e2e/chromium"
import type { Mapping, Person } from "../e2e/person"
import { type Stage, stageObstacle, startStage } from "../e2e/stage"
import { waitUntil } from "../lab/process"
import { DashboardHouse, troublesIn } from "./house"
import { soon } from "../e2e/soon"

const obstacle = hasChromium ? await stageObstacle({}) : "there is no Chromium"

type Overview = { attention: { kind: string; subject: { id: string | null } }[]; traffic: { requests: number } }

describe.skipIf(obstacle !== undefined)("Home", () => {
  let stage: Stage
  let house: DashboardHouse
  let ada: Person
  let application: Bun.Server<undefined>
  beforeAll(async () => {
    stage = await startStage({})
    house = await DashboardHouse.open(stage.house)
    ada = await stage.house.login()
    application = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("here\n") })
  })
  afterAll(async () => {
    await application?.stop(true)
    await house?.stop()
    await stage?.stop()
  })

  const overview = () => ada.send<Overview>("GET", "/api/overview")
  const isTold = (kind: string) =>
    waitUntil(async () => (await overview()).attention.some((one) => one.kind === kind), { limitMs: 30_000, what: `${kind} to be told` })
  const prove = ({ verify_name: name, verify_token: value }: Mapping) => stage.dns.publish("both", name, "TXT", value)

  test("whoever has nothing yet is led to the first step, an administrator to the server's own", async () => {
    const visit = await house.signedIn()
    await visit.go("/", "Home")
    await visit.page.getByRole("heading", { name: "Welcome to Freehold" }).waitFor()
    await soon(() => visit.page.getByRole("link", { name: /Set up this server/ }).getAttribute("href")).toBe("/welcome")
    await soon(() => visit.page.getByRole("link", { name: /Add the first hostname/ }).getAttribute("href")).toBe("/hostnames/new")
    expect(await troublesIn(house, "home-start", (look) => look.go("/", "Home"))).toEqual([])
    await visit.close()
  })

  test("a stuck and a failed hostname are shown with their reason, and go away by themselves when they are mended", async () => {
    const container = await ada.external("page", { 8080: application.port ?? 0 })
    const names = { failed: "failed.customer.test", stuck: "stuck.customer.test" }
    for (const name of Object.values(names)) await stage.point(name)
    const failed = await ada.map(names.failed, container)
    await ada.send("PUT", "/admin/settings/verify_expiry", { value: "1s" })
    await isTold("mapping_failed")
    await ada.send("DELETE", "/admin/settings/verify_expiry")
    const stuck = await ada.map(names.stuck, container)
    await isTold("mapping_pending")

    const visit = await house.signedIn()
    await visit.go("/", "Home")
    const item = (name: string) => visit.page.getByRole("listitem").filter({ has: visit.page.getByRole("link", { name, exact: true }) })
    const list = visit.page.getByRole("region", { name: "Needs attention" })
    await list.waitFor()
    await soon(() => item(names.failed).innerText()).toContain("Failed")
    await soon(() => item(names.stuck).innerText()).toContain(`_edd-verify.${names.stuck} with the value ${stuck.verify_token}`)
    await soon(() => item(names.stuck).innerText()).toMatch(/began (just now|\d+ minutes? ago)/)
    // What every name server said is the reason.
    await soon(() => item(names.stuck).innerText()).toMatch(/ns1|no .*record|NXDOMAIN|not found/i)
    await soon(() => visit.page.getByRole("link", { name: names.stuck }).getAttribute("href")).toBe(`/hostnames/mapping/${stuck.id}`)
    expect(await troublesIn(house, "home-attention", (look) => look.go("/", "Home"))).toEqual([])

    await prove(stuck)
    await ada.verify(stuck.id)
    await item(names.stuck).waitFor({ state: "detached" })
    await prove(failed)
    await ada.verify(failed.id)
    await ada.mappingIs(failed.id, "verified", ({ status }) => status === "verified")
    await visit.page.getByText("Nothing needs your attention.").waitFor()
    expect(visit.faults).toEqual([])
    await visit.close()
  })

  test("what was served today is counted, with the hostnames that had the most", async () => {
    for (let n = 0; n < 3; n++) expect((await stage.house.curl("https://stuck.customer.test/", { args: ["--insecure"] })).code).toBe(0)
    await waitUntil(async () => (await overview()).traffic.requests >= 3, {
      limitMs: 90_000,
      everyMs: 1000,
      what: "the minute to be written",
    })
    const visit = await house.signedIn()
    await visit.go("/", "Home")
    await visit.page.getByRole("img", { name: /Requests an hour/ }).waitFor()
    await visit.page.getByRole("listitem").filter({ hasText: "stuck.customer.test" }).getByText("3", { exact: true }).waitFor()
    expect(await troublesIn(house, "home-traffic", (look) => look.go("/", "Home"))).toEqual([])
    await visit.close()
  })

  test("somebody who is no administrator sees nothing of the server", async () => {
    const bob = { username: "bob", password: "another horse battery" }
    await ada.send("POST", "/admin/users", bob)
    const visit = await house.signedIn(undefined, bob)
    await visit.go("/", "Home")
    await visit.page.getByRole("heading", { name: "Welcome to Freehold" }).waitFor()
    expect(await visit.page.getByRole("heading", { name: "This server" }).count()).toBe(0)
    expect(await visit.page.getByRole("link", { name: /Set up this server/ }).count()).toBe(0)
    await visit.close()
  })
})
