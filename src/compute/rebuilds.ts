import type { ContainerRow } from "../db/schema"
import { AppError } from "../errors"
import type { Log } from "../log"
import { parseChange, parseMountPaths, parsePullPolicy } from "./definition"
import { explain } from "./explain"
import type { Lanes } from "./lanes"
import { type Caller, type ContainerReply, mountPathsOf } from "./model"
import type { Provisioner } from "./provisioner"
import type { ContainerStore } from "./store"

export type RebuildNeeds = {
  store: ContainerStore
  lanes: Lanes
  /** The row of the caller's own container; throws `not_found`. */
  own: (caller: Caller, id: string) => Promise<ContainerRow>
  reply: (row: ContainerRow) => Promise<ContainerReply>
  /** Throws `unavailable`. */
  provisioner: () => Promise<Provisioner>
  log: Log
}

/** How long an answer waits for a rebuild; it goes on after that. */
const answerWaitMs = 20_000

/** Making containers anew, and the changes of them that take it. */
export class Rebuilds {
  constructor(private needs: RebuildNeeds) {}

  /**
   * Makes it anew from its image, with what `body` changes of it; only what stands at its mount paths stays. Waits for it for a while, and then it goes on
   * after the answer. Throws `not_found`, `invalid`, `conflict` (an adopted one), `unavailable` and `bad_gateway`.
   */
  async rebuild(caller: Caller, id: string, body: Record<string, unknown>): Promise<ContainerReply> {
    const row = await this.needs.own(caller, id)
    requireOwnMaking(row, "rebuilt")
    const types = await this.needs.store.instanceTypes.list()
    const change = parseChange(
      body,
      types.map((type) => type.name),
    )
    await this.remake(caller, id, change)
    return this.needs.reply(await this.needs.own(caller, id))
  }

  /** The paths whose contents are kept; what stood at others stays too, until it is asked to go. */
  async mountPaths(caller: Caller, id: string): Promise<{ mount_paths: string[] }> {
    return { mount_paths: mountPathsOf(await this.needs.own(caller, id)) }
  }

  /** Takes effect at once: a container that runs is made anew. Throws as `rebuild` does. */
  async setMountPaths(caller: Caller, id: string, body: Record<string, unknown>): Promise<{ mount_paths: string[]; restarted: boolean }> {
    const row = await this.needs.own(caller, id)
    const raw = body.mount_paths
    if (raw === undefined || raw === null || (Array.isArray(raw) && raw.length === 0))
      throw new AppError("invalid", "at least one mount path is required")
    const paths = parseMountPaths(raw)
    requireOwnMaking(row, "given other mount paths")
    const restarted = row.status === "running" || row.status === "initializing"
    await this.remake(caller, id, { mountPaths: JSON.stringify(paths) })
    return { mount_paths: paths, restarted }
  }

  /** Holds from the next time that it is made. Throws `not_found` and `invalid`. */
  async setPullPolicy(caller: Caller, id: string, body: Record<string, unknown>): Promise<{ pull_policy: string }> {
    await this.needs.own(caller, id)
    const pullPolicy = parsePullPolicy(body.pull_policy)
    await this.needs.store.update(id, { pullPolicy })
    return { pull_policy: pullPolicy }
  }

  private async remake(caller: Caller, id: string, change: Partial<ContainerRow>): Promise<void> {
    const { store, lanes, log } = this.needs
    const provisioner = await this.needs.provisioner()
    const work = lanes.run(id, async (signal) => {
      const before = await this.needs.own(caller, id)
      const next = { ...before, ...change }
      if (Object.keys(change).length > 0) await store.update(id, change)
      try {
        await explain("rebuild", () => provisioner.rebuild(next, signal))
      } catch (error) {
        // The old one goes on, and what is said of it has to be true of it.
        const keys = Object.keys(change) as (keyof ContainerRow)[]
        if (keys.length > 0) await store.update(id, Object.fromEntries(keys.map((key) => [key, before[key]])))
        // Whoever interrupted it decides what becomes of the container.
        if (!signal.aborted) throw error
      }
    })
    const limit = Promise.withResolvers<void>()
    const timer = setTimeout(limit.resolve, answerWaitMs)
    work.catch((error) => log.warn("container could not be rebuilt", { container: id, error }))
    await Promise.race([work, limit.promise]).finally(() => clearTimeout(timer))
  }
}

function requireOwnMaking(row: ContainerRow, what: string): void {
  if (row.kind === "external") throw new AppError("invalid", `an external container cannot be ${what}`)
  if (row.adopted === 1) throw new AppError("conflict", `an adopted container cannot be ${what}: Freehold does not know how it was made`)
}
