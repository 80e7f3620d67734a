import type { EngineEvent } from "./model"

const maxLineChars = 256 * 1024

/** Reads the engine's stream of JSON lines until it ends (then `onEnd`, once) or the answer is called (then not). */
export function readEvents(
  stream: NodeJS.ReadableStream,
  abort: AbortController,
  onEvent: (event: EngineEvent) => void,
  onEnd: () => void,
): () => void {
  const decoder = new TextDecoder()
  let rest = ""
  let ended = false
  const end = () => {
    if (ended) return
    ended = true
    abort.abort()
    onEnd()
  }
  stream.on("data", (chunk: Buffer) => {
    if (ended) return
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n")
    rest = lines.pop() ?? ""
    // No event is that long; an engine that sends such a line is not to be followed.
    if (rest.length > maxLineChars) return end()
    for (const event of lines.map(parseEvent)) if (event !== undefined) onEvent(event)
  })
  stream.on("end", end)
  stream.on("close", end)
  stream.on("error", end)
  return () => {
    ended = true
    abort.abort()
  }
}

function parseEvent(line: string): EngineEvent | undefined {
  let event: { Action?: string; Actor?: { ID?: string; Attributes?: Record<string, string> } } | null
  try {
    event = JSON.parse(line)
  } catch {
    return undefined
  }
  if (typeof event?.Actor?.ID !== "string") return undefined
  return { id: event.Actor.ID, action: event.Action ?? "", labels: event.Actor.Attributes ?? {} }
}
