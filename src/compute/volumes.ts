import { randomBytes } from "node:crypto"
import { mkdir, rm } from "node:fs/promises"
import { join } from "node:path"
import type { ContainerRow, VolumeRow } from "../db/schema"
import type { Engine } from "../engine/engine"
import { EngineFault } from "../engine/faults"
import { mountPathsOf } from "./model"
import type { ContainerStore } from "./store"

const idPattern = /^[0-9a-f]{8,32}$/

/**
 * What containers keep: a folder below `folder` for each mounted path, `<container>/<volume>`, which the engine mounts as a named volume, so that it
 * fills an empty one with what the image has at the path. A volume outlives its path in the list, and goes with its container.
 */
export class Volumes {
  constructor(
    private store: ContainerStore,
    private engine: Engine,
    private folder: string,
    private now: () => number,
  ) {}

  /** Makes what is missing of them at the engine; the answer is what to mount. */
  async prepare(row: ContainerRow): Promise<{ volume: string; path: string }[]> {
    const mounts = []
    for (const path of mountPathsOf(row)) {
      const id = randomBytes(8).toString("hex")
      const volume = await this.store.volumes.ensure({ id, containerId: row.id, path, createdAt: this.now() })
      const folder = this.folderOf(volume)
      // The data folder itself keeps everybody else out; who uses this one inside the container is for the image to say.
      await mkdir(folder, { recursive: true, mode: 0o755 })
      const name = engineName(volume)
      await this.engine.makeVolume(name, folder, { "freehold.container": row.id })
      mounts.push({ volume: name, path })
    }
    return mounts
  }

  /** With everything in it. Throws EngineFault while a container holds it. */
  async delete(volume: VolumeRow): Promise<void> {
    await this.engine.removeVolume(engineName(volume))
    await removeFolder(this.folderOf(volume))
    await this.store.volumes.delete(volume.id)
  }

  /** Those of one container, which is gone from the engine. */
  async deleteAll(containerId: string): Promise<void> {
    for (const volume of await this.store.volumes.list(containerId)) await this.delete(volume)
    if (idPattern.test(containerId)) await removeFolder(join(this.folder, containerId))
  }

  private folderOf({ containerId, id }: VolumeRow): string {
    // Whoever changes the store must not choose what is deleted.
    if (!idPattern.test(containerId) || !idPattern.test(id)) throw new Error(`the volume ${id} of ${containerId} has no proper name`)
    return join(this.folder, containerId, id)
  }
}

/** What containers keep belongs to users of theirs, whom we may touch only with rights of our own (systemd/freehold-containers.conf). Throws EngineFault. */
async function removeFolder(folder: string): Promise<void> {
  try {
    await rm(folder, { recursive: true, force: true })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== "EACCES" && code !== "EPERM") throw error
    throw new EngineFault(`what it kept may not be removed by the user whom Freehold runs as (${code})`, undefined, error)
  }
}

const engineName = ({ containerId, id }: VolumeRow) => `freehold-${containerId}-${id}`
