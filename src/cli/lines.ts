/** The lines of a stream of UTF-8 as they come, without their ends; a line longer than `maxChars` comes in pieces. */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>, maxChars: number): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ""
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n")
    rest = lines.pop() ?? ""
    // What never ends a line is not held for ever.
    if (rest.length > maxChars) lines.push(rest.slice(0, maxChars))
    if (rest.length > maxChars) rest = ""
    yield* lines
  }
  if (rest !== "") yield rest
}
