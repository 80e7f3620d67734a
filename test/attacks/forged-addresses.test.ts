import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { type AttackedHouse, houseObstacle, startAttackedHouse } from "./attacked-house"
import { type ListeningPost, listeningPost } from "./listening-post"

/** Hosts that lead into the house in one spelling or another; `PORT` is where somebody inside listens. */
const insideSpellings = [
  "127.0.0.1",
  "127.1",
  "2130706433",
  "0x7f000001",
  "0x7f.0.0.0x1",
  "0177.0.0.1",
  "017700000001",
  "127.0.0.1.",
  "①②⑦.0.0.1",
  "0.0.0.0",
  "0",
  "[::1]",
  "[::]",
  "[0:0:0:0:0:0:0:1]",
  "[::ffff:127.0.0.1]",
  "[::ffff:7f00:1]",
  "[::127.0.0.1]",
  "[64:ff9b::7f00:1]",
  "[64:ff9b:1::7f00:1]",
  "[2002:7f00:1::]",
  "[2001:0:7f00:1::]",
  "[fe80::1]",
  "[fc00::1]",
  "[fec0::1]",
  "[fd00:ec2::254]",
  "[ff02::1]",
  "169.254.169.254",
  "0xa9fea9fe",
  "[::ffff:169.254.169.254]",
  "[64:ff9b::a9fe:a9fe]",
  "10.0.0.1",
  "172.16.0.1",
  "192.168.0.1",
  "100.100.100.200",
  "192.0.0.192",
  "224.0.0.1",
  "255.255.255.255",
  "localhost",
  "LOCALHOST.",
]
/** Where another name is said to be than is asked: every part of a URL that readers disagree about. */
const confusingUrls = [
  "http://example.com@127.0.0.1:PORT/",
  "http://example.com:80@127.0.0.1:PORT/",
  "http://127.0.0.1:PORT#@example.com/",
  "http://127.0.0.1:PORT\\@example.com/",
  "http:127.0.0.1:PORT/",
  "http:/\\127.0.0.1:PORT/",
  "http://127。0。0。1:PORT/",
  "\u0000http://127.0.0.1:PORT/",
  "ht\ntp://127.0.0.1:PORT/",
  "//127.0.0.1:PORT/",
  "file:///etc/passwd",
  "gopher://127.0.0.1:PORT/_x",
  "unix:///run/podman/podman.sock",
  "jar:http://127.0.0.1:PORT!/",
  "ftp://127.0.0.1:PORT/",
]

describe.skipIf(houseObstacle !== undefined)(
  `addresses that lead into the house${houseObstacle ? ` (skipped: ${houseObstacle})` : ""}`,
  () => {
    let attacked: AttackedHouse
    let inside: ListeningPost
    let application: string
    let adasApplication: string
    const publicIpv4 = "198.51.100.77"

    beforeAll(async () => {
      inside = await listeningPost("127.0.0.1")
      attacked = await startAttackedHouse({ settings: { FREEHOLD_PUBLIC_IPV4: publicIpv4 } })
      const make = async (name: string, who = attacked.mallory) => (await who.send<{ id: string }>("POST", "/v1/applications", { name })).id
      application = await make("Evil")
      adasApplication = await make("House", attacked.ada)
    })
    afterAll(async () => {
      await attacked?.stop()
      await inside?.stop()
    })

    const refused = (place: string, what: string, { status, text }: { status: number; text: string }) =>
      expect([place, what, status >= 400 && status < 500 ? "refused" : `${status} ${text}`]).toEqual([place, what, "refused"])
    const urls = () => [
      ...insideSpellings.flatMap((host) => ["http", "https"].map((scheme) => `${scheme}://${host}:${inside.port}/`)),
      ...confusingUrls.map((url) => url.replace("PORT", String(inside.port))),
    ]
    const nobodyCame = () => expect(inside.visits()).toEqual([])

    test("are refused as webhook targets, when made and when changed", async () => {
      const { mallory, ada } = attacked
      for (const url of urls()) {
        refused("webhook", url, await mallory.ask("POST", "/v1/webhook-endpoints", { url }))
        refused("an administrator's webhook", url, await ada.ask("POST", "/v1/webhook-endpoints", { url }))
      }
      nobodyCame()
    })

    test("are refused as origins of connections and of applications", async () => {
      const { mallory } = attacked
      for (const [index, url] of urls().entries()) {
        const origin_url = url.replace(/\/$/, "")
        const connection = { application_id: application, hostname: `a${index}.mallory.example`, origin_url }
        refused("connection", url, await mallory.ask("POST", "/v1/connections", connection))
        refused("new application", url, await mallory.ask("POST", "/v1/applications", { name: "x", origin_url }))
        refused("application", url, await mallory.ask("PATCH", `/v1/applications/${application}`, { origin_url }))
      }
      nobodyCame()
    })

    test("are refused as external containers, which an administrator alone may make", async () => {
      const { mallory, ada } = attacked
      const noRemote = /^(10\.|172\.16|192\.168|100\.100|\[f[cde]|\[fec)/
      for (const host of insideSpellings.filter((host) => !noRemote.test(host))) {
        const body = { name: `x${Bun.hash(host)}`, address: host.replace(/^\[|\]$/g, ""), ports: { "80": inside.port } }
        refused("external", host, await ada.ask("POST", "/compute/containers", body))
      }
      const lan = { name: "lan", address: "192.168.7.7" }
      expect((await mallory.ask("POST", "/compute/containers", lan)).status).toBe(403)
      nobodyCame()
    })

    // What was found: any person's credential made the house connect to any address and port in it, and its answers told what stood there.
    test("are refused as the name server that a credential names", async () => {
      const { mallory, ada } = attacked
      const secret = Buffer.alloc(32, 7).toString("base64")
      for (const host of insideSpellings) {
        if (/[^\x21-\x7e]/.test(host)) continue
        const token = `${host}:${inside.port};key.test;hmac-sha256;${secret}`
        const body = { provider: "rfc2136", token, domain: "mallory.example" }
        const { status, text } = await mallory.ask("POST", `/v1/applications/${application}/credentials`, body)
        refused("credential", host, { status: status === 502 ? 400 : status, text })
        // One answer for all of them: neither that somebody listens there nor that nobody does.
        if (status === 502) expect([host, text]).toEqual([host, expect.stringMatching(/is refused|is an? |is the |could not be looked up/)])
        expect([host, /ECONNREFUSED|connection refused|no DNS message|no reply/.test(text)]).toEqual([host, false])
      }
      nobodyCame()
      // An administrator's own name server may stand in the house, and not in this machine.
      const token = `127.0.0.1:${inside.port};key.test;hmac-sha256;${secret}`
      const { text } = await ada.ask("POST", `/v1/applications/${adasApplication}/credentials`, {
        provider: "rfc2136",
        token,
        domain: "a.example",
      })
      expect(text).toContain("FREEHOLD_ALLOW_UPSTREAMS")
      nobodyCame()
    })

    test("no other provider's credential says which host is asked", async () => {
      const { mallory } = attacked
      const evil = `http://127.0.0.1:${inside.port}/`
      const account = {
        client_email: "a@p.iam.gserviceaccount.com",
        private_key: "x",
        token_uri: evil,
        auth_uri: evil,
        universe_domain: "127.0.0.1",
      }
      for (const provider of ["gcpdns", "azuredns", "route53", "namecheap"]) {
        const token = provider === "gcpdns" ? JSON.stringify(account) : JSON.stringify({ ...account, endpoint: evil, authority: evil })
        const { status } = await mallory.ask("POST", `/v1/applications/${application}/credentials`, {
          provider,
          token,
          domain: "m.example",
        })
        expect([provider, status]).toEqual([provider, 400])
      }
      nobodyCame()
    })

    // What was found: behind a router no interface has the public address, so that a hostname could be led to the edge itself, and go in circles.
    test("the house's own listeners are no origin, at its addresses and at the public one", async () => {
      const { mallory, house, ada } = attacked
      for (const host of [publicIpv4, house.address]) {
        for (const port of [house.ports.https, house.ports.http, house.ports.api, 443, 80]) {
          const origin_url = `https://${host}:${port}`
          for (const who of [mallory, ada]) {
            const { status, text } = await who.ask("POST", "/v1/applications", { name: "loop", origin_url })
            refused("own listener", `${origin_url} ${who.id === ada.id}`, { status, text })
          }
        }
      }
    })
  },
)
