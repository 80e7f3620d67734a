const headerBytes = 8
const maxFrameBytes = 16 * 1024 * 1024

/**
 * What stands in the frames of a container's output without a terminal: each is a stream number, three zeros, a length in 4 bytes (big endian) and the
 * bytes. Both streams come in the order in which they were written. Throws for what is no such frame.
 */
export async function* unframed(stream: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  const header = Buffer.alloc(headerBytes)
  let headerFill = 0
  let rest = 0
  for await (const chunk of stream) {
    for (let at = 0; at < chunk.length;) {
      if (rest > 0) {
        const part = chunk.subarray(at, at + rest)
        yield part
        rest -= part.length
        at += part.length
        continue
      }
      const taken = chunk.subarray(at, at + headerBytes - headerFill)
      header.set(taken, headerFill)
      headerFill += taken.length
      at += taken.length
      if (headerFill < headerBytes) break
      headerFill = 0
      rest = header.readUInt32BE(4)
      if (header[0]! > 2 || rest > maxFrameBytes) throw new Error("the engine's output is not framed as it should be")
    }
  }
}
