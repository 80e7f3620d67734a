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
  /** Instead of the image's own; its entry point stays. */
  command?: string[]
  /** Named volumes of the engine, which must be there: see `Engine.makeVolume`. */
  mounts?: { volume: string; path: string }[]
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
  /** Unix milliseconds; undefined while it runs for the first time, and when it never ran. */
  finishedAt: number | undefined
  outOfMemory: boolean
  limits: Limits
  /** It has a terminal, so that its output is one stream without frames. */
  hasTerminal: boolean
  name: string
  image: string
  labels: Record<string, string>
}

/** A container of the engine as lists have it. */
export type ListedContainer = { id: string; name: string; image: string; state: string; labels: Record<string, string>; createdAt: number }

/** What a container has used since it was started; undefined where the host does not count it. */
export type Usage = {
  /** Time on all processors. */
  cpuMs: number | undefined
  memoryBytes: number | undefined
  /** Without the loopback. */
  receivedBytes: number | undefined
  sentBytes: number | undefined
  processes: number | undefined
}

/** Which lines of a container's output: the last `tail`, not before `since` (Unix milliseconds), and with `follow` those to come. */
export type LogQuery = { tail: number; since?: number; follow: boolean }

/** Who asks a registry. */
export type RegistryLogin = { registry: string; username: string; password: string }

/** Something happened to a container. `action` is the engine's word (`start`, `die`, `remove`, `destroy`, …). */
export type EngineEvent = { id: string; action: string; labels: Record<string, string> }

export type EngineImage = { id: string; names: string[]; sizeBytes: number }
