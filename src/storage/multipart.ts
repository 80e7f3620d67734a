import busboy from "busboy"
import { AppError } from "../errors"

/** A file in a form, as it comes. The name is what the client says, and not to be trusted. */
export type FilePart = { filename: string | undefined; contentType: string; body: AsyncIterable<Uint8Array> }

const limits = { fieldNameSize: 256, fieldSize: 64 * 1024, fields: 1000, parts: 1000, headerPairs: 100 }

/**
 * The first part named `file` of a multipart/form-data body (RFC 7578), streamed: its bytes are asked for as they are read, and other parts are read past.
 * Nothing comes of it where the form is broken off. Throws `invalid`, as the body does.
 */
export function readFilePart(request: Request): Promise<FilePart> {
  const { promise, resolve, reject } = Promise.withResolvers<FilePart>()
  let parser: busboy.Busboy
  try {
    const headers = { "content-type": request.headers.get("content-type") ?? "" }
    parser = busboy({ headers, defParamCharset: "utf8", preservePath: true, fileHwm: 256 * 1024, limits })
  } catch {
    throw badForm()
  }
  let isFound = false
  parser.on("file", (name, stream, { filename, mimeType }) => {
    // What goes wrong with it is met by whoever reads it.
    stream.on("error", () => {})
    if (name !== "file" || isFound) return void stream.resume()
    isFound = true
    resolve({ filename, contentType: mimeType, body: bytesOf(stream) })
  })
  parser.on("field", (name) => {
    if (name === "file" && !isFound) reject(new AppError("invalid", "filename required"))
  })
  parser.on("error", () => reject(badForm()))
  parser.on("close", () => reject(new AppError("invalid", "missing file")))
  feed(request, parser).catch(() => {})
  return promise
}

async function feed(request: Request, parser: busboy.Busboy): Promise<void> {
  try {
    for await (const chunk of request.body ?? []) {
      if (parser.destroyed) return
      if (parser.write(chunk)) continue
      await new Promise<void>((resolve) => {
        const go = () => {
          parser.off("drain", go).off("close", go)
          resolve()
        }
        parser.on("drain", go).on("close", go)
      })
    }
    parser.end()
  } catch (error) {
    parser.destroy(error as Error)
  }
}

async function* bytesOf(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* stream
  } catch {
    throw badForm()
  }
}

const badForm = () => new AppError("invalid", "invalid multipart upload")
