/** Packets of SFTP version 3 (draft-ietf-secsh-filexfer-02), which is what OpenSSH's `scp` and `sftp` speak. */
export const packet = {
  init: 1,
  version: 2,
  open: 3,
  close: 4,
  read: 5,
  write: 6,
  lstat: 7,
  fstat: 8,
  setstat: 9,
  fsetstat: 10,
  opendir: 11,
  readdir: 12,
  remove: 13,
  mkdir: 14,
  rmdir: 15,
  realpath: 16,
  stat: 17,
  rename: 18,
  readlink: 19,
  status: 101,
  handle: 102,
  data: 103,
  name: 104,
  attrs: 105,
} as const

export const statusCode = { ok: 0, eof: 1, noSuchFile: 2, denied: 3, failure: 4, badMessage: 5, unsupported: 8 } as const

export const openFlag = { read: 1, write: 2, append: 4, create: 8, truncate: 16, exclusive: 32 } as const

/** Attributes of a file; only what is known is there. Times are Unix seconds. */
export type Attributes = { size?: number; uid?: number; gid?: number; mode?: number; modifiedAt?: number }

const has = { size: 1, owner: 2, mode: 4, times: 8, extended: 0x80000000 }
export const maxPacketBytes = 256 * 1024

/** A request that is not one; the connection cannot go on, since nobody knows where the next begins. */
export class BadPacket extends Error {}

/** Cuts a stream into packets, each without its length. Throws BadPacket for one that is too long. */
export class PacketReader {
  private bytes: Buffer = Buffer.alloc(0)

  push(chunk: Buffer): Buffer[] {
    this.bytes = this.bytes.length === 0 ? chunk : Buffer.concat([this.bytes, chunk])
    const packets: Buffer[] = []
    while (this.bytes.length >= 4) {
      const length = this.bytes.readUInt32BE()
      if (length === 0 || length > maxPacketBytes) throw new BadPacket(`a packet of ${length} bytes`)
      if (this.bytes.length < 4 + length) break
      packets.push(this.bytes.subarray(4, 4 + length))
      this.bytes = this.bytes.subarray(4 + length)
    }
    return packets
  }
}

/** Reads the fields of a request in their order; throws BadPacket at its end. */
export class FieldReader {
  private at = 0

  constructor(private bytes: Buffer) {}

  byte(): number {
    return this.take(1)[0] ?? 0
  }

  number(): number {
    return this.take(4).readUInt32BE()
  }

  /** An offset; past 2^53 no file of ours goes. */
  long(): number {
    const value = this.take(8).readBigUInt64BE()
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new BadPacket("an offset that is too large")
    return Number(value)
  }

  bytesField(): Buffer {
    return this.take(this.number())
  }

  text(): string {
    return this.bytesField().toString()
  }

  attributes(): Attributes {
    const flags = this.number()
    const found: Attributes = {}
    if ((flags & has.size) !== 0) found.size = this.long()
    if ((flags & has.owner) !== 0) [found.uid, found.gid] = [this.number(), this.number()]
    if ((flags & has.mode) !== 0) found.mode = this.number()
    if ((flags & has.times) !== 0) found.modifiedAt = [this.number(), this.number()][1] ?? 0
    return found
  }

  private take(length: number): Buffer {
    const end = this.at + length
    if (end > this.bytes.length) throw new BadPacket("a packet that ends early")
    const field = this.bytes.subarray(this.at, end)
    this.at = end
    return field
  }
}

/** An answer of one kind with its fields, as it goes out. */
export function makePacket(kind: number, ...fields: Buffer[]): Buffer {
  const body = Buffer.concat([Buffer.from([kind]), ...fields])
  return Buffer.concat([number(body.length), body])
}

export function number(value: number): Buffer {
  const field = Buffer.alloc(4)
  field.writeUInt32BE(value >>> 0)
  return field
}

export function text(value: string | Uint8Array): Buffer {
  const bytes = Buffer.from(value)
  return Buffer.concat([number(bytes.length), bytes])
}

export function attributes({ size, uid, gid, mode, modifiedAt }: Attributes): Buffer {
  const parts: Buffer[] = []
  let flags = 0
  if (size !== undefined) {
    flags |= has.size
    const field = Buffer.alloc(8)
    field.writeBigUInt64BE(BigInt(size))
    parts.push(field)
  }
  if (uid !== undefined && gid !== undefined) {
    flags |= has.owner
    parts.push(number(uid), number(gid))
  }
  if (mode !== undefined) {
    flags |= has.mode
    parts.push(number(mode))
  }
  if (modifiedAt !== undefined) {
    flags |= has.times
    parts.push(number(modifiedAt), number(modifiedAt))
  }
  return Buffer.concat([number(flags), ...parts])
}
