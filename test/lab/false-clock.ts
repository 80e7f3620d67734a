import { existsSync } from "node:fs"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { temporaryFolder } from "./process"

const library = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"

/** The wall clock of one program, which can be set while it runs; its monotonic clock goes on as it is. */
export interface FalseClock {
  /** What the program is to be started with. */
  readonly environment: Record<string, string>
  /** By how much it differs from the real one from now on, in milliseconds. */
  set(offsetMs: number): Promise<void>
  remove(): Promise<void>
}

/** Why this machine cannot have one, as a reason to skip; undefined when it can. */
export const falseClockObstacle = (): string | undefined => (existsSync(library) ? undefined : "faketime is not installed")

export async function falseClock(): Promise<FalseClock> {
  const folder = await temporaryFolder("clock")
  const file = join(folder.path, "offset")
  const set = (offsetMs: number) => writeFile(file, `${offsetMs < 0 ? "-" : "+"}${Math.abs(offsetMs) / 1000}\n`)
  await set(0)
  const environment = { LD_PRELOAD: library, FAKETIME_TIMESTAMP_FILE: file, FAKETIME_NO_CACHE: "1", FAKETIME_DONT_FAKE_MONOTONIC: "1" }
  return { environment, set, remove: () => folder.remove() }
}
