import type { EngineState } from "./engine-watch"
import type { ProgramReply } from "./program"

export type Listener = { name: string; setting: string; address: string; port: number; purpose: string }

export type SystemNeeds = {
  version: string
  program: () => ProgramReply
  startedAt: number
  dataDir: string
  baseDomain: string
  disk: () => { totalBytes: number; freeBytes: number }
  floorBytes: () => number
  engine: () => Promise<EngineState>
  /** Where this process really listens. */
  listeners: () => Listener[]
  dns: () => DnsReply
  now: () => number
}

export type DnsReply = {
  /** Zones that our server answers for; empty where it does not listen. */
  zones: { origin: string; holds: string }[]
  public_ipv4: string | null
  public_ipv6: string | null
  resolver: { starts_at: string; port: number; doh: string | null }
  recursives: string[]
  private_zones: string[]
}

const iso = (ms: number) => new Date(ms).toISOString()

/** The appliance itself as it stands now. */
export class System {
  constructor(private needs: SystemNeeds) {}

  async read() {
    const { version, program, startedAt, dataDir, baseDomain, listeners, dns, now } = this.needs
    return {
      version,
      program: program(),
      runtime: `Bun ${Bun.version}`,
      base_domain: baseDomain,
      data_dir: dataDir,
      started_at: iso(startedAt),
      uptime_seconds: Math.floor((now() - startedAt) / 1000),
      memory_bytes: process.memoryUsage.rss(),
      disk: this.disk(),
      engine: await this.engine(),
      listeners: listeners(),
      dns: dns(),
    }
  }

  disk() {
    const { totalBytes, freeBytes } = this.needs.disk()
    return { total_bytes: totalBytes, free_bytes: freeBytes, floor_bytes: this.needs.floorBytes() }
  }

  private async engine() {
    const { since, ...state } = await this.needs.engine()
    return { socket: null, kind: null, version: null, problem: null, ...state, since: since === undefined ? null : iso(since) }
  }
}
