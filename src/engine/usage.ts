import type { Usage } from "./model"

type Counts = {
  cpu_stats?: { cpu_usage?: { total_usage?: unknown } }
  memory_stats?: { usage?: unknown; stats?: Record<string, unknown> }
  networks?: Record<string, { rx_bytes?: unknown; tx_bytes?: unknown }> | null
  pids_stats?: { current?: unknown }
}

/** The engine's counts in our terms; undefined where there is no answer. */
export function parseUsage(answer: unknown): Usage | undefined {
  if (typeof answer !== "object" || answer === null) return undefined
  const { cpu_stats: cpu, memory_stats: memory, networks, pids_stats: pids } = answer as Counts
  const cpuNs = amount(cpu?.cpu_usage?.total_usage)
  const used = amount(memory?.usage)
  // What the kernel would give back at once is not the application's use.
  const reclaimable = amount(memory?.stats?.inactive_file) ?? amount(memory?.stats?.total_inactive_file) ?? 0
  const links = Object.entries(networks ?? {}).filter(([name]) => name !== "lo")
  const sum = (pick: (link: { rx_bytes?: unknown; tx_bytes?: unknown }) => unknown) =>
    links.length === 0 ? undefined : links.reduce((total, [, link]) => total + (amount(pick(link)) ?? 0), 0)
  return {
    cpuMs: cpuNs === undefined ? undefined : cpuNs / 1e6,
    memoryBytes: used === undefined ? undefined : Math.max(0, used - reclaimable),
    receivedBytes: sum((link) => link.rx_bytes),
    sentBytes: sum((link) => link.tx_bytes),
    processes: amount(pids?.current),
  }
}

const amount = (raw: unknown) => (typeof raw === "number" && Number.isFinite(raw) && raw >= 0 ? raw : undefined)
