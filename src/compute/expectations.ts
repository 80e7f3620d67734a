import type { ContainerRow } from "../db/schema"

/** An application may take so long from its start to listening. */
const startMs = 10_000
/** One that ended by itself may be started again by others within this time: `podman restart` says nothing before. */
const returnMs = 3000
/** Whoever stops a container to start it again does so within this time. */
const restartMs = 1000
/** The engine gives an application ten seconds to end. */
const stopMs = 15_000

type Row = Pick<ContainerRow, "id" | "desired" | "status" | "address" | "restartAt">

/** When a container came up, went down, and was told to. */
type Seen = { upAt: number | undefined; address: string | null; endedAt: number | undefined; leavesAt: number | undefined }

/** What may be expected of containers that come and go, from what was seen of each when it was last asked for. */
export class Expectations {
  private seen = new Map<string, Seen>()

  constructor(private now: () => number) {}

  /**
   * Until when (milliseconds of the clock) a container of the engine that takes no requests is on its way up, so that they may wait for it; 0 where
   * nothing is coming.
   */
  awaitedUntil(row: Row): number {
    const { upAt, endedAt, leavesAt } = this.look(row)
    if (row.desired === "stopped") {
      if (row.status !== "stopped") return leavesAt === undefined ? 0 : leavesAt + stopMs
      return endedAt === undefined ? 0 : endedAt + restartMs
    }
    if (row.status === "initializing") return Number.POSITIVE_INFINITY
    if (row.status === "pending") return (row.restartAt ?? 0) - this.now() > startMs ? 0 : Number.POSITIVE_INFINITY
    if (row.status === "running") return (upAt ?? 0) + startMs
    return endedAt === undefined ? 0 : endedAt + returnMs
  }

  /** Forgets all others. */
  keep(ids: ReadonlySet<string>): void {
    for (const id of this.seen.keys()) if (!ids.has(id)) this.seen.delete(id)
  }

  private look(row: Row): Seen {
    const now = this.now()
    const before = this.seen.get(row.id)
    const isUp = row.status === "running"
    const isComing = row.status === "pending" || row.status === "initializing"
    const stays = before?.upAt !== undefined && before.address === row.address
    const seen: Seen = {
      upAt: isUp ? (stays ? before.upAt : now) : undefined,
      address: row.address,
      // One that was never seen up did not end.
      endedAt: isUp || isComing ? undefined : before?.upAt === undefined ? before?.endedAt : now,
      leavesAt: row.desired === "stopped" && isUp ? (before?.leavesAt ?? now) : undefined,
    }
    this.seen.set(row.id, seen)
    return seen
  }
}
