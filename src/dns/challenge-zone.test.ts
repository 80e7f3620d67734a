import { expect, test } from "bun:test"
import { ChallengeZone, challengeId } from "./challenge-zone"
import { typeNumbers } from "./rdata"

const key = "0f".repeat(32)

test("an id is stable, of 32 letters and digits, and another for each claim and key", () => {
  const ids = ["a", "b", "aa", ""].map((claim) => challengeId(key, claim))
  for (const id of ids) expect(id).toMatch(/^[a-z2-7]{32}$/)
  expect(challengeId(key, "a")).toBe(ids[0]!)
  expect(new Set([...ids, challengeId("1f".repeat(32), "a")]).size).toBe(5)
})

function setup() {
  const challenges = new ChallengeZone({ origin: "acme.cloud.test", nameServers: ["ns.cloud.test"], contact: "hostmaster.cloud.test" })
  const shown = (id: string) => challenges.zone.records(`${id}.acme.cloud.test`, typeNumbers.TXT).map(({ value, ttl }) => `${value} ${ttl}`)
  return { challenges, shown }
}

test("several values of one name stand together, each until it is taken down", () => {
  const { challenges, shown } = setup()
  const [first, second] = [challenges.put("x", "one"), challenges.put("x", "two")]
  const other = challenges.put("y", "three")
  expect(shown("x")).toEqual(["one 0", "two 0"])
  first()
  first()
  expect(shown("x")).toEqual(["two 0"])
  second()
  expect(challenges.zone.exists("x.acme.cloud.test")).toBe(false)
  expect(shown("y")).toEqual(["three 0"])
  other()
  expect(challenges.zone.exists("y.acme.cloud.test")).toBe(false)
})

test("a value that two orders show stays until both are over", () => {
  const { challenges, shown } = setup()
  const [first, second] = [challenges.put("x", "same"), challenges.put("x", "same")]
  expect(shown("x")).toEqual(["same 0"])
  first()
  first()
  expect(shown("x")).toEqual(["same 0"])
  second()
  expect(shown("x")).toEqual([])
})

test("there is an end to the values of a name, and a refused one changes nothing", () => {
  const { challenges, shown } = setup()
  const all = Array.from({ length: 20 }, (_, index) => challenges.put("x", `value ${index}`))
  expect(() => challenges.put("x", "one more")).toThrow("20 challenges of one name are open already")
  expect(shown("x")).toHaveLength(20)
  for (const takeDown of all) takeDown()
  expect(shown("x")).toEqual([])
})

test("each change that is seen raises the serial by one", () => {
  const { challenges } = setup()
  const serial = () => Number(challenges.zone.soa.value.split(" ")[2])
  const before = serial()
  expect(before).toBeGreaterThan(1_700_000_000)
  expect(serial()).toBe(before)
  for (const takeDown of [challenges.put("x", "a"), challenges.put("x", "b")]) takeDown()
  expect(serial()).toBe(before + 1)
})
