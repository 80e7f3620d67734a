import type { InstanceTypeRow } from "../db/schema"
import { AppError } from "../errors"
import type { ContainerStore } from "./store"

/** An instance type as the compute API shows it. */
export type InstanceTypeReply = { name: string; cpus: number; pids: number }

const maxTypes = 100

/** The sizes that containers may have. A change holds for each container from the next time that it is made. */
export class InstanceTypes {
  constructor(private store: ContainerStore) {}

  async list(): Promise<InstanceTypeReply[]> {
    return (await this.store.instanceTypes.list()).map(reply)
  }

  /** Makes or changes one; throws `invalid`, naming the field and its rule. */
  async put(name: string, body: Record<string, unknown>): Promise<InstanceTypeReply> {
    if (!/^[a-z0-9][a-z0-9-]{0,31}$/.test(name) || name === "external")
      throw new AppError("invalid", "the name of an instance type has at most 32 lower-case letters, digits and dashes")
    const { cpus, pids = 1024 } = body
    if (typeof cpus !== "number" || !(cpus >= 0.01 && cpus <= 1024))
      throw new AppError("invalid", "cpus must be a number from 0.01 to 1024")
    if (typeof pids !== "number" || !Number.isInteger(pids) || pids < 8 || pids > 32_768)
      throw new AppError("invalid", "pids must be a whole number from 8 to 32768")
    if ((await this.store.instanceTypes.list()).length >= maxTypes && (await this.store.instanceTypes.find(name)) === undefined)
      throw new AppError("conflict", `no more than ${maxTypes} instance types`)
    return reply(await this.store.instanceTypes.put({ name, cpus, pids }))
  }

  /** Throws `not_found`, and `conflict` while a container has it or it is the last one. */
  async delete(name: string): Promise<void> {
    const all = await this.store.instanceTypes.list()
    if (!all.some((type) => type.name === name)) throw new AppError("not_found", "instance type not found")
    if (all.length === 1) throw new AppError("conflict", "the last instance type cannot be removed")
    if (!(await this.store.instanceTypes.delete(name))) throw new AppError("conflict", `some container has the instance type ${name}`)
  }
}

const reply = ({ name, cpus, pids }: InstanceTypeRow): InstanceTypeReply => ({ name, cpus, pids })
