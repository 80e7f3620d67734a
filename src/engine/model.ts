/** A container to be made. It gets the engine's default bridge network, where the host reaches it by its own address. */
export type ContainerSpec = {
  name: string
  /** Must be there already: see `Engine.pull`. */
  image: string
  memoryMb: number
  cpus: number
  /** The most processes and threads inside. */
  pids: number
  labels: Record<string, string>
  env?: Record<string, string>
}

/** `unavailable`: the host cannot limit memory, CPU and processes, so nothing is limited. */
export type Limits = "enforced" | "unavailable"

/** What the engine says of a container right now. */
export type EngineContainer = {
  id: string
  state: "created" | "running" | "paused" | "restarting" | "exited" | "dead" | "unknown"
  /** Its own address on its network; undefined while it has none. */
  address: string | undefined
  exitCode: number
  /** Unix milliseconds; undefined when it never ran. */
  startedAt: number | undefined
  outOfMemory: boolean
  limits: Limits
}

/** Something happened to a container. `action` is the engine's word (`start`, `die`, `remove`, `destroy`, …). */
export type EngineEvent = { id: string; action: string; labels: Record<string, string> }

export type EngineImage = { id: string; names: string[]; sizeBytes: number }
