import { open, rename, rm, stat } from "node:fs/promises"
import { UsageError } from "./arguments"
import { type ApiClient, ApiError } from "./client"
import { printable } from "./output"

/** What is told while bytes move; called at most a few times a second, and at the end. */
export type Progress = (done: number, total: number | undefined) => void

/** Sends a file, whole. Throws UsageError for what is not a file that can be read, ApiError for what the server says. */
export async function sendFile(api: ApiClient, file: string, path: string): Promise<unknown> {
  const found = await stat(file).catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`${file} cannot be read (${error.code ?? "unknown error"})`)
  })
  if (!found.isFile()) throw new UsageError(`${file} is not a file`)
  const type = Bun.file(file).type
  return api.upload("PUT", path, Bun.file(file), { "content-type": type === "" ? "application/octet-stream" : type })
}

/**
 * Fetches into a file, which is there when it is whole. What had come of a fetch that broke off is kept beside it, as `<file>.part`, and gone on with
 * where the object is still the same (RFC 9110 section 13.1.5).
 */
export async function fetchFile(api: ApiClient, path: string, file: string, progress: Progress): Promise<number> {
  const [part, tag] = [`${file}.part`, `${file}.part-etag`]
  const etag = await Bun.file(tag)
    .text()
    .catch(() => "")
  const had = etag === "" ? 0 : ((await stat(part).catch(() => undefined))?.size ?? 0)
  const res = await api.download(path, had === 0 ? {} : { range: `bytes=${had}-`, "if-range": etag })
  const isRest = res.status === 206
  const handle = await open(part, isRest ? "a" : "w", 0o600)
  let done = isRest ? had : 0
  try {
    await Bun.write(tag, res.headers.get("etag") ?? "")
    const length = Number(res.headers.get("content-length") ?? Number.NaN)
    const total = Number.isNaN(length) ? undefined : done + length
    for await (const chunk of res.body ?? []) {
      await handle.write(chunk)
      done += chunk.byteLength
      progress(done, total)
    }
    if (total !== undefined && done !== total) throw new ApiError(0, broken(file))
    await handle.sync()
  } catch (error) {
    throw error instanceof ApiError ? error : new ApiError(0, broken(file))
  } finally {
    await handle.close()
  }
  await rename(part, file)
  await rm(tag, { force: true })
  return done
}

const broken = (file: string) => `the connection broke off; the same command goes on where it was (${printable(file)}.part)`
