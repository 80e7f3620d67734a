import type { Engine } from "../engine/engine"
import { AppError } from "../errors"
import { type Caller, containerHost, parseName } from "./model"
import { newRow } from "./new-row"
import { idLabel } from "./container-spec"
import type { ComputeService } from "./service"
import type { ContainerStore } from "./store"

/** A container of the engine that is not Freehold's. */
export type ForeignContainer = { engine_id: string; name: string; image: string; state: string; created_at: number }

/** A mapping by which a hostname leads to a container. */
export type LeadingMapping = { id: string; personId: string; domain: string }

export type AdoptionNeeds = {
  store: ContainerStore
  engine: Engine | undefined
  compute: Pick<ComputeService, "settle" | "own" | "reply" | "changed" | "forget">
  /** The mappings that lead to a container, whatever their status. */
  mappingsTo: (containerId: string) => Promise<LeadingMapping[]>
  /** Deletes a mapping as its person does; one that is gone already is no fault. */
  unmap: (personId: string, id: string) => Promise<void>
  baseDomain: string
  now: () => number
}

/** What administrators see of everybody's containers, and how they take those that Freehold did not make. Whoever calls has made sure that it is one. */
export class Adoption {
  constructor(private needs: AdoptionNeeds) {}

  /** Everybody's, the newest first. */
  async containers(): Promise<object[]> {
    const { store, baseDomain } = this.needs
    return (await store.allWithOwners()).map((row) => ({
      id: row.id,
      name: row.name,
      user_id: row.personId,
      owner: row.owner,
      kind: row.kind,
      status: row.status,
      hostname: containerHost(row.id, baseDomain),
      image: row.image ?? undefined,
      external_ip: row.address ?? "",
      memory_mb: row.memoryMb,
      storage_gb: row.storageGb,
      instance_type: row.instanceType,
      adopted: row.adopted === 1,
      created_at: Math.floor(row.createdAt / 1000),
    }))
  }

  /** What the engine has besides ours. Throws `unavailable`. */
  async foreign(): Promise<{ containers: ForeignContainer[] }> {
    const [found, rows] = await Promise.all([this.engine.list(), this.needs.store.all()])
    const ours = new Set(rows.map(({ engineId }) => engineId))
    return {
      containers: found
        .filter(({ id, labels }) => !ours.has(id) && labels[idLabel] === undefined)
        .map(({ id, name, image, state, createdAt }) => ({
          engine_id: id,
          name,
          image,
          state,
          created_at: Math.floor(createdAt / 1000),
        })),
    }
  }

  /**
   * Takes a container of the engine, by its id or name there, under a name here; it goes on as it is. The caller owns it. Throws `invalid`, `not_found`,
   * `conflict` (one that is ours already) and `unavailable`.
   */
  async adopt(caller: Caller, body: Record<string, unknown>): Promise<object> {
    const { store, compute, now } = this.needs
    const raw = body.engine_id
    if (typeof raw !== "string" || !/^[A-Za-z0-9][\w.-]{0,127}$/.test(raw))
      throw new AppError("invalid", "engine_id must be the id or the name of a container of the engine")
    const found = await this.engine.inspect(raw)
    if (found === undefined) throw new AppError("not_found", "the engine has no such container")
    const name = parseName(body.name ?? found.name)
    const isOurs = (await store.all()).some(({ engineId }) => engineId === found.id) || found.labels[idLabel] !== undefined
    if (isOurs) throw new AppError("conflict", "the container is Freehold's already")
    const lives = found.state === "running" || found.state === "paused" || found.state === "restarting"
    const wish = lives ? ("running" as const) : ("stopped" as const)
    const known = { engineId: found.id, image: found.image, address: found.address ?? null, instanceType: "adopted" }
    const row = { ...newRow(caller, name, now()), ...known, adopted: 1, desired: wish, status: wish }
    // The cap is there for what is made here.
    if (!(await store.insert(row, Number.MAX_SAFE_INTEGER))) throw new AppError("conflict", "the container is Freehold's already")
    compute.changed()
    await compute.settle(row.id)
    return compute.reply(await compute.own(caller, row.id))
  }

  /**
   * Forgets an adopted container and leaves it at the engine as it is: from now on it is a foreign one again. What was ours of it (ingress rules, the SSH
   * switch) goes. Mappings that lead to it go only with `delete_mappings`; without, it throws `conflict` that names them. Throws `not_found`, `invalid`, and
   * `conflict` for a container that Freehold made.
   */
  async release(caller: Caller, id: string, body: Record<string, unknown>): Promise<void> {
    const { store, compute, mappingsTo, unmap } = this.needs
    const row = await compute.own(caller, id)
    const takesMappings = body.delete_mappings ?? false
    if (typeof takesMappings !== "boolean") throw new AppError("invalid", "delete_mappings must be true or false")
    if (row.adopted !== 1) throw new AppError("conflict", "only an adopted container is released: Freehold made this one")
    if (takesMappings) for (const mapping of await mappingsTo(id)) await unmap(mapping.personId, mapping.id)
    if (await compute.forget(id, () => store.release(id))) return
    await compute.own(caller, id)
    const names = (await mappingsTo(id)).map(({ domain }) => domain)
    throw new AppError("conflict", `hostnames lead to the container: ${names.join(", ")}. Delete the mappings, or send delete_mappings`)
  }

  private get engine(): Engine {
    const { engine } = this.needs
    if (engine === undefined) throw new AppError("unavailable", "no container engine is configured")
    return engine
  }
}
