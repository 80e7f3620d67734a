import { startDemoDns } from "../../src/cli/demo-dns"
import type { Example } from "../../src/http/reference/example"
import { startCloudflare } from "../lab/cloudflare"
import { freePort } from "../lab/ports"
import { startAppliance } from "./appliance"
import { tellAccounts, tellAdministration } from "./reference-accounts"
import { tellConnect } from "./reference-connect"
import { tellHouse, tellStorage } from "./reference-house"
import { normalised } from "./reference-placeholders"
import { Recorder } from "./reference-recorder"

/** What the story is told in: a recorder at a real appliance, the DNS it resolves by, and a provider that edits that DNS. */
export type Scene = {
  recorder: Recorder
  /** The base domain, which examples show as cloud.example.com. */
  base: string
  /** Publishes a TXT record in demo.test or customer.com. */
  publishTxt: (name: string, value: string) => void
  publish: (name: string, type: string, value: string) => Promise<void>
  /** Where an application answers. */
  origin: string
  /** A token of the provider. */
  providerToken: string
  /** Names a value that is another in each run. */
  hide: (value: string, placeholder: string) => void
}

/** The DNS of the demo has names below this. */
const base = "cloud.localhost"

const providerToken = "a-token-of-the-provider"

/**
 * Uses the whole API once, as people and programs do, against the compiled binary with a small DNS and a provider's API of the test's own. Answers each
 * operation's example, with all that differs from run to run replaced.
 */
export async function tellReferenceStory(): Promise<Record<string, Example>> {
  const undo: (() => unknown)[] = []
  try {
    const dnsPort = await freePort("127.0.0.1")
    const panelPort = await freePort("127.0.0.1")
    const dns = await startDemoDns({ dns: dnsPort, panel: panelPort }, { baseDomain: base, address: "203.0.113.7" })
    undo.push(() => dns.stop())
    const publish = async (name: string, type: string, value: string) => {
      const res = await fetch(`http://127.0.0.1:${panelPort}/records`, { method: "POST", body: JSON.stringify({ name, type, value }) })
      if (!res.ok) throw new Error(`the panel answered ${res.status}: ${await res.text()}`)
    }
    const cloudflare = startCloudflare({
      zones: [{ id: "1".repeat(32), name: "customer.com" }],
      tokens: { [providerToken]: ["1".repeat(32)] },
      apply: async (_, { add }) => {
        for (const { name, type, content } of add) await publish(name, type, content)
      },
    })
    undo.push(() => cloudflare.stop())
    const origin = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("hello\n") })
    undo.push(() => origin.stop(true))
    const house = await startAppliance({
      address: "127.0.0.1",
      withAdmin: false,
      settings: {
        // No folder of that name is there, so that nothing is written.
        FREEHOLD_BACKUP_TO: "/srv/backups-of-freehold",
        FREEHOLD_BACKUP_RECIPIENT: "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kudqn8e4sd2qz3k",
        FREEHOLD_BACKUP_EVERY: "off",
        FREEHOLD_BASE_DOMAIN: base,
        FREEHOLD_DNS_ROOTS: `127.0.0.1:${dnsPort}`,
        FREEHOLD_DNS_PORT: String(dnsPort),
        FREEHOLD_DNS_RECURSIVES: "none",
        FREEHOLD_PUBLIC_IPV4: "203.0.113.7",
        FREEHOLD_CLOUDFLARE_API: cloudflare.url,
        FREEHOLD_WEBHOOK_ALLOW: "127.0.0.0/8",
        FREEHOLD_VERIFY_INTERVAL: "1h",
      },
    })
    undo.push(() => house.stop())
    const hidden = new Map<string, string>()
    const scene: Scene = {
      recorder: new Recorder(house),
      base,
      publishTxt: dns.publishTxt,
      publish,
      origin: `http://127.0.0.1:${origin.port}`,
      providerToken,
      hide: (value, placeholder) => void hidden.set(value, placeholder),
    }
    scene.hide(String(house.ports.api), "8080")
    scene.hide(String(origin.port), "3000")
    scene.hide(String(house.ports.https), "443")
    scene.hide(String(house.ports.http), "80")
    scene.hide(house.dataDir, "/var/lib/freehold")
    scene.hide(house.configFile, "/etc/freehold/freehold.toml")
    scene.hide(String(dnsPort), "53")
    scene.hide(base, "cloud.example.com")
    await tellAccounts(scene, (await house.setupLink()).split("/").at(-1) ?? "")
    await tellHouse(scene)
    await tellStorage(scene)
    await tellConnect(scene)
    await tellAdministration(scene)
    return normalised(scene.recorder.examples, hidden)
  } finally {
    for (const step of undo.reverse()) await step()
  }
}
