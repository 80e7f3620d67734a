import { afterAll, afterEach, describe, expect, test } from "bun:test"
import { dnsLabObstacle, startDns } from "../../test/lab/dns"
import { startUnbound, unboundObstacle } from "../../test/lab/unbound"
import { typeNumbers } from "./rdata"
import { askRecursive } from "./recursive"
import { Resolver } from "./resolver"
import { type DnsRecord, encodeMessage, decodeMessage, type Message, message, rcodes } from "./wire"

const open: { close(): void }[] = []
afterEach(() => {
  for (const server of open.splice(0)) server.close()
})

async function serve(script: (query: Message) => Partial<Message> | undefined) {
  const socket = await Bun.udpSocket({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      data(own, bytes, fromPort, fromAddress) {
        const query = decodeMessage(bytes)
        const said = script(query)
        const whole = { id: query.id, response: true, recursionAvailable: true, questions: query.questions, ...said }
        if (said !== undefined) own.send(encodeMessage(message(whole)), fromPort, fromAddress)
      },
      error: () => {},
    },
  })
  open.push(socket)
  return { address: "127.0.0.1", port: socket.port }
}

const rr = (name: string, type: keyof typeof typeNumbers, value: string, ttl: number): DnsRecord => ({
  name,
  type: typeNumbers[type],
  class: 1,
  ttl,
  value,
})
const patience = { timeoutMs: 1000, attempts: 1 }

test("recursion is asked for, and the least TTL of the way is told", async () => {
  const heard: boolean[] = []
  const resolver = await serve((query) => {
    heard.push(query.recursionDesired)
    return { answers: [rr("a.test", "CNAME", "b.test", 30), rr("b.test", "A", "192.0.2.1", 90), rr("b.test", "A", "192.0.2.2", 80)] }
  })
  expect(await askRecursive(resolver, "A.test.", "A", patience)).toEqual({
    outcome: "answer",
    values: ["192.0.2.1", "192.0.2.2"],
    ttlLeftSeconds: 30,
    chain: ["a.test", "b.test"],
  })
  expect(heard).toEqual([true])
})

const soa = rr("test", "SOA", "ns.test admin.test 1 2 3 4 60", 45)
test.each<[string, Partial<Message> | undefined, object]>([
  ["a denial", { rcode: rcodes.NXDOMAIN, authorities: [soa] }, { outcome: "nxdomain", ttlLeftSeconds: 45 }],
  ["a denial whose SOA allows less", { authorities: [{ ...soa, ttl: 900 }] }, { outcome: "nodata", ttlLeftSeconds: 60 }],
  ["a denial without SOA", {}, { outcome: "nodata", ttlLeftSeconds: undefined }],
  ["SERVFAIL", { rcode: rcodes.SERVFAIL }, { outcome: "servfail" }],
  ["a refusal", { rcode: rcodes.REFUSED }, { outcome: "refused" }],
  ["a server that does no recursion", { recursionAvailable: false }, { outcome: "lame" }],
  ["a circle", { answers: [rr("a.test", "CNAME", "b.test", 9), rr("b.test", "CNAME", "a.test", 9)] }, { outcome: "servfail" }],
  ["silence", undefined, { outcome: "unreachable" }],
])("%s is told for what it is", async (_what, reply, expected) => {
  expect(await askRecursive(await serve(() => reply), "a.test", "A", patience)).toMatchObject({ values: [], ...expected })
})

test("a name that DNS cannot hold is an outcome, not a throw", async () => {
  expect((await askRecursive({ address: "127.0.0.1", port: 9 }, "a..test", "A", patience)).outcome).toBe("malformed")
})

const obstacle = (await dnsLabObstacle()) ?? unboundObstacle()

// Skipped where Knot and Unbound are not installed, or port 53 of a loopback address is not ours.
describe.skipIf(obstacle !== undefined)("with Unbound over Knot", async () => {
  const dns = obstacle === undefined ? await startDns({ signedZones: ["signed.test"] }) : undefined
  const unbound = dns === undefined ? undefined : await startUnbound(dns.roots)
  afterAll(async () => {
    await unbound?.stop()
    await dns?.stop()
  })

  test("a cached answer stays while its TTL runs, whatever the name servers say meanwhile", async () => {
    await dns!.publish("both", "www.customer.test", "A", "192.0.2.1")
    const first = await askRecursive(unbound!, "www.customer.test", "A")
    expect(first).toMatchObject({ outcome: "answer", values: ["192.0.2.1"], chain: ["www.customer.test"] })
    expect(first.ttlLeftSeconds).toBeGreaterThan(3000)
    await dns!.remove("both", "www.customer.test", "A")
    await dns!.publish("both", "www.customer.test", "A", "192.0.2.2")
    const later = await askRecursive(unbound!, "www.customer.test", "A")
    expect(later.values).toEqual(["192.0.2.1"])
    expect(later.ttlLeftSeconds).toBeLessThanOrEqual(first.ttlLeftSeconds!)
  })

  test("an answer that does not fit a datagram comes over TCP", async () => {
    await dns!.publish("both", "big.customer.test", "TXT", "x".repeat(3000))
    expect((await askRecursive(unbound!, "big.customer.test", "TXT")).values[0]?.length).toBe(3000)
  })

  test("DS records are the parent's, and signatures come where they are asked for", async () => {
    const signers = await dns!.signersOf("signed.test")
    for (const signer of signers) await dns!.delegate("add", "signed.test", "DS", signer)
    const resolver = new Resolver({ roots: [{ name: "root", address: dns!.roots, port: 53 }] })
    const found = await resolver.lookup("signed.test", "DS")
    expect([found.zone, found.answers[0]?.server, found.answers[0]?.values.toSorted()]).toEqual(["test", "ns.nic.test", signers.toSorted()])
    const keys = await resolver.lookup("signed.test", "DNSKEY", { signed: true })
    expect(keys.answers[0]?.signatures?.[0]).toStartWith("DNSKEY 13 2 3600 ")
    expect((await resolver.lookup("signed.test", "DNSKEY")).answers[0]?.signatures).toBeUndefined()
    expect((await resolver.lookup("unsigned.test", "DS")).answers).toMatchObject([{ outcome: "nxdomain" }])
  })
})
