import { readFileSync } from "node:fs"
import type { Verdict } from "./check"

/** The store, the log, containers, name servers, and files being read. */
const ownFiles = 512

/** How many files this process may have open; undefined where the system does not say. */
export function openFilesLimit(): number | undefined {
  const [, soft] = /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync("/proc/self/limits", "utf8")) ?? []
  return soft === undefined ? undefined : soft === "unlimited" ? Infinity : Number(soft)
}

/** Whether as many visitors as the settings allow can be served: each has a descriptor, and while one is answered the application behind has one too. */
export function checkFileLimit(limit: number | undefined, maxConnections: number): Verdict {
  if (limit === undefined) return { status: "unknown", verdict: "The system does not say how many files may be open." }
  const wanted = 2 * maxConnections + ownFiles
  const allowed = `This process may have ${limit === Infinity ? "any number of" : limit} files open`
  if (limit >= wanted) return { status: "ok", verdict: `${allowed}, which is enough for ${maxConnections} connections.` }
  return {
    status: limit < maxConnections ? "bad" : "warn",
    verdict: `${allowed}; ${maxConnections} connections (max_connections) may need ${wanted}.`,
    remedy: `Set LimitNOFILE=${wanted} in the unit of the service and restart it, or FREEHOLD_MAX_CONNECTIONS=${Math.max(1, Math.floor((limit - ownFiles) / 2))}.`,
  }
}
