import { AppError, describeError } from "../errors"
import { EngineFault, engineGone } from "./faults"

/** What stands at a path in a container; `mode` is the Unix one with the kind of file, times are Unix seconds. */
export type ArchiveStat = { size: number; mode: number; modifiedAt: number; linkTarget: string | undefined }

const askLimitMs = 10_000
const putLimitMs = 600_000
const maxWords = 500

/** File kinds in the mode of stat(2). */
export const fileKind = { mask: 0o170000, regular: 0o100000, directory: 0o040000, link: 0o120000 }

/**
 * Files of a container, running or not, by the engine's archive calls (tar streams), as the engine's own user. Throws EngineFault where the
 * engine refuses, AppError("unavailable") where it does not answer.
 */
export class ContainerFiles {
  constructor(
    private engine: { readonly socketPath: string },
    private containerId: string,
  ) {}

  /** Undefined when there is nothing; a link is answered as such. */
  async stat(path: string): Promise<ArchiveStat | undefined> {
    const res = await this.ask("look at a file", "HEAD", path, { signal: AbortSignal.timeout(askLimitMs) })
    if (res.status === 404) return undefined
    const header = res.headers.get("x-docker-container-path-stat")
    if (!res.ok || header === null) throw new EngineFault("look at a file: the engine refused", res.status)
    return parseStat(Buffer.from(header, "base64").toString())
  }

  /** A tar stream of the file or of the folder with all that is below. Throws AppError("not_found"). `signal` ends it. */
  async read(path: string, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
    const res = await this.ask("read a file", "GET", path, { signal })
    if (res.status === 404) throw new AppError("not_found", "no such file")
    if (!res.ok || res.body === null) throw new EngineFault(`read a file: ${await words(res)}`, res.status)
    return res.body
  }

  /** Unpacks a tar file of this machine in a folder of the container. Throws AppError("not_found") when there is no such folder. */
  async write(folder: string, tarFile: string): Promise<void> {
    const init = { body: Bun.file(tarFile), headers: { "content-type": "application/x-tar" }, signal: AbortSignal.timeout(putLimitMs) }
    const res = await this.ask("write a file", "PUT", folder, init)
    const said = await words(res)
    if (res.status === 404) throw new AppError("not_found", "no such folder")
    if (!res.ok) throw new EngineFault(`write a file: ${said}`, res.status)
  }

  private async ask(what: string, method: string, path: string, init: RequestInit): Promise<Response> {
    const url = `http://engine/containers/${encodeURIComponent(this.containerId)}/archive?path=${encodeURIComponent(path)}`
    try {
      return await fetch(url, { ...init, method, unix: this.engine.socketPath })
    } catch (error) {
      throw engineGone(what, describeError(error), error)
    }
  }
}

async function words(res: Response): Promise<string> {
  return (await res.text()).slice(0, maxWords)
}

/** The engine writes modes as Go does, with kinds in the upper bits. */
function parseStat(json: string): ArchiveStat {
  const { size, mode, mtime, linkTarget } = JSON.parse(json) as Record<string, unknown>
  const given = Number(mode)
  const has = (bit: number) => Math.floor(given / 2 ** bit) % 2 === 1
  const kind = has(31) ? fileKind.directory : has(27) ? fileKind.link : fileKind.regular
  return {
    size: Number(size),
    mode: kind | (given & 0o777) | (has(23) ? 0o4000 : 0) | (has(22) ? 0o2000 : 0) | (has(20) ? 0o1000 : 0),
    modifiedAt: Math.floor((Date.parse(String(mtime)) || 0) / 1000),
    linkTarget: kind === fileKind.link && typeof linkTarget === "string" ? linkTarget : undefined,
  }
}
