import { UsageError, parseNumber } from "./arguments"
import { listIn } from "./client"
import type { Command } from "./command"
import { printable, table } from "./output"

type InstanceType = { name: string; cpus: number; pids: number }

const path = "/compute/instance-types"
const lines = (types: InstanceType[]) =>
  table(
    ["NAME", "CPUS", "PROCESSES"],
    types.map((one) => [one.name, one.cpus, one.pids]),
    "no instance types",
  )

/** `containers instance-types`: the sizes that containers may have; administrators change them. */
export const instanceTypesCommand: Command = {
  flags: { cpus: "text", pids: "text" },
  rest: [0, 2],
  async run({ api, show, flags, rest: [verb = "ls", name] }) {
    const at = `${path}/${encodeURIComponent(name ?? "")}`
    if (verb === "put" && name !== undefined) {
      const pids = flags.text("pids")
      const body = {
        cpus: parseCpus(flags.required("cpus")),
        ...(pids === undefined ? {} : { pids: parseNumber("--pids", pids, 8, 32_768) }),
      }
      return show(await api.put<InstanceType>(at, body), (one) => lines([one]))
    }
    const flag = ["cpus", "pids"].find((one) => flags.has(one))
    if (flag !== undefined) throw new UsageError(`--${flag} goes with instance-types put NAME`)
    if (verb === "rm" && name !== undefined) return show(await api.delete(at), () => `${printable(name)} removed\n`)
    if (verb !== "ls" || name !== undefined) throw new UsageError("instance-types is followed by nothing, ls, put NAME --cpus N or rm NAME")
    show(await api.get<object>(path), (answer) => lines(listIn<InstanceType>(answer, "instance_types")))
  },
}

/** Processors, or a fraction of one such as `0.5`; throws UsageError. */
function parseCpus(text: string): number {
  const cpus = /^\d{1,4}(\.\d{1,6})?$/.test(text) ? Number(text) : Number.NaN
  if (!(cpus >= 0.01 && cpus <= 1024)) throw new UsageError(`--cpus is a number from 0.01 to 1024, not "${text}"`)
  return cpus
}
