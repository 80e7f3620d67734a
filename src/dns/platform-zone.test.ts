import { expect, test } from "bun:test"
import { PlatformZone } from "./platform-zone"
import { typeNumbers } from "./rdata"

const origin = "cloud.example.org"
const own = [origin, `net.${origin}`]

function setup(addresses = ["192.0.2.1", "2001:db8::1"]) {
  const platform = new PlatformZone({ origin, issuers: ["ca.example"], challengeTarget: (host) => `${host.length}.acme.${origin}` })
  platform.serve(own, addresses)
  const values = (name: string, type: keyof typeof typeNumbers) => platform.zone.records(name, typeNumbers[type]).map(({ value }) => value)
  const serial = () => Number(platform.zone.soa.value.split(" ")[2])
  return { platform, values, serial }
}

test("the platform's hosts and its ingress stand at the public addresses, with their challenges and the CAs", () => {
  const { values } = setup()
  for (const name of [...own, `ingress.${origin}`, `ns.${origin}`]) {
    expect([name, values(name, "A"), values(name, "AAAA")]).toEqual([name, ["192.0.2.1"], ["2001:db8::1"]])
    expect(values(`_acme-challenge.${name}`, "CNAME")).toEqual([`${name.length}.acme.${origin}`])
  }
  expect(values(origin, "NS")).toEqual([`ns.${origin}`])
  expect(values(origin, "CAA")).toEqual(['0 issue "ca.example"'])
})

test("hosts come and go, and the serial rises once for all that changed", () => {
  const { platform, values, serial } = setup()
  const before = serial()
  const containers = ["a", "b", "c"].map((id) => `${id}.compute.${origin}`)
  platform.serve([...own, ...containers], ["192.0.2.1", "2001:db8::1"])
  expect(serial()).toBe(before + 1)
  expect(values(containers[1]!, "A")).toEqual(["192.0.2.1"])
  platform.serve([...own, ...containers.slice(1)], ["192.0.2.1", "2001:db8::1"])
  for (const name of [containers[0]!, `_acme-challenge.${containers[0]}`]) expect(platform.zone.exists(name)).toBe(false)
  expect(values(`_acme-challenge.${containers[1]}`, "CNAME")).toHaveLength(1)
  expect(serial()).toBe(before + 2)
  platform.serve([...own, ...containers.slice(1)], ["192.0.2.1", "2001:db8::1"])
  expect(serial()).toBe(before + 2)
})

test("other addresses take the place of those before, for every host", () => {
  const { platform, values } = setup()
  platform.serve(own, ["192.0.2.9"])
  for (const name of [...own, `ingress.${origin}`]) expect([values(name, "A"), values(name, "AAAA")]).toEqual([["192.0.2.9"], []])
})

test("without a public address there is still a zone", () => {
  const { platform, values } = setup([])
  expect(values(`ingress.${origin}`, "A")).toEqual([])
  expect(platform.zone.exists(`net.${origin}`)).toBe(true)
})
