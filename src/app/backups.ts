import { constants, setPriority } from "node:os"
import { type Ended, Backups } from "../backup/service"
import type { LiveConfig } from "../live-config"
import type { Log } from "../log"

export type BackupsHouseNeeds = {
  config: LiveConfig
  dataDir: string
  onChanged: () => void
  log: Log
  now: () => number
}

/** A day: what has not ended then never does. */
const limitMs = 86_400_000
const mostWords = 4000

/** Backups by a process of their own, so that neither SQLite's copy nor encryption stops the visitors, and its memory goes with it. */
export const makeBackups = ({ config, dataDir, onChanged, log, now }: BackupsHouseNeeds): Backups =>
  new Backups({ dataDir, plan: () => config.current.backup, make: (signal) => runCommand(config.args, signal), onChanged, log, now })

/** Runs `freehold backup` with the settings of this process: its flags, its environment and the same files. */
async function runCommand(args: readonly string[], signal: AbortSignal): Promise<Ended> {
  // From source the program is Bun, and the first word the file.
  const program = Bun.main.startsWith("/$bunfs/") ? [process.execPath] : [process.execPath, Bun.main]
  const child = Bun.spawn([...program, "backup", ...args], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
    signal,
    timeout: limitMs,
  })
  behindOthers(child.pid)
  const [said, code] = await Promise.all([new Response(child.stderr).text(), child.exited])
  if (code === 0) return { problem: undefined }
  const words = said
    .trim()
    .slice(0, mostWords)
    .replace(/^error: /, "")
  return { problem: words === "" ? `it ended with code ${code}` : (words.split("\n")[0] ?? "") }
}

/** Under freehold.service nobody may ask for it, and then it goes without. */
function behindOthers(pid: number): void {
  try {
    setPriority(pid, constants.priority.PRIORITY_LOW)
  } catch {}
}
