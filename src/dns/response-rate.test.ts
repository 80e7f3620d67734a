import { expect, test } from "bun:test"
import { kindOf, networkOf, ResponseRate, type ResponseRateOptions } from "./response-rate"
import { encodeMessage, message } from "./wire"

function setup(options: ResponseRateOptions = {}) {
  const clock = { ms: 0 }
  const rate = new ResponseRate({ perSecond: 10, burst: 3, slip: 2, maxNetworks: 4, now: () => clock.ms, ...options })
  const many = (count: number, address = "192.0.2.1", kind: Parameters<ResponseRate["decide"]>[1] = "answer") =>
    Array.from({ length: count }, () => rate.decide(address, kind)).join(" ")
  return { clock, rate, many }
}

test("a network gets its burst, then every second answer cut, and more as time goes by", () => {
  const { clock, many } = setup()
  expect(many(7)).toBe("send send send drop cut drop cut")
  clock.ms = 200
  expect(many(3)).toBe("send send drop")
  clock.ms = 10_000
  expect(many(4)).toBe("send send send cut")
})

test("neighbours share a bucket; other networks and other kinds have their own", () => {
  const { many } = setup()
  expect(many(3, "192.0.2.1")).toBe("send send send")
  expect(many(1, "192.0.2.200")).toBe("drop")
  expect(many(1, "::ffff:192.0.2.7")).toBe("cut")
  expect(many(1, "192.0.3.1")).toBe("send")
  expect(many(1, "192.0.2.1", "nxdomain")).toBe("send")
  expect(many(3, "2001:db8:1:200::1")).toBe("send send send")
  expect(many(1, "2001:db8:1:2ff:a::9%eth0")).toBe("drop")
  expect(many(1, "2001:db8:1:300::1")).toBe("send")
})

test("the table is bounded, and forgets who was not heard of for longest", () => {
  const { rate, many } = setup()
  many(3, "10.0.0.1")
  for (let index = 1; index < 100; index++) {
    rate.decide(`10.0.${index}.1`, "answer")
    if (index % 3 === 0) expect(many(1, "10.0.0.1")).not.toBe("send")
  }
  expect(rate.size).toBe(4)
  many(1, "10.1.0.1")
  for (let index = 0; index < 4; index++) rate.decide(`10.2.${index}.1`, "answer")
  expect(many(1, "10.0.0.1")).toBe("send")
})

test("a clock is not needed to be exact: a minute makes no more than the burst", () => {
  const { clock, many } = setup()
  many(3)
  clock.ms = 60_000
  expect(many(5)).toBe("send send send drop cut")
})

test.each([
  ["192.0.2.77", "192.0.2"],
  ["::ffff:192.0.2.77", "192.0.2"],
  ["2001:db8::1", "20010db8000000"],
  ["2001:db8:0:12ff::1", "20010db8000012"],
  ["fe80::1%eth0", "fe800000000000"],
])("%s counts with %s", (address, network) => expect(networkOf(address)).toBe(network))

const record = { name: "a.test", type: 1, class: 1, ttl: 1, value: "192.0.2.1" }
test.each([
  [{ answers: [record] }, "answer"],
  [{}, "nodata"],
  [{ rcode: 3, answers: [record] }, "nxdomain"],
  [{ rcode: 5 }, "refused"],
  [{ rcode: 1 }, "fault"],
  [{ rcode: 16, edns: { udpSize: 1232, version: 0 } }, "nodata"],
] as const)("%p is a kind of its own: %s", (given, kind) => {
  expect(kindOf(encodeMessage(message({ response: true, ...given, answers: [...("answers" in given ? given.answers : [])] })))).toBe(kind)
})
