import { askStream } from "./api"

/**
 * Events of a stream whose data is JSON (HTML Standard, section 9.2). An EventSource would not say why it was refused. Throws `ApiFault`, and ends where the
 * server ends the stream.
 */
export async function* eventsOf(path: string, signal: AbortSignal): AsyncGenerator<{ event: string; data: unknown }> {
  const reader = (await askStream(path, signal)).pipeThrough(new TextDecoderStream()).getReader()
  let rest = ""
  let event = ""
  for (;;) {
    const { value, done } = await reader.read()
    if (done) return
    const lines = (rest + value).split("\n")
    rest = lines.pop() ?? ""
    for (const line of lines) {
      if (line.startsWith("event: ")) event = line.slice(7)
      if (line.startsWith("data: ")) yield { event, data: JSON.parse(line.slice(6)) as unknown }
    }
  }
}
