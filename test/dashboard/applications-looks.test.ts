import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test"
import { hasChromium } from "../e2e/chromium"
import { type Stage, stageObstacle, startStage } from "../e2e/stage"
import { waitUntil } from "../lab/process"
import { DashboardHouse, looks, type Visit } from "./house"

const obstacle = hasChromium ? await stageObstacle({}) : "there is no Chromium"
const zone = "customer.test"

setDefaultTimeout(300_000)

type Connection = {
  id: string
  ownership_challenge: { name: string; value: string }
  desired_records: { host: string; type: string; value: string }[]
}

describe.skipIf(obstacle !== undefined)("pages of applications with real content", () => {
  let stage: Stage
  let house: DashboardHouse
  let v1: <T = Record<string, string>>(method: string, path: string, body?: object) => Promise<T>
  const receiver = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("the queue is full", { status: 500 }) })
  /** The application that has everything, and the endpoint with a delivery that failed. */
  const at = { application: "", endpoint: "", delivery: "" }

  beforeAll(async () => {
    stage = await startStage({ zones: [zone], prepare: async () => ({ FREEHOLD_WEBHOOK_ALLOW: "127.0.0.0/8" }) })
    house = await DashboardHouse.open(stage.house)
    const { token } = await stage.house.login()
    v1 = async <T>(method: string, path: string, body?: object) => {
      const { status, text } = await stage.house.api(method, `/v1${path}`, { token, body })
      if (status >= 300) throw new Error(`${method} ${path} answered ${status}: ${text}`)
      return JSON.parse(text) as T
    }
    const { id = "" } = await v1("POST", "/applications", {
      name: "Acme Shops",
      origin_url: "http://127.0.0.1:8080",
      allowed_origins: ["https://app.acme.example"],
    })
    await v1("POST", "/applications", { name: "Acme Shops, staging", environment: "test" })
    at.application = id
    const endpoint = await v1("POST", "/webhook-endpoints", { url: `http://127.0.0.1:${receiver.port}/hooks` })
    at.endpoint = endpoint.id ?? ""
    at.delivery = (await v1("POST", `/webhook-endpoints/${at.endpoint}/test`)).id ?? ""
    const keys = `/applications/${id}/keys`
    await v1("POST", keys, { name: "Server", scopes: ["connections:read", "connections:write", "webhooks:write"] })
    const old = await v1("POST", keys, { name: "Old server" })
    await v1("DELETE", `${keys}/${old.id}`)
    const connect = (hostname: string) => v1<Connection>("POST", "/connections", { application_id: id, hostname })
    const proved = await connect("proved.customer.test")
    const { name, value } = proved.ownership_challenge
    await stage.dns.publish("both", name, "TXT", value)
    for (let n = 0; n < 119; n += 10)
      await Promise.all(Array.from({ length: Math.min(10, 119 - n) }, (_, one) => connect(`c${n + one}.customer.test`)))
    await v1("POST", `/applications/${id}/credentials`, { provider: "digitalocean", token: "dop_v1_0123" })
    await waitUntil(async () => (await v1("GET", `/connections/${proved.id}`)).state === "propagating", {
      what: "the proof",
      limitMs: 60_000,
    })
    await waitUntil(async () => (await v1("GET", `/webhook-deliveries/${at.delivery}`)).status === "retrying", { what: "the first try" })
  })
  afterAll(async () => {
    await house?.stop()
    await stage?.stop()
    await receiver.stop(true)
  })

  const inDialog = ({ page }: Visit, label: string) => page.getByRole("dialog").getByLabel(label, { exact: true }).waitFor()
  const part = (path = "") => `/applications/${at.application}${path}`
  const endpoint = () => part(`/webhooks/${at.endpoint}`)

  const pages: [name: string, path: () => string, ready: (visit: Visit) => Promise<unknown>][] = [
    ["applications", () => "/applications", ({ page }) => page.getByText("120 on the way").waitFor()],
    ["application-new", () => "/applications?open=new", (visit) => inDialog(visit, "Name")],
    ["application", () => part(), ({ page }) => page.getByText("Connections made").waitFor()],
    ["application-edit", () => part("?open=edit"), (visit) => inDialog(visit, "Name")],
    ["connections", () => part("/connections"), ({ page }) => page.getByText("c118.customer.test").first().waitFor()],
    ["connections-new", () => part("/connections?open=new"), (visit) => inDialog(visit, "Hostname")],
    ["keys", () => part("/keys"), ({ page }) => page.getByRole("row", { name: /Server/ }).waitFor()],
    ["keys-new", () => part("/keys?open=new"), (visit) => inDialog(visit, "Name")],
    ["credentials", () => part("/credentials"), ({ page }) => page.getByRole("row", { name: /DigitalOcean/ }).waitFor()],
    ["credentials-new", () => part("/credentials?open=new"), (visit) => inDialog(visit, "Provider")],
    [
      "credentials-azure",
      () => part("/credentials?open=new"),
      async (visit) => {
        await visit.page.getByRole("dialog").getByLabel("Provider").selectOption("azuredns")
        await visit.page.getByRole("dialog").getByLabel("Client secret").waitFor()
      },
    ],
    ["webhooks", () => part("/webhooks"), ({ page }) => page.getByRole("link", { name: /\/hooks/ }).waitFor()],
    ["webhooks-new", () => part("/webhooks?open=new"), (visit) => inDialog(visit, "URL")],
    ["endpoint", endpoint, ({ page }) => page.getByRole("button", { name: /webhook\.test/ }).waitFor()],
    ["delivery", () => `${endpoint()}?delivery=${at.delivery}`, ({ page }) => page.getByText("the receiver answered 500").last().waitFor()],
    [
      "widget",
      () => part("/widget"),
      async ({ page }) => {
        await page.locator("button:not(:disabled)", { hasText: "Open widget" }).click()
        await page.frameLocator("iframe").getByRole("heading", { name: "Connect your domain" }).waitFor()
        await page.getByText("connectdomain:step").waitFor()
      },
    ],
  ]

  // One browser for a look: what it has loaded once it has.
  test.each(looks)("each is accessible at %p, scrolls down alone and has no fault", async (look) => {
    const visit = await house.signedIn(look)
    const troubles: string[] = []
    for (const [name, path, ready] of pages) {
      await visit.page.goto(path())
      await ready(visit)
      await visit.settled()
      await visit.shot(name)
      troubles.push(...(await visit.troubles()).map((trouble) => `${name}: ${trouble}`))
    }
    expect(troubles).toEqual([])
    await visit.close()
  })

  test("a hundred and more connections come page by page", async () => {
    const visit = await house.signedIn()
    await visit.go(part("/connections"))
    await visit.page.waitForFunction(() => document.querySelector("li[aria-setsize='100']") !== null)
    await visit.button("Show more").click()
    await visit.page.waitForFunction(() => document.querySelector("li[aria-setsize='120']") !== null)
    expect(visit.faults).toEqual([])
    await visit.close()
  })
})
