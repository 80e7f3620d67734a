import mime from "mime"

const unknown = "application/octet-stream"
/** What clients send of themselves when they know nothing: browsers and curl for files, and curl for any body. */
const saysNothing = new Set(["", unknown, "binary/octet-stream", "application/x-www-form-urlencoded"])
const sniffedBytes = 4096
const form = /^[\w!#$&^.+-]{1,127}\/[\w!#$&^.+-]{1,127}\s*(;[\x20-\x7e]*)?$/

/** Finds what kind of file comes in: what the client says, else what its name says, else whether its beginning is text. */
export class TypeGuess {
  private head = new Uint8Array(0)

  constructor(
    private name: string,
    private said: string | undefined,
  ) {}

  /** To be called with the bytes as they come. */
  see(chunk: Uint8Array): void {
    if (this.head.length >= sniffedBytes) return
    this.head = Buffer.concat([this.head, chunk.subarray(0, sniffedBytes - this.head.length)])
  }

  /** The content type, once the beginning was seen. */
  get type(): string {
    const said = this.said?.trim() ?? ""
    const isPlain = /^text\/plain$/i.test(said)
    if (said.length <= 255 && form.test(said) && !saysNothing.has(said.toLowerCase()) && !isPlain) return said
    const byName = isPlain ? "text/plain" : mime.getType(this.name)
    const type = byName ?? (this.head.length > 0 && this.isText ? "text/plain" : unknown)
    // Without it a browser takes text for Windows-1252.
    return type.startsWith("text/") && this.isText ? `${type}; charset=utf-8` : type
  }

  private get isText(): boolean {
    // Controls that no text has; the last bytes may be the beginning of a character.
    if (this.head.some((byte) => byte < 9 || (byte > 13 && byte < 32 && byte !== 27) || byte === 127)) return false
    try {
      new TextDecoder("utf-8", { fatal: true }).decode(this.head, { stream: true })
      return true
    } catch {
      return false
    }
  }
}
