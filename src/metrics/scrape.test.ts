import { expect, test } from "bun:test"
import { gauge } from "./family"
import { Scrape } from "./scrape"

const setup = (change: Partial<ConstructorParameters<typeof Scrape>[0]> = {}) => {
  const faults: string[] = []
  const scrape = new Scrape({
    families: [gauge("well", "Well.", () => 1)],
    gather: async () => {},
    onFault: (name) => faults.push(name),
    keptMs: 0,
    ...change,
  })
  const ask = async () => {
    const response = await scrape.answer(new Request("http://localhost/metrics"))
    return [response?.status, await response?.text()] as const
  }
  return { ask, faults }
}

test("counts that cannot be brought in are a fault among others, and the rest is told", async () => {
  const { ask, faults } = setup({ gather: () => Promise.reject(new Error("a thread has ended")) })
  const [status, text] = await ask()
  expect(status).toBe(200)
  expect(text).toContain("well 1\n")
  expect(text).toContain("freehold_scrape_errors_total 1\n")
  expect(faults).toEqual(["gathered counts"])
})

test("a figure that never comes is left out within the time, and keeps no later scrape waiting", async () => {
  let isStuck = true
  const stuck = gauge("stuck", "Stuck.", () => (isStuck ? new Promise<number>(() => {}) : 2))
  const { ask, faults } = setup({ families: [stuck, gauge("well", "Well.", () => 1)], familyMs: 50 })
  const [, text] = await ask()
  expect(text).toContain("well 1\n")
  expect(text).not.toContain("stuck ")
  expect(faults).toEqual(["stuck"])
  isStuck = false
  expect((await ask())[1]).toContain("stuck 2\n")
})
