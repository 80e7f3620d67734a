import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { join } from "node:path"
import { freePort, loopbackBlock } from "../lab/ports"
import { runCommand, temporaryFolder, waitUntil } from "../lab/process"
import { type Appliance, startAppliance } from "./appliance"
import type { Person } from "./person"
import { PrometheusLab, prometheusObstacle } from "./prometheus"

const repository = join(import.meta.dir, "../..")
const monitoring = join(repository, "docs/monitoring")
const rulesFile = join(monitoring, "rules.yml")

/** One metric as a scrape shows it. */
type Shown = { type: string; help: string; labels: string[] }

// One story, told in order: an appliance without its engine and its certificate authority, and what Prometheus sees of it.
describe.skipIf(prometheusObstacle !== undefined)(`metrics${prometheusObstacle ? ` (skipped: ${prometheusObstacle})` : ""}`, () => {
  const undo: (() => unknown)[] = []
  let house: Appliance
  let ada: Person
  let prometheus: PrometheusLab
  let finish: (() => void) | undefined
  const application = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: async (request) => {
      if (new URL(request.url).pathname === "/slow") await new Promise<void>((resolve) => (finish = resolve))
      return new Response("the page")
    },
  })
  const scrape = async () => (await house.api("GET", "/metrics")).text
  const visit = (hostname: string, path = "/") => house.curl(`https://${hostname}${path}`, { args: ["--insecure"] })
  const firing = async (alert: string) => (await prometheus.alerts(alert)).filter(({ state }) => state === "firing")

  beforeAll(async () => {
    const address = (await loopbackBlock(8080, 1)).address(1)
    const nobody = `127.0.0.1:${await freePort("127.0.0.1")}`
    const kept = await temporaryFolder("kept")
    undo.push(() => kept.remove())
    house = await startAppliance({
      address,
      settings: {
        FREEHOLD_BASE_DOMAIN: "cloud.example.com",
        FREEHOLD_ACME_DIRECTORY: `https://${nobody}/directory`,
        FREEHOLD_DNS_ROOTS: nobody,
        FREEHOLD_DNS_LISTEN: `${address}:0`,
        FREEHOLD_CONTAINER_ENGINE: "unix:///run/no-engine-here.sock",
        FREEHOLD_EDGE_WORKERS: "2",
        FREEHOLD_METRICS_HOSTNAMES: "shop.lan",
        FREEHOLD_BACKUP_TO: kept.path,
        FREEHOLD_BACKUP_PASSPHRASE: "a secret of the house",
        FREEHOLD_BACKUP_EVERY: "off",
      },
    })
    undo.push(() => house.stop())
    ada = await house.login()
    // The first census of certificates finds one.
    await ada.map("shop.lan", await ada.external("shop", { 8080: application.port ?? 0 }))
    await waitUntil(async () => (await visit("shop.lan")).status === 200, { what: "the page" })
    // Windows stay as they are; how long a condition must hold does not.
    const rules = (await Bun.file(rulesFile).text()).replaceAll(/^( +)for: \w+$/gm, "$1for: 2s")
    expect(rules).toContain("for: 2s")
    prometheus = await PrometheusLab.start(house.url.replace("http://", ""), rules)
    undo.push(() => prometheus.stop())
  })
  afterAll(async () => {
    finish?.()
    for (const step of undo.splice(0).reverse()) await step()
    await application.stop(true)
  })

  test("the rules, their own tests and the configuration are such as promtool takes", async () => {
    expect(await runCommand(["promtool", "check", "rules", rulesFile])).toContain("SUCCESS")
    expect(await runCommand(["promtool", "test", "rules", "rules.test.yml"], { folder: monitoring })).toContain("SUCCESS")
    expect(await runCommand(["promtool", "check", "config", "prometheus.yml"], { folder: monitoring })).toContain("SUCCESS")
  })

  test("a scrape is Prometheus' format, by its own practice of names", async () => {
    const { headers, text } = await house.api("GET", "/metrics")
    expect(headers.get("content-type")).toStartWith("text/plain; version=0.0.4")
    expect(await runCommand(["promtool", "check", "metrics"], { input: text })).toBe("")
    expect((await house.api("POST", "/metrics")).status).toBe(405)
  })

  test("what all threads served is counted, by class and by the name that the settings name", async () => {
    const before = countOf(await scrape(), 'freehold_hostname_requests_total{hostname="shop.lan",code="2xx"}')
    await Promise.all(Array.from({ length: 12 }, () => visit("shop.lan")))
    const series = 'freehold_hostname_requests_total{hostname="shop.lan",code="2xx"}'
    await waitUntil(async () => countOf(await scrape(), series) === before + 12, { what: "the count of the hostname", everyMs: 1100 })
    const text = await scrape()
    const ofAll = [...text.matchAll(/^freehold_edge_requests_total\{.*code="2xx",answered_by="application"\} (\d+)$/gm)]
    expect(ofAll.reduce((sum, [, count]) => sum + Number(count), 0)).toBe(before + 12)
    expect(countOf(text, 'freehold_edge_request_duration_seconds_count{answered_by="application"}')).toBe(before + 12)
  })

  test("of backups there is nothing to tell until the first, and then its age and that it went well", async () => {
    expect(await scrape()).not.toMatch(/^freehold_backup_/m)
    await ada.send("POST", "/admin/backups")
    await waitUntil(async () => countOf(await scrape(), "freehold_backup_last_ok") === 1, { what: "a backup" })
    const text = await scrape()
    expect(Number(/^freehold_backup_age_seconds (\S+)$/m.exec(text)?.[1])).toBeLessThan(60)
    expect(countOf(text, "freehold_backup_overdue_seconds")).toBe(0)
  })

  test("docs/OPERATING.md has each metric with its type, its labels and its meaning, and no other", async () => {
    await waitUntil(async () => shownIn(await scrape()).has("freehold_acme_order_failures_total"), {
      what: "an order that failed",
      everyMs: 500,
    })
    const shown = [...shownIn(await scrape())].sort(([a], [b]) => a.localeCompare(b))
    const rows = shown.map(([name, { type, labels, help }]) => `${name} | ${type} | ${labels.join(", ")} | ${help}`)
    if (process.env.FREEHOLD_WRITE_EXAMPLES)
      await Bun.write(join(repository, "dist/metrics-table.md"), rows.map((row) => `| ${row.replace(/^\w+/, "`$&`")} |`).join("\n"))
    const text = await Bun.file(join(repository, "docs/OPERATING.md")).text()
    const documented = [...text.matchAll(/^\| `((?:freehold|process)_\w+)` *\|([^|]*)\|([^|]*)\|([^|]*)\|$/gm)].map(([, ...cells]) =>
      cells.map((cell) => cell.trim()).join(" | "),
    )
    expect(documented.sort()).toEqual(rows.sort())
  })

  test("every metric that the dashboard and the rules name is in a scrape, and Prometheus takes each expression", async () => {
    const dashboard = await Bun.file(join(monitoring, "dashboard.json")).text()
    const expressions = [...dashboard.matchAll(/"expr": "((?:[^"\\]|\\.)*)"/g)].map(([, text]) => JSON.parse(`"${text}"`) as string)
    expect(expressions.length).toBeGreaterThan(40)
    const named = `${expressions.join("\n")}\n${await Bun.file(rulesFile).text()}`.match(/\b(?:freehold|process)_[a-z0-9_]+/g) ?? []
    const text = await scrape()
    const missing = [...new Set(named)].filter((name) => !new RegExp(`^${name}[{ ]`, "m").test(text))
    expect(missing).toEqual([])
    await waitUntil(async () => (await prometheus.query('up{job="freehold"} == 1')).length === 1, { what: "the target to be up" })
    // It tells of restarts, of which there was none.
    let empty = expressions.filter((expression) => !expression.startsWith("changes("))
    // A rate needs two scrapes.
    await waitUntil(
      async () => {
        const before = empty
        empty = []
        for (const expression of before) {
          const values = await prometheus.query(expression.replaceAll("$__rate_interval", "1m").replaceAll(/\$(job|instance)/g, ".*"))
          if (values.length === 0) empty.push(expression)
        }
        return empty.length === 0
      },
      { what: "every expression to have a value", everyMs: 500 },
    ).catch(() => undefined)
    expect(empty).toEqual([])
  })

  test("an engine that is gone is an alert, and a health that is degraded but serves", async () => {
    await waitUntil(async () => (await firing("FreeholdContainerEngineGone")).length === 1, {
      what: "the alert of the engine",
      limitMs: 60_000,
    })
    const [alert] = await firing("FreeholdContainerEngineGone")
    expect(alert?.annotations.summary).toBe(`The container engine of ${house.url.replace("http://", "")} does not answer.`)
    const { status, text } = await house.api("GET", "/healthz")
    expect([status, JSON.parse(text)]).toMatchObject([200, { status: "degraded", checks: { container_engine: { status: "degraded" } } }])
    const ready = await house.api("GET", "/readyz")
    expect([ready.status, Object.keys(JSON.parse(ready.text).checks)]).toEqual([200, ["process", "store", "edge"]])
    expect(await firing("FreeholdNotServing")).toEqual([])
  })

  test("an application that does not answer is an alert once visitors meet it", async () => {
    expect(await prometheus.alerts("FreeholdApplicationUnreachable")).toEqual([])
    await ada.map("gone.lan", await ada.external("gone", { 8080: await freePort("127.0.0.1") }))
    await waitUntil(
      async () => {
        expect((await visit("gone.lan")).status).toBe(502)
        return (await firing("FreeholdApplicationUnreachable")).length === 1
      },
      { what: "the alert of the application", limitMs: 60_000, everyMs: 300 },
    )
    expect(await firing("FreeholdApplicationErrors")).toEqual([])
  })

  test("one that stops says so while it finishes, and is an alert when it is gone", async () => {
    const last = visit("shop.lan", "/slow")
    await waitUntil(() => finish !== undefined, { what: "the slow request to arrive" })
    const ended = house.end()
    await waitUntil(async () => (await house.api("GET", "/readyz")).status === 503, { what: "the readiness to end" })
    const { status, text } = await house.api("GET", "/healthz")
    expect([status, JSON.parse(text)]).toMatchObject([503, { status: "unavailable", checks: { process: { status: "unavailable" } } }])
    expect((await house.api("GET", "/livez")).status).toBe(200)
    finish?.()
    expect((await last).status).toBe(200)
    expect(await ended).toBe(0)
    await waitUntil(async () => (await firing("FreeholdDown")).length === 1, { what: "the alert of the appliance", limitMs: 60_000 })
  })
})

test("through the edge there is no /metrics, and a health that names nothing", async () => {
  const house = await startAppliance({ address: (await loopbackBlock(8080, 1)).address(1) })
  try {
    const at = (path: string) => house.curl(`https://freehold.localhost${path}`, { args: ["--insecure"] })
    await waitUntil(async () => (await at("/livez")).status === 200, { what: "the edge to have its certificate" })
    expect((await at("/metrics")).status).toBe(404)
    expect((await at("/metrics?x")).status).toBe(404)
    expect((await house.curl("http://freehold.localhost/metrics")).status).toBe(301)
    const { status, text } = await at("/healthz")
    expect([status, JSON.parse(text).status]).toEqual([200, "ok"])
    for (const secret of [house.dataDir, "freehold.localhost", house.address]) expect(text).not.toContain(secret)
  } finally {
    await house.stop()
  }
})

function shownIn(text: string): Map<string, Shown> {
  const found = new Map<string, Shown>()
  for (const [, name = "", help = "", type = ""] of text.matchAll(/^# HELP (\w+) (.*)\n# TYPE \w+ (\w+)$/gm)) {
    const [, labels = ""] = new RegExp(`^${name}(?:_count)?(?:\\{(.*)\\})? `, "m").exec(text) ?? []
    found.set(name, { type, help, labels: [...labels.matchAll(/(\w+)="/g)].map(([, label]) => label!) })
  }
  return found
}

const countOf = (text: string, series: string) =>
  Number(
    text
      .split("\n")
      .find((line) => line.startsWith(`${series} `))
      ?.split(" ")
      .at(-1),
  )
