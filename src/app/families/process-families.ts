import type { HealthReply } from "../../health/health"
import { byLabel, counter, type Family, gauge } from "../../metrics/family"
import { cpuSeconds, descriptorLimit, fileBytes, openDescriptors } from "../../metrics/process-readings"
import type { DurationCounts } from "../../traffic/durations"

export type ProcessReadings = {
  version: string
  startedAt: number
  loopDelay: () => DurationCounts
  storeFile: string
  disk: () => { totalBytes: number; freeBytes: number }
  floorBytes: () => number
  health: () => Promise<HealthReply>
}

/** The process, its store and its disk. Names that begin with `process_` are those that every program has. */
export function processFamilies(readings: ProcessReadings): Family[] {
  const { version, startedAt, loopDelay, storeFile, disk, floorBytes, health } = readings
  return [
    {
      name: "freehold_build_info",
      help: "1, with the version of Freehold and of the Bun that it is made with.",
      labels: ["version", "bun"],
      type: "gauge",
      read: () => [{ labels: { version, bun: Bun.version }, value: 1 }],
    },
    byLabel("gauge", "freehold_health_check_ok", "Whether a check of /healthz is ok, 1 or 0.", "check", async () => {
      const { checks } = await health()
      return Object.fromEntries(Object.entries(checks).map(([name, { status }]) => [name, status === "ok" ? 1 : 0]))
    }),
    {
      name: "freehold_event_loop_delay_seconds",
      help: "How late the main thread comes to a timer, looked at four times a second.",
      labels: [],
      type: "histogram",
      read: () => [{ times: loopDelay() }],
    },
    gauge("freehold_store_bytes", "Size of the store's file.", () => fileBytes(storeFile)),
    gauge("freehold_store_wal_bytes", "Size of the store's write-ahead log.", () => fileBytes(`${storeFile}-wal`)),
    gauge("freehold_disk_bytes", "Size of the disk that the data folder is on.", () => disk().totalBytes),
    gauge("freehold_disk_free_bytes", "Bytes of that disk that are free for Freehold.", () => disk().freeBytes),
    gauge("freehold_disk_floor_bytes", "Free bytes below which no more files are stored.", floorBytes),
    counter("process_cpu_seconds_total", "CPU time that the process has used.", cpuSeconds),
    gauge("process_resident_memory_bytes", "Memory that the process holds.", () => process.memoryUsage.rss()),
    gauge("process_open_fds", "Open file descriptors, connections among them.", openDescriptors),
    gauge("process_max_fds", "Bound of open file descriptors; absent where there is none.", descriptorLimit),
    gauge("process_start_time_seconds", "When the process started, in Unix time.", () => startedAt / 1000),
  ]
}
