const NAMED: Record<string, number> = { r: 13, n: 10, t: 9, "\\": 92 }
const RUN = 64

/** Bytes as lines of printable ASCII, one a line feed, which `parseBytes` reads back: `\r \n \t \\ \xHH`, and `\{a*70}` for seventy of `a`. */
export function printBytes(bytes: Buffer): string {
  let out = ""
  for (let i = 0; i < bytes.length;) {
    const byte = bytes[i]!
    let end = i + 1
    while (end < bytes.length && bytes[end] === byte) end++
    const atStart = out === "" || out.endsWith("\n")
    if (end - i >= RUN) {
      out += `\\{${printByte(byte, true)}*${end - i}}`
      i = end
      continue
    }
    // A blank at either end of a line would be lost, and three characters begin other kinds of lines.
    const atEnd = i + 1 === bytes.length
    out += printByte(byte, (byte === 32 && (atStart || atEnd)) || (atStart && (byte === 35 || byte === 61 || byte === 64)))
    if (byte === 10 && !atEnd) out += "\n"
    i++
  }
  return out
}

function printByte(byte: number, special: boolean): string {
  if (byte === 13) return "\\r"
  if (byte === 10) return "\\n"
  if (byte === 9) return "\\t"
  if (byte === 92) return "\\\\"
  if (byte < 32 || byte > 126 || (special && !/[a-zA-Z0-9]/.test(String.fromCharCode(byte))))
    return `\\x${byte.toString(16).padStart(2, "0")}`
  return String.fromCharCode(byte)
}

/** The bytes of escaped lines; the line ends of the text itself stand for nothing. Throws on an escape it does not know. */
export function parseBytes(text: string): Buffer {
  const plain = text
    .split("\n")
    .map((line) => line.trim())
    .join("")
    .replace(/[^\x20-\x7e]/g, (char) => {
      throw new Error(`the character ${JSON.stringify(char)} must be escaped`)
    })
    .replace(
      /\\\{((?:\\x..|\\.|[^\\}])+?)\*(\d+)\}|\\x([0-9a-f]{2})|\\(.)/g,
      (all, run: string, times: string, hex: string, name: string) => {
        if (run !== undefined) return parseBytes(run).toString("latin1").repeat(Number(times))
        const code = hex === undefined ? NAMED[name] : parseInt(hex, 16)
        if (code === undefined) throw new Error(`unknown escape ${all}`)
        return String.fromCharCode(code)
      },
    )
  return Buffer.from(plain, "latin1")
}
