import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { findProgram } from "../lab/dns"
import { freePort, loopbackBlock } from "../lab/ports"
import { runCommand } from "../lab/process"
import { type Appliance, startAppliance } from "./appliance"
import type { Person } from "./person"
import { runProgram } from "./program"

const obstacle = findProgram("kdig") ? undefined : "kdig is not installed"
const base = "cloud.example.test"
const addresses = { FREEHOLD_PUBLIC_IPV4: "192.0.2.5", FREEHOLD_PUBLIC_IPV6: "2001:db8::5" }

type Answer = {
  status: string
  flags: string[]
  /** Lines of the answer and authority sections, blanks as one. */
  answer: string[]
  authority: string[]
  /** The line that kdig prints of EDNS, or undefined. */
  edns: string | undefined
  octets: number
  text: string
}

function read(text: string): Answer {
  const section = (name: string) =>
    (new RegExp(`;; ${name} SECTION:\n([^]*?)(?:\n\n|\n;;)`).exec(text)?.[1] ?? "")
      .split("\n")
      .flatMap((line) => line.replace(/\s+/g, " ").trim() || [])
  return {
    status: /status: (\w+);/.exec(text)?.[1] ?? "",
    flags: (/Flags: ([a-z ]*)[;\n]/.exec(text)?.[1] ?? "").split(" ").filter(Boolean),
    answer: section("ANSWER"),
    authority: section("AUTHORITY"),
    edns: /;; Version: .*/.exec(text)?.[0],
    octets: Number(/;; Received (\d+) B/.exec(text)?.[1]),
    text,
  }
}

describe.skipIf(obstacle !== undefined)(`the DNS server, asked by kdig${obstacle ? ` (skipped: ${obstacle})` : ""}`, () => {
  let house: Appliance
  let ada: Person
  let port: number

  beforeAll(async () => {
    const address = (await loopbackBlock(8080, 1)).address(1)
    port = await freePort(address)
    const directory = { FREEHOLD_ACME_DIRECTORY: "https://acme-staging-v02.api.letsencrypt.org.invalid/directory" }
    const settings = { ...addresses, ...directory, FREEHOLD_BASE_DOMAIN: base, FREEHOLD_DNS_LISTEN: `${address}:${port}` }
    house = await startAppliance({ address, settings })
    ada = await house.login()
  })
  afterAll(() => house?.stop())

  const kdig = async (...args: string[]) =>
    read(await runCommand(["kdig", `@${house.address}`, "-p", String(port), "+retry=0", "+timeout=5", ...args]))
  const soa = (name: string, minimum: number) =>
    new RegExp(`^${name}\\. ${minimum} IN SOA ns\\.${base}\\. hostmaster\\.${base}\\. \\d{10} 14400 3600 1209600 ${minimum}$`)

  test.each([
    [base, "SOA", soa(base, 300)],
    [base, "NS", /^cloud\.example\.test\. 300 IN NS ns\.cloud\.example\.test\.$/],
    [base, "A", /^cloud\.example\.test\. 300 IN A 192\.0\.2\.5$/],
    [`ingress.${base}`, "A", / A 192\.0\.2\.5$/],
    [`ingress.${base}`, "AAAA", / AAAA 2001:db8::5$/],
    [`ns.${base}`, "AAAA", / AAAA 2001:db8::5$/],
    [`_acme-challenge.net.${base}`, "CNAME", / CNAME [a-z2-7]{32}\.acme\.cloud\.example\.test\.$/],
    [`acme.${base}`, "SOA", soa(`acme.${base}`, 0)],
    [`acme.${base}`, "NS", / NS ns\.cloud\.example\.test\.$/],
  ])("%s %s is answered with authority, over both transports alike", async (name, type, line) => {
    const [udp, tcp] = [await kdig(name, type), await kdig("+tcp", name, type)]
    expect(udp).toMatchObject({ status: "NOERROR", answer: [expect.stringMatching(line)] })
    expect(udp.flags).toContain("aa")
    expect(udp.flags).not.toContain("ra")
    expect([tcp.status, tcp.answer, tcp.flags]).toEqual([udp.status, udp.answer, udp.flags])
  })

  test.each([
    [`net.${base}`, "TXT", "NOERROR", base, 300],
    [`none.${base}`, "A", "NXDOMAIN", base, 300],
    [`_acme-challenge.net.${base}`, "TXT", "NXDOMAIN", `acme.${base}`, 0],
    [`none.acme.${base}`, "TXT", "NXDOMAIN", `acme.${base}`, 0],
    [`acme.${base}`, "DS", "NOERROR", base, 300],
  ])("%s %s is denied with %s and the SOA record of %s", async (name, type, status, zone, minimum) => {
    const denied = await kdig(name, type)
    expect(denied).toMatchObject({ status, authority: [expect.stringMatching(soa(zone, minimum))] })
  })

  test.each([
    ["example.org", "A"],
    [".", "NS"],
    ["test", "NS"],
    [`xx${base}`, "A"],
  ])("%s %s is refused, with no word of whom to ask", async (name, type) => {
    const refused = await kdig("+rec", name, type)
    expect([refused.status, refused.answer, refused.authority]).toEqual(["REFUSED", [], []])
    expect(refused.flags).not.toContain("ra")
    expect(refused.flags).not.toContain("aa")
  })

  test("zone transfers, other classes and notifications are not to be had", async () => {
    for (const type of ["AXFR", "IXFR=1"]) {
      const { code, out, err } = await runProgram(["kdig", `@${house.address}`, "-p", String(port), "+tcp", base, type])
      expect([code, out + err]).toEqual([1, expect.stringContaining("server replied with error 'REFUSED'")])
    }
    expect((await kdig("-c", "CH", "version.bind", "TXT")).status).toBe("REFUSED")
    expect((await kdig("-t", "NOTIFY", base)).status).toBe("NOTIMPL")
  })

  test("EDNS: answered with version 0, other versions refused, unknown options and flags ignored, DO given back", async () => {
    expect((await kdig("+noedns", base, "SOA")).edns).toBeUndefined()
    expect((await kdig("+edns=0", base, "SOA")).edns).toMatch(/^;; Version: 0; flags: ; UDP size: 1232 B; ext-rcode: NOERROR/)
    const later = await kdig("+edns=1", base, "SOA")
    expect(later.edns).toMatch(/^;; Version: 0; .*ext-rcode: BADVERS/)
    expect(later.answer).toEqual([])
    expect((await kdig("+dnssec", base, "SOA")).edns).toContain("flags: do;")
    const unknown = await kdig("+ednsopt=65001:0102", "+nsid", base, "SOA")
    expect([unknown.status, unknown.answer.length]).toEqual(["NOERROR", 1])
    expect(unknown.text).not.toMatch(/NSID|65001/)
    expect((await kdig("+cookie", base, "SOA")).status).toBe("NOERROR")
    expect((await kdig("+zflag", base, "SOA")).flags).not.toContain("z")
  })

  test("several queries over one TCP connection are all answered", async () => {
    const out = await runCommand([
      "kdig",
      `@${house.address}`,
      "-p",
      String(port),
      "+tcp",
      "+keepopen",
      "+short",
      `net.${base}`,
      "A",
      `ns.${base}`,
      "AAAA",
      `ingress.${base}`,
      "A",
    ])
    expect(out.trim().split("\n")).toEqual(["192.0.2.5", "2001:db8::5", "192.0.2.5"])
  })

  test("a wildcard's challenge is delegated to a name that says nothing of the mapping, the same each time it is asked for", async () => {
    const container = await ada.external("app", { "8080": 9 })
    const first = await ada.map("*.app.customer.test", container)
    await ada.unmap(first.id)
    const again = await ada.map("*.app.customer.test", container)
    expect(again.acme_challenge).toEqual(first.acme_challenge)
    const other = await ada.map("*.other.customer.test", container)
    expect(other.acme_challenge?.value).not.toBe(again.acme_challenge?.value)
    for (const { acme_challenge, id } of [again, other]) {
      expect((await kdig(acme_challenge!.value, "TXT")).status).toBe("NXDOMAIN")
      expect(acme_challenge!.value).not.toContain(id.slice(4))
    }
  })

  test("a restart changes no name, and the serial does not go back", async () => {
    const serial = async () => Number((await kdig("+short", base, "SOA")).text.split(" ")[2])
    const target = async () => (await kdig("+short", `_acme-challenge.net.${base}`, "CNAME")).text
    const before = [await serial(), await target()] as const
    await house.restart()
    expect(await target()).toBe(before[1])
    expect(await serial()).toBeGreaterThanOrEqual(before[0])
  })

  test("who asks without end is slowed down over UDP and finds the way over TCP", async () => {
    const client = await Bun.udpSocket({
      hostname: house.address,
      connect: { hostname: house.address, port },
      socket: { data: (_, got) => void replies.push(Buffer.from(got)) },
    })
    const replies: Buffer[] = []
    const query = Buffer.from("00010000000100000000000005636c6f7564076578616d706c6504746573740000060001", "hex")
    for (let sent = 0; sent < 3000; sent++) {
      client.send(query)
      if (sent % 50 === 0) await Bun.sleep(1)
    }
    const isCut = (reply: Buffer) => (reply[2]! & 2) !== 0
    expect((await kdig("+tcp", base, "SOA")).status).toBe("NOERROR")
    await Bun.sleep(50)
    client.close()
    expect(replies.some(isCut)).toBe(true)
    expect(replies.length).toBeLessThan(2500)
    expect(replies.filter((reply) => !isCut(reply)).length).toBeGreaterThanOrEqual(200)
  })
})
