import type { Finding, HealthCheck } from "./health"

export type CheckNeeds = {
  /** Writes to the store and takes it back; throws where that cannot be done, and tells for how long another has kept it from it. */
  tryStore: () => { lockedMs: number }
  /** Threads that serve HTTPS. */
  serving: () => { threads: number; wanted: number }
  disk: () => { totalBytes: number; freeBytes: number }
  /** Below this nothing more is stored; 0 for none. */
  floorBytes: () => number
  engine: () => { state: "none" | "not_found" | "reachable" | "away"; since?: number }
  /** Certificates in use that should have been renewed, and those that have ended. */
  certificates: () => Promise<{ overdue: number; expired: number }>
}

const wellDisk = 0.05
const longLockMs = 30_000

const ok = (message: string): Finding => ({ status: "ok", message })
const bad = (message: string): Finding => ({ status: "unavailable", message })
const degraded = (message: string): Finding => ({ status: "degraded", message })

/** What the health of the appliance is made of, besides where its process is in its life. */
export function houseChecks(needs: CheckNeeds): HealthCheck[] {
  return [
    { name: "store", isRequired: true, look: () => store(needs) },
    { name: "edge", isRequired: true, look: () => edge(needs) },
    { name: "disk", isRequired: false, look: () => disk(needs) },
    { name: "container_engine", isRequired: false, look: () => engine(needs) },
    { name: "certificates", isRequired: false, look: () => certificates(needs) },
  ]
}

function store({ tryStore }: CheckNeeds): Finding {
  let lockedMs: number
  try {
    lockedMs = tryStore().lockedMs
  } catch (error) {
    const { code } = error as { code?: unknown }
    return bad(`The store cannot be written${typeof code === "string" ? ` (${code})` : ""}.`)
  }
  if (lockedMs >= longLockMs) return bad(`Somebody has kept the store locked for ${Math.round(lockedMs / 1000)} seconds.`)
  return ok("The store can be written.")
}

function edge({ serving }: CheckNeeds): Finding {
  const { threads, wanted } = serving()
  if (threads === 0) return bad("No thread of the edge serves; they are being started again.")
  if (threads < wanted) return degraded(`${threads} of ${wanted} threads of the edge serve; the others are being started again.`)
  return ok("The edge serves.")
}

function disk({ disk, floorBytes }: CheckNeeds): Finding {
  const { totalBytes, freeBytes } = disk()
  if (freeBytes < floorBytes()) return degraded("The disk of the data folder is nearly full, and no more files are stored.")
  if (freeBytes < totalBytes * wellDisk) return degraded("The disk of the data folder is nearly full.")
  return ok("The disk of the data folder has room.")
}

function engine({ engine }: CheckNeeds): Finding {
  const { state, since } = engine()
  if (state === "none") return ok("No container engine is wanted.")
  if (state === "not_found") return ok("No container engine was found at the start, so none is watched.")
  if (state === "reachable") return ok("The container engine answers.")
  return degraded(`The container engine has not answered${since === undefined ? "" : ` since ${new Date(since).toISOString()}`}.`)
}

async function certificates({ certificates }: CheckNeeds): Promise<Finding> {
  const { overdue, expired } = await certificates()
  const some = (count: number) => (count === 1 ? "1 certificate in use" : `${count} certificates in use`)
  if (expired > 0) return degraded(`${some(expired)} ${expired === 1 ? "has" : "have"} expired.`)
  if (overdue > 0) return degraded(`${some(overdue)} should have been renewed by now.`)
  return ok("Every certificate in use is renewed in time.")
}
