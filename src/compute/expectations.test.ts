import { expect, test } from "bun:test"
import type { ContainerRow } from "../db/schema"
import { Expectations } from "./expectations"

type Row = Pick<ContainerRow, "id" | "desired" | "status" | "address" | "restartAt">
/** What the store says at a time, and until when the container is awaited then. */
type Step = [at: number, row: Partial<Row>, until: number]

const always = Number.POSITIVE_INFINITY
const up = { status: "running", address: "10.0.0.2" } as const
const base: Row = { id: "one", desired: "running", status: "running", address: null, restartAt: null }

test.each<[string, Step[]]>([
  [
    "being made",
    [
      [0, { status: "pending" }, always],
      [9, { status: "initializing" }, always],
      [500, up, 10_500],
      [900, up, 10_500],
    ],
  ],
  ["one that runs since before our start", [[70, up, 10_070]]],
  [
    "given another address",
    [
      [0, up, 10_000],
      [40, { ...up, address: "10.0.0.3" }, 10_040],
    ],
  ],
  [
    "started, but failed",
    [
      [0, { status: "pending" }, always],
      [50, { status: "failed" }, 0],
    ],
  ],
  [
    "long ended",
    [
      [0, { status: "failed" }, 0],
      [9, { status: "stopped" }, 0],
    ],
  ],
  [
    "restarted by others",
    [
      [0, up, 10_000],
      [900, { status: "stopped" }, 3900],
      [1000, { status: "stopped" }, 3900],
      [1200, up, 11_200],
    ],
  ],
  [
    "killed",
    [
      [0, up, 10_000],
      [900, { status: "failed" }, 3900],
    ],
  ],
  [
    "restarted soon by its policy",
    [
      [0, up, 10_000],
      [5, { status: "pending", restartAt: 1005 }, always],
    ],
  ],
  [
    "restarted in a minute by its policy",
    [
      [0, up, 10_000],
      [5, { status: "pending", restartAt: 60_005 }, 0],
    ],
  ],
  [
    "stopped and started",
    [
      [0, up, 10_000],
      [500, { ...up, desired: "stopped" }, 15_500],
      [900, { ...up, desired: "stopped" }, 15_500],
      [1000, { status: "stopped", desired: "stopped" }, 2000],
      [1400, { status: "stopped", desired: "stopped" }, 2000],
      [1500, { status: "pending" }, always],
    ],
  ],
  ["stopped before our start", [[0, { status: "stopped", desired: "stopped" }, 0]]],
  [
    "stopped while it was being made",
    [
      [0, { status: "pending" }, always],
      [5, { status: "stopped", desired: "stopped" }, 0],
    ],
  ],
  [
    "failed, then told to stop",
    [
      [0, up, 10_000],
      [5, { status: "failed" }, 3005],
      [9, { status: "failed", desired: "stopped" }, 0],
    ],
  ],
])("a container %s", (_, steps) => {
  let now = 0
  const expectations = new Expectations(() => now)
  for (const [at, row, until] of steps) {
    now = at
    expect([at, expectations.awaitedUntil({ ...base, ...row })]).toEqual([at, until])
  }
})

test("what is gone is forgotten", () => {
  let now = 0
  const expectations = new Expectations(() => now)
  expectations.awaitedUntil({ ...base, ...up })
  expectations.keep(new Set())
  now = 5
  expect(expectations.awaitedUntil({ ...base, status: "stopped" })).toBe(0)
})
