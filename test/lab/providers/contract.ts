import { afterAll, afterEach, beforeAll, describe } from "bun:test"
import { type Contract, ContractBench, type StandInWorld } from "./contract-bench"
import { hostTests } from "./contract-hosts"
import { setTests } from "./contract-sets"
import { troubleTests } from "./contract-trouble"
import { zoneTests } from "./contract-zones"
import { zoneServerObstacle } from "./zone-server"

export type { Contract, StandInWorld }

/**
 * Registers the tests that every adapter must pass, in front of its provider's stand-in, whose records are in a real Knot zone: after each step
 * Knot itself is asked what it holds.
 */
export function providerContract(contract: Contract): void {
  const { adapter, label = "" } = contract
  const obstacle = contract.obstacle ?? zoneServerObstacle()
  const skipped = obstacle ? ` (skipped: ${obstacle})` : ""
  describe.skipIf(obstacle !== undefined)(`${adapter.name}${label} keeps the contract of a DNS provider${skipped}`, () => {
    const bench = new ContractBench(contract)
    beforeAll(() => bench.start())
    afterEach(() => void bench.standIn?.heal())
    afterAll(() => bench.stop())
    zoneTests(bench)
    setTests(bench)
    troubleTests(bench)
    hostTests(bench)
  })
}
