/*
 * SFTP version 3 for containers without an sftp-server of their own, over the engine's archive calls. Requests are answered one after the other.
 *
 * What is not there: links that are made, files that are read and written through one handle, appending, times of access. Names are changed and
 * removed by the container's own `mv`, `rm` and `rmdir`. A folder is listed by reading all that is below it, up to 64 MiB. What is written is
 * there when the handle is closed, and belongs to the user who logged in.
 */
import { join, posix } from "node:path"
import { type ArchiveStat, type ContainerFiles, fileKind } from "../engine/archive"
import { AppError } from "../errors"
import type { DraftRoom } from "./drafts"
import { listFolder, type Owner, ReadHandle, WriteHandle } from "./file-handles"
import {
  type Attributes,
  attributes,
  BadPacket,
  FieldReader,
  makePacket,
  maxPacketBytes,
  number,
  openFlag,
  packet,
  statusCode,
  text,
} from "./sftp-wire"
import { type TarEntry, tarHead, tarTail } from "./tar"

export type SftpNeeds = {
  files: ContainerFiles
  /** Where relative paths begin, and whose new files are. */
  home: string
  owner: Owner
  /** For what is on its way into the container. */
  room: DraftRoom
  /** Runs a command in the container and resolves with its exit code. */
  run: (command: string[]) => Promise<number>
  now: () => number
  maxFileBytes?: number
}

type DirHandle = { entries: { name: string; entry: TarEntry }[] }
type Handle = ReadHandle | WriteHandle | DirHandle

const maxHandles = 32
const maxLinks = 8
const maxReadBytes = 64 * 1024
const maxNamesAnswered = 100
const version = 3
const standardMaxFileBytes = 4 * 1024 ** 3

/** One client of the file subsystem: a request in, its answer out. */
export class SftpServer {
  private handles = new Map<string, Handle>()
  private count = 0
  private isClosed = false

  constructor(private needs: SftpNeeds) {}

  /** The whole answer to a packet that comes without its length; throws BadPacket for one that is none. */
  async answer(bytes: Buffer): Promise<Buffer> {
    const fields = new FieldReader(bytes)
    const kind = fields.byte()
    if (kind === packet.init) return makePacket(packet.version, number(version))
    const id = fields.number()
    try {
      return await this.dispatch(kind, id, fields)
    } catch (error) {
      if (error instanceof BadPacket) throw error
      if (!(error instanceof AppError)) return status(id, statusCode.failure, "the container's engine refused")
      return status(id, error.code === "not_found" ? statusCode.noSuchFile : statusCode.failure, error.message)
    }
  }

  /** Drops what was not closed, and what a request under way still opens. */
  async close(): Promise<void> {
    this.isClosed = true
    for (const handle of this.handles.values()) {
      if (handle instanceof WriteHandle) await handle.discard()
      else if (handle instanceof ReadHandle) await handle.close()
    }
    this.handles.clear()
  }

  private async dispatch(kind: number, id: number, fields: FieldReader): Promise<Buffer> {
    switch (kind) {
      case packet.open:
        return this.open(id, this.path(fields), fields.number(), fields.attributes())
      case packet.close:
        return this.closeHandle(id, fields.text())
      case packet.read:
        return this.read(id, fields.text(), fields.long(), fields.number())
      case packet.write:
        return this.write(id, fields.text(), fields.long(), fields.bytesField())
      case packet.lstat:
        return makePacket(packet.attrs, number(id), attributes(attributesOf(await this.find(this.path(fields)))))
      case packet.stat:
        return makePacket(packet.attrs, number(id), attributes(attributesOf((await this.follow(this.path(fields))).stat)))
      case packet.fstat:
        return this.handleStat(id, fields.text())
      case packet.setstat:
        return this.setStat(id, this.path(fields), fields.attributes())
      case packet.fsetstat: {
        const handle = this.handles.get(fields.text())
        if (handle instanceof WriteHandle) handle.set(fields.attributes())
        return status(id, handle === undefined ? statusCode.failure : statusCode.ok)
      }
      case packet.opendir:
        return this.openFolder(id, this.path(fields))
      case packet.readdir:
        return this.readFolder(id, fields.text())
      case packet.remove:
        return this.command(id, ["rm", "--", this.path(fields)])
      case packet.rmdir:
        return this.command(id, ["rmdir", "--", this.path(fields)])
      case packet.rename:
        return this.command(id, ["mv", "--", this.path(fields), this.path(fields)])
      case packet.mkdir:
        return this.makeFolder(id, this.path(fields), fields.attributes())
      case packet.realpath:
        return makePacket(packet.name, number(id), number(1), ...named(this.path(fields), {}))
      case packet.readlink: {
        const { linkTarget } = await this.find(this.path(fields))
        if (linkTarget === undefined) return status(id, statusCode.failure, "not a link")
        return makePacket(packet.name, number(id), number(1), ...named(linkTarget, {}))
      }
      default:
        return status(id, statusCode.unsupported, "not offered for this container")
    }
  }

  /** Absolute, without `.` and `..`. */
  private path(fields: FieldReader): string {
    const given = fields.text()
    if (given.includes("\0")) throw new AppError("not_found", "no such file")
    return posix.resolve(this.needs.home, given)
  }

  private async find(path: string): Promise<ArchiveStat> {
    const found = await this.needs.files.stat(path)
    if (found === undefined) throw new AppError("not_found", "no such file")
    return found
  }

  /** What is at the end of a path's links. */
  private async follow(path: string): Promise<{ path: string; stat: ArchiveStat }> {
    for (let links = 0; links < maxLinks; links++) {
      const stat = await this.find(path)
      if (stat.linkTarget === undefined) return { path, stat }
      path = posix.resolve(posix.dirname(path), stat.linkTarget)
    }
    throw new AppError("not_found", "too many links")
  }

  private async open(id: number, path: string, flags: number, given: Attributes): Promise<Buffer> {
    const isWrite = (flags & openFlag.write) !== 0
    if (isWrite && (flags & (openFlag.read | openFlag.append)) !== 0)
      return status(id, statusCode.unsupported, "a file is either read or written whole")
    const found = await this.follow(path).catch((error: unknown) => {
      if (isWrite && error instanceof AppError && error.code === "not_found") return undefined
      throw error
    })
    if (found !== undefined && (found.stat.mode & fileKind.mask) !== fileKind.regular)
      return status(id, statusCode.failure, "not a regular file")
    if (!isWrite) return this.keep(id, new ReadHandle(this.needs.files, found?.path ?? path))
    if (found === undefined && (flags & openFlag.create) === 0) return status(id, statusCode.noSuchFile, "no such file")
    if (found !== undefined && (flags & openFlag.exclusive) !== 0) return status(id, statusCode.failure, "the file is there already")
    // Without it the file would keep what it has behind the part that is written.
    if (found !== undefined && found.stat.size > 0 && (flags & openFlag.truncate) === 0)
      return status(id, statusCode.unsupported, "a file is either read or written whole")
    await this.requireFolder(posix.dirname(found?.path ?? path))
    const { room, owner, maxFileBytes = standardMaxFileBytes } = this.needs
    const attributes = { mode: found === undefined ? given.mode : found.stat.mode }
    return this.keep(id, await WriteHandle.open(found?.path ?? path, room, attributes, owner, maxFileBytes))
  }

  private async requireFolder(path: string): Promise<void> {
    const { stat } = await this.follow(path)
    if ((stat.mode & fileKind.mask) !== fileKind.directory) throw new AppError("not_found", "no such folder")
  }

  private async keep(id: number, handle: Handle): Promise<Buffer> {
    if (this.isClosed || this.handles.size >= maxHandles) {
      if (handle instanceof WriteHandle) await handle.discard()
      return status(id, statusCode.failure, "too many open files")
    }
    const name = String(++this.count)
    this.handles.set(name, handle)
    return makePacket(packet.handle, number(id), text(name))
  }

  private async closeHandle(id: number, name: string): Promise<Buffer> {
    const handle = this.handles.get(name)
    this.handles.delete(name)
    if (handle instanceof WriteHandle) await handle.commit(this.needs.files, this.needs.now())
    else if (handle instanceof ReadHandle) await handle.close()
    return status(id, handle === undefined ? statusCode.failure : statusCode.ok)
  }

  private async read(id: number, name: string, offset: number, length: number): Promise<Buffer> {
    const handle = this.handles.get(name)
    if (!(handle instanceof ReadHandle)) return status(id, statusCode.failure, "not open for reading")
    const bytes = await handle.read(offset, Math.min(length, maxReadBytes, maxPacketBytes))
    return bytes.length === 0 ? status(id, statusCode.eof) : makePacket(packet.data, number(id), text(bytes))
  }

  private async write(id: number, name: string, offset: number, bytes: Buffer): Promise<Buffer> {
    const handle = this.handles.get(name)
    if (!(handle instanceof WriteHandle)) return status(id, statusCode.failure, "not open for writing")
    await handle.write(offset, bytes)
    return status(id, statusCode.ok)
  }

  private async handleStat(id: number, name: string): Promise<Buffer> {
    const handle = this.handles.get(name)
    if (handle instanceof WriteHandle) return makePacket(packet.attrs, number(id), attributes({ size: handle.size }))
    if (!(handle instanceof ReadHandle)) return status(id, statusCode.failure, "not an open file")
    return makePacket(packet.attrs, number(id), attributes(attributesOf(await this.find(handle.path))))
  }

  private async setStat(id: number, path: string, given: Attributes): Promise<Buffer> {
    await this.find(path)
    if (given.size !== undefined || given.uid !== undefined) return status(id, statusCode.unsupported, "not offered for this container")
    if (given.mode === undefined) return status(id, statusCode.ok)
    return this.command(id, ["chmod", "--", (given.mode & 0o7777).toString(8), path])
  }

  private async openFolder(id: number, path: string): Promise<Buffer> {
    const found = await this.follow(path)
    if ((found.stat.mode & fileKind.mask) !== fileKind.directory) return status(id, statusCode.failure, "not a folder")
    return this.keep(id, { entries: await listFolder(this.needs.files, found.path) })
  }

  private readFolder(id: number, name: string): Buffer {
    const handle = this.handles.get(name)
    if (handle === undefined || !("entries" in handle)) return status(id, statusCode.failure, "not an open folder")
    const some = handle.entries.splice(0, maxNamesAnswered)
    if (some.length === 0) return status(id, statusCode.eof)
    return makePacket(packet.name, number(id), number(some.length), ...some.flatMap((one) => named(one.name, one.entry)))
  }

  private async makeFolder(id: number, path: string, given: Attributes): Promise<Buffer> {
    if ((await this.needs.files.stat(path)) !== undefined) return status(id, statusCode.failure, "it is there already")
    await this.requireFolder(posix.dirname(path))
    const mode = fileKind.directory | ((given.mode ?? 0o755) & 0o7777)
    const modifiedAt = Math.floor(this.needs.now() / 1000)
    const draft = join(this.needs.room.folder, crypto.randomUUID())
    const head = tarHead({ name: posix.basename(path), size: 0, mode, modifiedAt, ...this.needs.owner })
    try {
      await Bun.write(draft, Buffer.concat([head, tarTail(0)]))
      await this.needs.files.write(posix.dirname(path), draft)
    } finally {
      await Bun.file(draft).delete()
    }
    return status(id, statusCode.ok)
  }

  private async command(id: number, words: string[]): Promise<Buffer> {
    const code = await this.needs.run(["/bin/sh", "-c", 'exec "$@"', "sh", ...words])
    return code === 0 ? status(id, statusCode.ok) : status(id, statusCode.failure, `${words[0]} failed`)
  }
}

const attributesOf = ({ size, mode, modifiedAt }: ArchiveStat): Attributes => ({ size, mode, modifiedAt })

/** A name, a line as `ls -l` has it, and the attributes. */
function named(name: string, given: Attributes): Buffer[] {
  const { size, mode, modifiedAt, uid, gid } = given
  const kind = ((mode ?? 0) & fileKind.mask) === fileKind.directory ? "d" : ((mode ?? 0) & fileKind.mask) === fileKind.link ? "l" : "-"
  const rights = [..."rwxrwxrwx"].map((letter, index) => ((((mode ?? 0) >> (8 - index)) & 1) === 1 ? letter : "-")).join("")
  const date = new Date((modifiedAt ?? 0) * 1000).toISOString().slice(0, 16).replace("T", " ")
  const line = size === undefined ? name : `${kind}${rights} 1 ${uid ?? 0} ${gid ?? 0} ${size} ${date} ${name}`
  return [text(name), text(line), attributes(given)]
}

function status(id: number, code: number, message = code === statusCode.ok ? "" : "failed"): Buffer {
  return makePacket(packet.status, number(id), number(code), text(message), text("en"))
}
