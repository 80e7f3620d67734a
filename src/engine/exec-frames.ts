const headerBytes = 8

/**
 * Takes the engine's stream of a command without terminal apart: frames of type (1 output, 2 errors), three zeros and a length of 32 bits, then so
 * many bytes. What has come of a frame is given on at once; nothing but a header is kept.
 */
export function readFrames(give: (bytes: Buffer, stream: "stdout" | "stderr") => void): (chunk: Buffer) => void {
  const header = Buffer.alloc(headerBytes)
  let headerLength = 0
  let left = 0
  return (chunk) => {
    let at = 0
    while (at < chunk.length) {
      if (left === 0) {
        const taken = chunk.copy(header, headerLength, at, at + headerBytes - headerLength)
        at += taken
        headerLength += taken
        if (headerLength < headerBytes) return
        headerLength = 0
        left = header.readUInt32BE(4)
        continue
      }
      const bytes = chunk.subarray(at, at + left)
      at += bytes.length
      left -= bytes.length
      give(bytes, header[0] === 2 ? "stderr" : "stdout")
    }
  }
}
