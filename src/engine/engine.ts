import Docker from "dockerode"
import { parseContainer, parseListed } from "./container-info"
import { createOptions, stopTimeoutSeconds } from "./container-options"
import { readEvents } from "./events"
import { EngineFault, engineGone, explainFault, nameIn, understood } from "./faults"
import type {
  ContainerSpec,
  EngineContainer,
  EngineEvent,
  EngineImage,
  Limits,
  ListedContainer,
  LogQuery,
  RegistryLogin,
  Usage,
} from "./model"
import { bodyOf, openOutput } from "./output"
import { unframed } from "./output-frames"
import { readPull } from "./pull-progress"
import { parseUsage } from "./usage"

const askLimitMs = 5_000
const changeLimitMs = 60_000
const measureLimitMs = 60_000
const pullLimitMs = 600_000

/**
 * Podman or Docker at a Unix socket, by the API that both speak. Every call has a time limit and throws AppError("unavailable") when the engine
 * does not answer, and EngineFault when it refuses.
 */
export class Engine {
  private docker: Docker

  constructor(readonly socketPath: string) {
    // The library fills what is absent from DOCKER_HOST, which would win over the socket.
    this.docker = new Docker({ socketPath, host: undefined, port: undefined, protocol: "http" })
  }

  /** Throws when the engine does not answer. */
  async ping(): Promise<void> {
    await this.call("ping", askLimitMs, (abortSignal) => {
      // Takes options, although its types do not say so.
      const docker = this.docker as unknown as { ping(options: object): Promise<unknown> }
      return docker.ping({ abortSignal })
    })
  }

  /** What it calls itself, such as `Podman Engine`, and its version. */
  async version(): Promise<{ kind: string; version: string }> {
    const said = await this.call("ask for the version", askLimitMs, (abortSignal) => {
      // Takes options, although its types do not say so.
      const docker = this.docker as unknown as { version(options: object): Promise<EngineVersion> }
      return docker.version({ abortSignal })
    })
    const podman = said.Components?.find(({ Name }) => Name?.startsWith("Podman"))
    return { kind: podman?.Name ?? said.Platform?.Name ?? "Docker", version: podman?.Version ?? said.Version ?? "" }
  }

  /**
   * Makes a container and does not start it. Where the host cannot limit resources it is made without limits, and the answer says so;
   * `limited: false` asks for none, after a start that failed for their sake.
   */
  async create(spec: ContainerSpec, limited = true): Promise<{ id: string; limits: Limits }> {
    if (limited) {
      try {
        const id = await this.createOnce(spec, true)
        // Docker drops a limit that the host cannot keep; what it then has noted is the truth.
        return { id, limits: (await this.inspect(id))?.limits ?? "unavailable" }
      } catch (error) {
        if (!(error instanceof EngineFault && error.concernsLimits)) throw error
      }
    }
    return { id: await this.createOnce(spec, false), limits: "unavailable" }
  }

  private async createOnce(spec: ContainerSpec, limited: boolean): Promise<string> {
    const what = `create container ${spec.name}`
    const made = await this.call(what, changeLimitMs, (abortSignal) =>
      this.docker.createContainer({ ...createOptions(spec, limited), abortSignal }),
    )
    return understood(what, made, ({ id }) => nameIn(id))
  }

  /** Does nothing to a container that runs. */
  async start(id: string): Promise<void> {
    await this.change(`start container ${short(id)}`, changeLimitMs, (abortSignal) => this.docker.getContainer(id).start({ abortSignal }))
  }

  /** Asks it to end, and ends it after `timeoutSeconds`; resolves when it has ended. Does nothing to one that does not run, or is gone. */
  async stop(id: string, timeoutSeconds = stopTimeoutSeconds): Promise<void> {
    const ask = () =>
      this.change(`stop container ${short(id)}`, timeoutSeconds * 1000 + changeLimitMs, (abortSignal) =>
        this.docker.getContainer(id).stop({ t: timeoutSeconds, abortSignal }),
      ).catch(unlessGone)
    try {
      await ask()
    } catch (error) {
      // Podman refuses to end one that is paused.
      if (!(error instanceof EngineFault) || (await this.inspect(id))?.state !== "paused") throw error
      await this.unpause(id)
      await ask()
    }
  }

  /** Lets a paused container go on. */
  async unpause(id: string): Promise<void> {
    await this.call(`unpause container ${short(id)}`, changeLimitMs, (abortSignal) => this.docker.getContainer(id).unpause({ abortSignal }))
  }

  /** Removes the container in whatever state, with its anonymous volumes; does nothing when it is gone. */
  async remove(id: string): Promise<void> {
    await this.change(`remove container ${short(id)}`, changeLimitMs, (abortSignal) =>
      this.docker.getContainer(id).remove({ force: true, v: true, abortSignal }),
    ).catch(unlessGone)
  }

  /** Undefined when there is no such container. */
  async inspect(id: string): Promise<EngineContainer | undefined> {
    const what = `inspect container ${short(id)}`
    try {
      const info = await this.call(what, askLimitMs, (abortSignal) => this.docker.getContainer(id).inspect({ abortSignal }))
      return understood(what, info, parseContainer)
    } catch (error) {
      return unlessGone(error)
    }
  }

  /** What a container has written beside its image, running or not, as the engine counts it; undefined when it is gone. */
  async writtenBytes(id: string): Promise<number | undefined> {
    const what = `measure what container ${short(id)} has written`
    const info = await this.call(what, measureLimitMs, (abortSignal) =>
      this.docker.getContainer(id).inspect({ size: true, abortSignal } as { abortSignal: AbortSignal }),
    ).catch(unlessGone)
    return info === undefined ? undefined : ((info as { SizeRw?: number }).SizeRw ?? 0)
  }

  /** Ids of the containers in any state that carry this label with this value. */
  async withLabel(name: string, value: string): Promise<string[]> {
    const found = await this.call("list containers", askLimitMs, (abortSignal) =>
      this.docker.listContainers({ all: true, filters: { label: [`${name}=${value}`] }, abortSignal }),
    )
    return understood("list containers", found, (all) => all.map((container) => nameIn(container.Id)))
  }

  /** All containers in any state, also those that nobody made through us. */
  async list(): Promise<ListedContainer[]> {
    const found = await this.call("list containers", askLimitMs, (abortSignal) => this.docker.listContainers({ all: true, abortSignal }))
    return understood("list containers", found, (all) => all.map(parseListed))
  }

  /** Gives a stopped or running container another name. */
  async rename(id: string, name: string): Promise<void> {
    await this.call(`rename container ${short(id)}`, changeLimitMs, (abortSignal) =>
      this.docker.getContainer(id).rename({ name, abortSignal }),
    )
  }

  /** A named volume whose contents stand in `folder` of the host; does nothing where the engine has it. */
  async makeVolume(name: string, folder: string, labels: Record<string, string>): Promise<void> {
    const DriverOpts = { type: "none", o: "bind", device: folder }
    await this.call(`create volume ${name}`, changeLimitMs, (abortSignal) =>
      this.docker.createVolume({ Name: name, Driver: "local", DriverOpts, Labels: labels, abortSignal }),
    )
  }

  /** Forgets the volume and leaves its folder; does nothing when it is gone. Throws EngineFault while a container holds it. */
  async removeVolume(name: string): Promise<void> {
    await this.change(`remove volume ${name}`, changeLimitMs, (abortSignal) => this.docker.getVolume(name).remove({ abortSignal })).catch(
      unlessGone,
    )
  }

  /** What a running container has used; undefined when it does not run, or is gone. */
  async usage(id: string): Promise<Usage | undefined> {
    const what = `measure container ${short(id)}`
    const answer = await this.call<unknown>(what, askLimitMs, (abortSignal) =>
      this.docker.getContainer(id).stats({ stream: false, "one-shot": true, abortSignal } as { stream: false }),
    ).catch((error: unknown) => {
      // Podman answers 409 for a container that does not run.
      if (error instanceof EngineFault && (error.status === 404 || error.status === 409)) return undefined
      throw error
    })
    return parseUsage(answer)
  }

  /**
   * A container's output as it was written, each line with its time (RFC 3339) before it. `signal` ends it; nothing is read ahead of the reader. Throws
   * EngineFault when there is no such container.
   */
  async logs(
    container: Pick<EngineContainer, "id" | "hasTerminal">,
    query: LogQuery,
    signal: AbortSignal,
  ): Promise<AsyncIterable<Uint8Array>> {
    const what = `read the output of container ${short(container.id)}`
    const { tail, since, follow } = query
    // Seconds with a fraction, which both engines understand.
    const from = since === undefined ? "" : `&since=${since / 1000}`
    const path = `/containers/${container.id}/logs?stdout=1&stderr=1&timestamps=1&tail=${tail}&follow=${follow ? 1 : 0}${from}`
    // Podman sends not even the head of its answer before the first line comes, which may be never.
    const read = () => openOutput(this.socketPath, what, path, signal)
    const bytes = follow ? bodyOf(read) : bodyOf(await this.call(what, askLimitMs, read))
    return container.hasTerminal ? bytes : unframed(bytes)
  }

  async images(): Promise<EngineImage[]> {
    const found = await this.call("list images", askLimitMs, (abortSignal) => this.docker.listImages({ abortSignal }))
    return understood("list images", found, (all) =>
      all.map((image) => ({ id: nameIn(image.Id), names: image.RepoTags ?? [], sizeBytes: image.Size })),
    )
  }

  /** Whether the engine has the image, under the name as a create would look for it. */
  async hasImage(reference: string): Promise<boolean> {
    const found = await this.call(`inspect image ${reference}`, askLimitMs, () => this.docker.getImage(reference).inspect()).catch(
      unlessGone,
    )
    return found !== undefined
  }

  /**
   * Fetches an image from its registry; throws EngineFault with the registry's words. `signal` gives up early; `onProgress` is told the part that has
   * come, from 0 to 1, of the layers that are known so far.
   */
  async pull(
    reference: string,
    signal?: AbortSignal,
    options: { login?: RegistryLogin; onProgress?: (part: number) => void } = {},
  ): Promise<void> {
    const what = `pull image ${reference}`
    const { login, onProgress } = options
    const authconfig = login && { username: login.username, password: login.password, serveraddress: login.registry }
    const failure = await this.call(what, pullLimitMs, async (limit) => {
      const abortSignal = signal === undefined ? limit : AbortSignal.any([limit, signal])
      const progress = await this.docker.pull(withTag(reference), { abortSignal, ...(authconfig === undefined ? {} : { authconfig }) })
      const given = Promise.withResolvers<never>()
      abortSignal.addEventListener("abort", () => given.reject(engineGone(what, "given up")), { once: true })
      return Promise.race([readPull(this.docker, progress, onProgress), given.promise])
    })
    if (failure !== undefined) throw new EngineFault(`${what}: ${failure}`, undefined)
  }

  /**
   * Calls `onEvent` for whatever happens to containers, and `onEnd` once, when the engine ends the stream. Resolves when the engine listens
   * to us, so that nothing later is missed; the answer ends it without `onEnd`.
   */
  async events(onEvent: (event: EngineEvent) => void, onEnd: () => void): Promise<() => void> {
    const abort = new AbortController()
    // No filter by label: Podman 4.3 sends nothing at all when it names a key without a value.
    const stream = await this.call("follow events", askLimitMs, () =>
      this.docker.getEvents({ filters: { type: ["container"] }, abortSignal: abort.signal }),
    ).catch((error) => {
      abort.abort()
      throw error
    })
    return readEvents(stream, abort, onEvent, onEnd)
  }

  /** A change that the engine answers with 304 was none. */
  private async change(what: string, limitMs: number, work: (signal: AbortSignal) => Promise<unknown>): Promise<void> {
    try {
      await this.call(what, limitMs, work)
    } catch (error) {
      if (!(error instanceof EngineFault && error.status === 304)) throw error
    }
  }

  private async call<T>(what: string, limitMs: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const abort = new AbortController()
    let timer: Timer | undefined
    const limit = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(engineGone(what, `no answer in ${limitMs / 1000} seconds`))
        abort.abort()
      }, limitMs)
    })
    try {
      return await Promise.race([work(abort.signal), limit])
    } catch (error) {
      throw explainFault(what, error)
    } finally {
      clearTimeout(timer)
    }
  }
}

type EngineVersion = { Version?: string; Platform?: { Name?: string }; Components?: { Name?: string; Version?: string }[] }

const short = (id: string) => id.slice(0, 12)

/** Without a tag the engine would fetch every tag that the registry has. */
function withTag(reference: string): string {
  const name = reference.slice(reference.lastIndexOf("/") + 1)
  return /[:@]/.test(name) ? reference : `${reference}:latest`
}

function unlessGone(error: unknown): undefined {
  if (error instanceof EngineFault && error.status === 404) return undefined
  throw error
}
