import { expect, test } from "bun:test"
import { UpstreamHealth } from "./upstream-health"

test("an upstream that times out is left alone for a growing pause, then probed by one connection", () => {
  const health = new UpstreamHealth()
  expect([health.mayTry(0), health.mayTry(0)]).toEqual([true, true])
  health.timedOut(1000)
  expect([health.mayTry(1249), health.mayTry(1250), health.mayTry(1250)]).toEqual([false, true, false])
  health.timedOut(2000)
  expect([health.mayTry(2499), health.mayTry(2500)]).toEqual([false, true])
  for (let i = 0; i < 100; i++) health.timedOut(3000)
  expect([health.mayTry(6999), health.mayTry(7000)]).toEqual([false, true])
})

test("one that answers is tried freely again", () => {
  const health = new UpstreamHealth()
  health.timedOut(0)
  expect(health.mayTry(300)).toBe(true)
  health.accepted()
  expect([health.mayTry(300), health.mayTry(300)]).toEqual([true, true])
})

test("one that took connections is expected back for so long after it took the last one", () => {
  const health = new UpstreamHealth()
  health.refused(0)
  expect(health.isExpectedBack(1, 100)).toBe(false)
  health.accepted()
  expect(health.isExpectedBack(2, 100)).toBe(false)
  health.refused(1000)
  health.timedOut(1050)
  health.refused(1060)
  expect([health.isExpectedBack(1099, 100), health.isExpectedBack(1100, 100)]).toEqual([true, false])
  health.accepted()
  health.timedOut(2000)
  expect([health.isExpectedBack(2099, 100), health.isExpectedBack(2100, 100)]).toEqual([true, false])
})
