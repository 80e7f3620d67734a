import { expect, test } from "bun:test"
import { networkInterfaces } from "node:os"
import { TargetRefused, TargetRule, TargetUnknown } from "./target-rule"

/** Looks at an URL whose name has these addresses. */
async function look(href: string, addresses: string[] = [], allow: string[] = [], ownListeners: { address: string; port: number }[] = []) {
  const rule = new TargetRule({ allow: () => allow, ownListeners: () => ownListeners, resolve: async () => addresses })
  return rule.target(href)
}

const unless = "which is refused unless FREEHOLD_WEBHOOK_ALLOW covers it"

test.each([
  ["0.0.0.0", "an unspecified address"],
  ["0.1.2.3", "an unspecified address"],
  ["10.0.0.1", "a private address"],
  ["100.64.0.1", "a shared address of a carrier"],
  ["100.127.255.255", "a shared address of a carrier"],
  ["127.0.0.1", "a loopback address"],
  ["127.255.255.254", "a loopback address"],
  ["169.254.169.254", "a link-local address"],
  ["172.16.0.1", "a private address"],
  ["172.31.255.255", "a private address"],
  ["192.168.1.1", "a private address"],
  ["192.0.0.8", "a reserved address"],
  ["192.0.2.1", "an address of documentation"],
  ["198.18.0.1", "an address of benchmarks"],
  ["198.51.100.1", "an address of documentation"],
  ["203.0.113.1", "an address of documentation"],
  ["224.0.0.251", "a multicast address"],
  ["239.255.255.250", "a multicast address"],
  ["240.0.0.1", "a reserved address"],
  ["255.255.255.255", "the broadcast address"],
  ["::", "an unspecified address"],
  ["::1", "a loopback address"],
  ["::7f00:1", "an unspecified address"],
  ["::ffff:127.0.0.1", "a loopback address"],
  ["::ffff:a00:1", "a private address"],
  ["64:ff9b::7f00:1", "a loopback address"],
  ["64:ff9b::192.168.0.1", "a private address"],
  ["64:ff9b:1::1", "a reserved address"],
  ["100::1", "a reserved address"],
  ["fc00::1", "a private address"],
  ["fd12:3456::1", "a private address"],
  ["fe80::1", "a link-local address"],
  ["fec0::1", "a private address"],
  ["ff02::1", "a multicast address"],
  ["2001::1", "a reserved address"],
  ["2001:db8::1", "an address of documentation"],
  ["2002:7f00:1::1", "a reserved address"],
  ["4000::1", "a reserved address"],
])("a name that leads to %p is refused: %p", async (address, kind) => {
  const said = `hooks.example leads to ${kind}, ${unless}`
  await expect(look("https://hooks.example/x", [address])).rejects.toEqual(new TargetRefused(said))
  // One public address beside it makes it no better.
  await expect(look("https://hooks.example/x", ["1.1.1.1", address])).rejects.toEqual(new TargetRefused(said))
  // The whole of its family opened, it is allowed, in the clear as well.
  const everything = ["0.0.0.0/0", "::/0"]
  expect((await look("http://hooks.example/x", [address], everything)).addresses).toHaveLength(1)
})

test.each([
  ["1.1.1.1", "1.1.1.1"],
  ["100.128.0.1", "100.128.0.1"],
  ["172.32.0.1", "172.32.0.1"],
  ["2606:4700::1111", "2606:4700::1111"],
  ["2001:4860:4860::8888", "2001:4860:4860::8888"],
  ["::ffff:1.1.1.1", "1.1.1.1"],
  // With DNS64 this is how a house without IPv4 reaches the other half.
  ["64:ff9b::101:101", "64:ff9b::101:101"],
])("a name that leads to %p is sent to at %p, over HTTPS only", async (address, text) => {
  expect(await look("https://Hooks.Example.:8443/x", [address])).toEqual({ hostname: "hooks.example", port: 8443, addresses: [text] })
  await expect(look("http://hooks.example/", [address])).rejects.toThrow("must begin with https://")
})

test.each([
  "https://127.0.0.1/",
  "https://2130706433/",
  "https://0x7f.1/",
  "https://0177.0.0.1/",
  "https://[::1]/",
  "https://[::ffff:7f00:1]/",
  "https://127.1/",
])("%p is a loopback address however it is written", async (href) => {
  await expect(look(href, ["1.1.1.1"])).rejects.toThrow(`is a loopback address, ${unless}`)
})

test("what is allowed is a range and no more, also by the IPv4 address within", async () => {
  expect((await look("https://a.lan/", ["192.168.7.9"], ["192.168.7.0/24"])).addresses).toEqual(["192.168.7.9"])
  await expect(look("https://a.lan/", ["192.168.8.9"], ["192.168.7.0/24"])).rejects.toBeInstanceOf(TargetRefused)
  expect((await look("https://a.lan/", ["64:ff9b::c0a8:709"], ["192.168.7.0/24"])).addresses).toHaveLength(1)
  await expect(look("https://a.lan/", ["192.168.7.9", "127.0.0.1"], ["192.168.7.0/24"])).rejects.toBeInstanceOf(TargetRefused)
})

test("a range that is opened later counts from then on", async () => {
  const allow: string[] = []
  const rule = new TargetRule({ allow: () => allow, ownListeners: () => [], resolve: async () => ["127.0.0.1"] })
  await expect(rule.target("https://a.lan/")).rejects.toBeInstanceOf(TargetRefused)
  allow.push("127.0.0.0/8")
  expect((await rule.target("https://a.lan/")).addresses).toEqual(["127.0.0.1"])
})

test("a listener of our own is refused at its port, at a public address too", async () => {
  const own = [{ address: "9.9.9.9", port: 443 }]
  await expect(look("https://a.example/", ["9.9.9.9"], [], own)).rejects.toThrow(`leads to a listener of Freehold, ${unless}`)
  expect((await look("https://a.example:444/", ["9.9.9.9"], [], own)).port).toBe(444)
  expect((await look("https://a.example/", ["9.9.9.9"], ["9.9.9.9/32"], own)).port).toBe(443)
})

test("whatever address of this machine a public name has, a listener at all of them is found", async () => {
  const machine = Object.values(networkInterfaces()).flatMap((all) => all ?? [])
  const everywhere = [{ address: "::", port: 443 }]
  for (const { address } of machine.filter((one) => !one.address.includes("%"))) {
    await expect(look("https://a.example/", [address], [], everywhere)).rejects.toBeInstanceOf(TargetRefused)
  }
})

test("IPv4 is tried first, and an unreadable or missing address is no target", async () => {
  expect((await look("https://a.example/", ["2606:4700::1", "1.1.1.1"])).addresses).toEqual(["1.1.1.1", "2606:4700::1"])
  await expect(look("https://a.example/", [])).rejects.toEqual(new TargetUnknown("a.example has no address"))
  await expect(look("https://a.example/", ["1.1.1.1", "fe80::1%eth0"])).rejects.toBeInstanceOf(TargetUnknown)
  const broken = new TargetRule({ allow: () => [], ownListeners: () => [], resolve: () => Promise.reject(new Error("ENOTFOUND")) })
  await expect(broken.target("https://a.example/")).rejects.toEqual(new TargetUnknown("a.example has no address"))
})
