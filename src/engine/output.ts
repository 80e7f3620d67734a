import { EngineFault } from "./faults"

/** Asks for a container's output; not by the library, which gathers everything in memory where it does not follow. Throws EngineFault. */
export async function openOutput(socketPath: string, what: string, path: string, signal: AbortSignal): Promise<Response> {
  const options: BunFetchRequestInit = { unix: socketPath, signal, timeout: false }
  const answer = await fetch(`http://engine${path}`, options)
  if (!answer.ok) throw new EngineFault(`${what}: ${await answer.text()}`, answer.status)
  return answer
}

/** The bytes of an answer, or of one that is asked for when the first are wanted. */
export async function* bodyOf(source: Response | (() => Promise<Response>)): AsyncIterable<Uint8Array> {
  const { body } = source instanceof Response ? source : await source()
  if (body !== null) yield* body
}
