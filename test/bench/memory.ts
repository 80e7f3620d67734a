import { readFile, writeFile } from "node:fs/promises"
import { waitUntil } from "../lab/process"

/** Memory of a process and its children in KiB; the peak is that since `resetPeak`. */
export type Memory = { residentKiB: number; peakKiB: number }

export async function readMemory(pid: number): Promise<Memory> {
  const total = { residentKiB: 0, peakKiB: 0 }
  for (const member of await family(pid)) {
    const status = await readFile(`/proc/${member}/status`, "utf8").catch(() => "")
    total.residentKiB += Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0)
    total.peakKiB += Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1] ?? 0)
  }
  return total
}

/** The kernel forgets the peak so far (proc(5), clear_refs). */
export async function resetPeak(pid: number): Promise<void> {
  for (const member of await family(pid)) await writeFile(`/proc/${member}/clear_refs`, "5")
}

/** Resolves when the process used less than a twentieth of a core for a second; throws after `limitMs`. */
export async function settle(pid: number, limitMs = 120_000): Promise<void> {
  let before = await cpuTicks(pid)
  await Bun.sleep(1000)
  const isQuiet = async () => {
    const now = await cpuTicks(pid)
    const used = now - before
    before = now
    return used <= 5
  }
  await waitUntil(isQuiet, { limitMs, everyMs: 1000, what: `process ${pid} to come to rest` })
}

/** Processor time of a process and its children so far, in hundredths of a second. */
export async function cpuTicks(pid: number): Promise<number> {
  let ticks = 0
  for (const member of await family(pid)) {
    const fields = (await readFile(`/proc/${member}/stat`, "utf8").catch(() => "")).replace(/^.*\) /, "").split(" ")
    ticks += Number(fields[11] ?? 0) + Number(fields[12] ?? 0)
  }
  return ticks
}

async function family(pid: number): Promise<number[]> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8").catch(() => "")
  const deeper = await Promise.all(
    children
      .split(" ")
      .filter(Boolean)
      .map((child) => family(Number(child))),
  )
  return [pid, ...deeper.flat()]
}
