import { expect, test } from "bun:test"
import { platformZone } from "./platform-zone"
import { typeNumbers } from "./rdata"

test("the platform's hosts and its ingress stand at the public addresses", () => {
  const zone = platformZone({
    origin: "cloud.example.org",
    hosts: ["cloud.example.org", "net.cloud.example.org"],
    addresses: ["192.0.2.1", "2001:db8::1"],
    issuers: ["ca.example"],
  })
  const values = (name: string, type: number) => zone.records(name, type).map((record) => record.value)
  for (const name of ["cloud.example.org", "net.cloud.example.org", "ingress.cloud.example.org", "ns.cloud.example.org"]) {
    expect([name, values(name, typeNumbers.A), values(name, typeNumbers.AAAA)]).toEqual([name, ["192.0.2.1"], ["2001:db8::1"]])
  }
  expect(values("cloud.example.org", typeNumbers.NS)).toEqual(["ns.cloud.example.org"])
  expect(values("cloud.example.org", typeNumbers.CAA)).toEqual(['0 issue "ca.example"'])
})

test("without a public address there is still a zone", () => {
  expect(
    platformZone({ origin: "cloud.example.org", hosts: [], addresses: [] }).records("ingress.cloud.example.org", typeNumbers.A),
  ).toEqual([])
})
