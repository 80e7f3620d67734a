import type { Engine } from "../engine/engine"
import type { Log } from "../log"
import { AppError } from "../errors"
import { Adoption, type AdoptionNeeds } from "./adoption"
import { IngressRules } from "./ingress"
import { InstanceTypes } from "./instance-types"
import { type Caller, mountPathsOf } from "./model"
import { ContainerOutput } from "./output"
import type { Registries } from "./registries"
import type { ComputeService } from "./service"
import { StorageLimit } from "./storage-limit"
import type { ContainerStore } from "./store"
import { UsageSamples } from "./usage-samples"
import { Volumes } from "./volumes"
import { explain } from "./explain"

export type PartsNeeds = {
  store: ContainerStore
  engine: Engine | undefined
  compute: ComputeService
  registries: Registries
  volumesFolder: string
  baseDomain: string
  log: Log
  now: () => number
  /** A name may have a certificate from now on. */
  certify: (hostname: string) => void
  /** How often it is asked whether somebody may still read what they follow. */
  recheckMs?: number
  /** Why the edge cannot listen at a port; undefined while it can. */
  portProblem: (port: number) => string | undefined
} & Pick<AdoptionNeeds, "mappingsTo" | "unmap">

/** What belongs to containers besides their lives: output, usage, ingress rules, volumes, images, registries, instance types, adoption. */
export class ContainerParts {
  readonly compute: ComputeService
  readonly output: ContainerOutput
  readonly usage: UsageSamples
  readonly storage: StorageLimit
  readonly ingress: IngressRules
  readonly instanceTypes: InstanceTypes
  readonly registries: Registries
  readonly adoption: Adoption
  private stored: Volumes | undefined

  constructor(private needs: PartsNeeds) {
    const { store, engine, compute, registries, volumesFolder, baseDomain, log, now } = needs
    const own: ComputeService["own"] = (caller, id) => compute.own(caller, id)
    this.compute = compute
    this.registries = registries
    this.output = new ContainerOutput({ own, engine, recheckMs: needs.recheckMs })
    this.usage = new UsageSamples({ store, engine, own, log, now })
    const { certify, portProblem, mappingsTo, unmap } = needs
    const end: ComputeService["endBecause"] = (id, why) => compute.endBecause(id, why)
    this.storage = new StorageLimit({ store, engine, volumesFolder, end, log })
    this.ingress = new IngressRules({ store, own, baseDomain, now, onChange: () => compute.changed(), certify, portProblem })
    this.instanceTypes = new InstanceTypes(store)
    this.adoption = new Adoption({ store, engine, compute, mappingsTo, unmap, baseDomain, now })
    this.stored = engine && new Volumes(store, engine, volumesFolder, now)
  }

  /** Measures from now on. */
  start(): void {
    this.usage.start()
    this.storage.start()
  }

  async stop(): Promise<void> {
    this.output.stop()
    await this.storage.stop()
    await this.usage.stop()
  }

  /** What a container keeps, and has kept. Throws `not_found`. */
  async volumes(caller: Caller, id: string): Promise<{ volumes: { id: string; path: string; mounted: boolean; created_at: string }[] }> {
    const mounted = mountPathsOf(await this.needs.compute.own(caller, id))
    const rows = await this.needs.store.volumes.list(id)
    return {
      volumes: rows.map((row) => ({
        id: row.id,
        path: row.path,
        mounted: mounted.includes(row.path),
        created_at: new Date(row.createdAt).toISOString(),
      })),
    }
  }

  /** With everything in it. Throws `not_found`, and `conflict` while its path is mounted. */
  async deleteVolume(caller: Caller, id: string, volumeId: string): Promise<void> {
    const mounted = mountPathsOf(await this.needs.compute.own(caller, id))
    const volume = (await this.needs.store.volumes.list(id)).find((one) => one.id === volumeId)
    if (volume === undefined) throw new AppError("not_found", "volume not found")
    if (mounted.includes(volume.path)) throw new AppError("conflict", `${volume.path} is mounted: take it from the mount paths first`)
    const { stored } = this
    if (stored === undefined) throw new AppError("unavailable", "no container engine is configured")
    await explain("delete the volume of the", () => stored.delete(volume))
  }

  /** The images that this machine has, by name. Throws `unavailable`. */
  async images(): Promise<{ name: string; image: string; source: "local"; size_bytes: number }[]> {
    const { engine } = this.needs
    if (engine === undefined) return []
    const found = await engine.images()
    const named = found.flatMap(({ names, sizeBytes }) => names.map((image) => ({ image, size_bytes: sizeBytes })))
    return named
      .filter(({ image }) => !image.includes("<none>"))
      .map(({ image, size_bytes }) => ({ name: image.replace(/^localhost\//, ""), image, source: "local" as const, size_bytes }))
      .sort((a, b) => (a.image < b.image ? -1 : 1))
  }
}
