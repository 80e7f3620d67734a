import type { ContainerRow } from "../db/schema"
import type { Engine } from "../engine/engine"
import type { LogQuery } from "../engine/model"
import { AppError } from "../errors"
import { explain } from "./explain"
import type { Caller } from "./model"

export type OutputNeeds = {
  /** The row of the caller's own container; throws `not_found`. */
  own: (caller: Caller, id: string) => Promise<ContainerRow>
  engine: Engine | undefined
  /** How often it is asked whether a stream that is followed may go on. */
  recheckMs?: number
}

const maxTail = 10_000
const maxReaders = 200
const maxReadersPerPerson = 20
/** Below the time after which listeners and proxies give up a silent connection. */
const silenceMs = 45_000
const recheckMs = 10_000
const newline = 10

/**
 * What containers write: the last lines, and with `follow` those to come until the container ends or the reader leaves. Each line begins with its time; an
 * empty line only says that the stream lives. Nothing is held for a reader that does not read.
 */
export class ContainerOutput {
  private readers = new Map<string, number>()
  private aborts = new Set<AbortController>()

  constructor(private needs: OutputNeeds) {}

  /**
   * A stream that is followed ends soon after the container is the caller's no longer, and after `mayStay` throws. Throws `not_found`, `invalid` (the
   * query, or a container that has no output), `rate_limited`, `unavailable` and `bad_gateway`.
   */
  async open(
    caller: Caller,
    id: string,
    parameters: URLSearchParams,
    mayStay?: () => Promise<unknown>,
  ): Promise<ReadableStream<Uint8Array>> {
    const row = await this.needs.own(caller, id)
    const query = parseQuery(parameters)
    if (row.kind === "external") throw new AppError("invalid", "an external container has no logs here")
    if (row.engineId === null) throw new AppError("invalid", "container not running")
    const { engine } = this.needs
    if (engine === undefined) throw new AppError("unavailable", "no container engine is configured")
    const leave = this.enter(caller.personId)
    const abort = new AbortController()
    this.aborts.add(abort)
    const recheck = async () => {
      await mayStay?.()
      await this.needs.own(caller, id)
    }
    const ask = () => void recheck().catch((error) => error instanceof AppError && abort.abort())
    const timer = query.follow ? setInterval(ask, this.needs.recheckMs ?? recheckMs) : undefined
    const end = () => {
      clearInterval(timer)
      abort.abort()
      if (this.aborts.delete(abort)) leave()
    }
    try {
      const chunks = await explain("read the logs of the", async () => {
        const found = await engine.inspect(row.engineId ?? "")
        if (found === undefined) throw new AppError("invalid", "container not running")
        return engine.logs(found, query, abort.signal)
      })
      return readable(chunks, query.follow, end)
    } catch (error) {
      end()
      throw error
    }
  }

  /** Ends all streams. */
  stop(): void {
    for (const abort of this.aborts) abort.abort()
  }

  private enter(personId: string): () => void {
    const own = this.readers.get(personId) ?? 0
    if (own >= maxReadersPerPerson || this.aborts.size >= maxReaders)
      throw new AppError("rate_limited", "too many log streams are open", { retryAfterSeconds: 10 })
    this.readers.set(personId, own + 1)
    return () => {
      const left = (this.readers.get(personId) ?? 1) - 1
      if (left === 0) this.readers.delete(personId)
      else this.readers.set(personId, left)
    }
  }
}

function parseQuery(parameters: URLSearchParams): LogQuery {
  const [tail, follow, since] = ["tail", "follow", "since"].map((name) => parameters.get(name) ?? "")
  if (tail !== "" && (!/^\d{1,5}$/.test(tail!) || Number(tail) > maxTail))
    throw new AppError("invalid", `tail must be a whole number from 0 to ${maxTail}`)
  if (!["", "0", "1", "true", "false"].includes(follow!)) throw new AppError("invalid", "follow must be true or false")
  const from = /^\d{1,15}$/.test(since!) ? Number(since) : Date.parse(since!)
  if (since !== "" && !(from >= 0)) throw new AppError("invalid", "since must be an ISO 8601 time or Unix milliseconds")
  return {
    tail: tail === "" ? 100 : Number(tail),
    follow: follow === "1" || follow === "true",
    ...(since === "" ? {} : { since: from }),
  }
}

function readable(chunks: AsyncIterable<Uint8Array>, keepAlive: boolean, end: () => void): ReadableStream<Uint8Array> {
  const iterator = chunks[Symbol.asyncIterator]()
  let next: Promise<IteratorResult<Uint8Array>> | undefined
  let isLineStart = true
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        // So that the head of the answer leaves before the first line comes.
        if (keepAlive) controller.enqueue(Uint8Array.of(newline))
      },
      async pull(controller) {
        for (;;) {
          next ??= iterator.next()
          next.catch(() => undefined)
          let timer: Timer | undefined
          const silence = new Promise<"silence">((resolve) => {
            if (keepAlive) timer = setTimeout(resolve, silenceMs, "silence")
          })
          try {
            const result = await Promise.race([next, silence]).finally(() => clearTimeout(timer))
            if (result === "silence") {
              if (!isLineStart) continue
              return controller.enqueue(Uint8Array.of(newline))
            }
            next = undefined
            if (result.done === true) {
              end()
              return controller.close()
            }
            if (result.value.length === 0) continue
            isLineStart = result.value.at(-1) === newline
            return controller.enqueue(result.value)
          } catch {
            // The engine left, or we end it: what came until then is all there is.
            end()
            return controller.close()
          }
        }
      },
      cancel: end,
    },
    { highWaterMark: 1 },
  )
}
