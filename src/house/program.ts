import { statSync } from "node:fs"
import { basename } from "node:path"
import type { StoreCopy } from "../db/upgrade"

export type ProgramNeeds = {
  /** The file that this process was started from; undefined where it runs from source. */
  path: string | undefined
  /** Where a package and where `freehold install` put it. */
  places: { package: string; install: string }
  /** Where an upgrade by `freehold install` leaves the version before. */
  previous: string
  /** Of the store, from before upgrades, the newest first. */
  copies: () => StoreCopy[]
}

/** The program that runs, and the ways on and back from it. Times are ISO 8601. */
export type ProgramReply = {
  path: string | null
  installed: "install" | "package" | "by_hand" | "source"
  /** What lies at the path now: `other` waits for a restart. */
  on_disk: "same" | "other" | "missing"
  can_roll_back: boolean
  store_copies: { name: string; before: string; made_at: string; bytes: number }[]
}

/** Tells whether the program on disk is still the one that runs, without running it. */
export class Program {
  private running: string | undefined

  constructor(
    private needs: ProgramNeeds,
    image = "/proc/self/exe",
  ) {
    // The link leads to the file that runs, also when another has taken its place.
    this.running = identity(image) ?? (needs.path === undefined ? undefined : identity(needs.path))
  }

  read(): ProgramReply {
    const { path, previous, copies } = this.needs
    const installed = this.installed()
    return {
      path: path ?? null,
      installed,
      on_disk: path === undefined ? "same" : this.onDisk(path),
      can_roll_back: installed === "install" && identity(previous) !== undefined,
      store_copies: copies().map(({ file, before, madeAt }) => ({
        name: basename(file),
        before,
        made_at: madeAt.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6.000Z"),
        bytes: statSync(file, { throwIfNoEntry: false })?.size ?? 0,
      })),
    }
  }

  private installed(): ProgramReply["installed"] {
    const { path, places } = this.needs
    if (path === undefined) return "source"
    return path === places.package ? "package" : path === places.install ? "install" : "by_hand"
  }

  private onDisk(path: string): ProgramReply["on_disk"] {
    const present = identity(path)
    if (present === undefined) return "missing"
    return present === this.running ? "same" : "other"
  }
}

/** Which file it is, whatever its name. */
function identity(path: string): string | undefined {
  try {
    const { dev, ino } = statSync(path)
    return `${dev} ${ino}`
  } catch {
    return undefined
  }
}
