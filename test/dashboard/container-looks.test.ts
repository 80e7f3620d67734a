import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { type Appliance, startAppliance } from "../e2e/appliance"
import { hasChromium } from "../e2e/chromium"
import type { Person } from "../e2e/person"
import { type PodmanLab, podmanObstacle, startPodman } from "../lab/podman"
import { waitUntil } from "../lab/process"
import { DashboardHouse, troublesIn, type Visit } from "./house"

const obstacle = podmanObstacle() ?? (hasChromium ? undefined : "there is no Chromium")
const serve =
  "trap 'exit 0' TERM; /bin/busybox httpd -f -p 8080 -h /www & i=0; while [ $i -lt 60 ]; do i=$((i+1)); echo \"GET /page/$i 200 a request that was answered in $((i%7)) ms\"; done; while :; do : $((i=i+1)); /bin/busybox sleep 0.2; done"

describe.skipIf(obstacle !== undefined)(`how the pages of containers look${obstacle ? ` (skipped: ${obstacle})` : ""}`, () => {
  let podman: PodmanLab
  let appliance: Appliance
  let house: DashboardHouse
  let ada: Person
  let web: string
  beforeAll(async () => {
    podman = await startPodman()
    appliance = await startAppliance({ address: "127.0.0.1", settings: { FREEHOLD_CONTAINER_ENGINE: `unix://${podman.socket}` } })
    ada = await appliance.login()
    house = await DashboardHouse.open(appliance)
    const image = podman.image
    const command = ["/bin/sh", "-c", serve]
    await podman.run("run", "--detach", "--name", "old-wiki", image)
    await podman.run("create", "--name", "backup-of-2024", image)
    await ada.external("plex", { "80": 32_400 })
    const body = {
      name: "web",
      image,
      command,
      env: { TZ: "Europe/Oslo", PUBLIC_URL: "https://web.home.arpa" },
      mount_paths: ["/var/lib/app", "/etc/app"],
      restart_policy: "always",
      ingress_rules: [{ port: 443, target_port: 8080 }],
      ssh_enabled: true,
    }
    web = (await ada.send<{ id: string }>("POST", "/compute/containers", body)).id
    await ada.send("POST", "/compute/containers", { name: "database of the shop", image, memory_mb: 1024 })
    await ada.send("POST", "/compute/containers", { name: "queue", image: "localhost/queue:3" })
    const idle = await ada.container("idle", image)
    await ada.send("POST", `/compute/containers/${idle}/stop`)
    await ada.send("POST", "/compute/registries", { registry: "ghcr.io", username: "ada", password: "secret" })
    await ada.containerIs(web, "running")
    await ada.map("web.home.arpa", web)
    await ada.map("shop.customer.test", web)
    const { samples } = { samples: () => ada.send<{ samples: object[] }>("GET", `/compute/containers/${web}/stats`) }
    await waitUntil(async () => (await samples()).samples.length > 2, { what: "some samples", limitMs: 60_000 })
  }, 200_000)
  afterAll(async () => {
    await house?.stop()
    await appliance?.stop()
    await podman?.stop()
  }, 60_000)

  const shown: [name: string, arrange: (visit: Visit) => Promise<void>][] = [
    [
      "list",
      async (visit) => {
        await visit.go("/containers", "Containers")
        if (visit.look.width > 700) await visit.page.locator("polyline").first().waitFor({ state: "attached" })
      },
    ],
    ["new", (visit) => visit.go("/containers/new", "New container")],
    ["new-external", (visit) => visit.go("/containers/new?kind=external", "New container")],
    [
      "adopt",
      async (visit) => {
        await visit.go("/containers/adopt", "Adopt containers")
        await visit.page.getByText("old-wiki").waitFor()
      },
    ],
    [
      "registries",
      async (visit) => {
        await visit.go("/containers/registries", "Registry credentials")
        await visit.page.getByText("ghcr.io", { exact: true }).waitFor()
      },
    ],
    [
      "overview",
      async (visit) => {
        await visit.go(`/containers/${web}`, "web")
        // Measured only while it is on the screen.
        await visit.page.getByRole("heading", { name: "Last hour" }).scrollIntoViewIfNeeded()
        await visit.page.locator(".uplot canvas").first().waitFor()
      },
    ],
    [
      "logs",
      async (visit) => {
        await visit.go(`/containers/${web}/logs?find=page&times=yes`, "web")
        await visit.page.getByText("of 60").waitFor()
        await visit.button("Next match").click()
        await visit.page.waitForFunction(() => {
          const [log, mark] = ["[role=log]", "mark[aria-current]"].map((name) => document.querySelector(name)?.getBoundingClientRect())
          return log !== undefined && mark !== undefined && mark.top >= log.top && mark.bottom <= log.bottom
        })
      },
    ],
    [
      "terminal",
      async (visit) => {
        await visit.go(`/containers/${web}/terminal`, "web")
        await visit.page.getByText("Connected").waitFor()
        const colours =
          "for c in 31 32 33 34 35 36 93 97; do printf \"\\033[${c}mcolour $c\\033[0m \"; done; printf '\\033[38;2;250;250;210mpale\\033[0m\\n'"
        await visit.page.keyboard.type(`/bin/busybox ls -la / && ${colours}\n`)
        await visit.page.locator(".xterm-rows").getByText("pale").last().waitFor()
      },
    ],
    [
      "settings",
      async (visit) => {
        await visit.go(`/containers/${web}/settings`, "web")
        await visit.page.getByText("/var/lib/app").last().waitFor()
      },
    ],
    ["danger", (visit) => visit.go(`/containers/${web}/danger`, "web")],
  ]

  test.each(shown)("%s is accessible in both themes, wide and narrow", async (name, arrange) => {
    expect(await troublesIn(house, `containers-${name}`, arrange)).toEqual([])
  })
})
