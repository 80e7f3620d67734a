import type { Random } from "./random"

/** Pieces that change what a parser thinks. */
const words = [
  "\r\n",
  "\n",
  "\r",
  "\0",
  " ",
  "\t",
  ":",
  ",",
  ";",
  "0",
  "\r\n\r\n",
  "chunked",
  "Content-Length: 1\r\n",
  "Transfer-Encoding: chunked\r\n",
  "\xff",
  "\x0b",
  "\x7f",
  "HTTP/1.1",
  "-",
  "+",
  "0\r\n\r\n",
  "/",
  "Host: app.test\r\n",
  "\x80",
  "_",
]

/** `bytes` with one to four random changes; `others` is what may be spliced in. */
export function mutate(random: Random, bytes: Buffer, others: readonly Buffer[]): Buffer {
  let out = bytes
  for (let n = 1 + random.below(random.oneIn(3) ? 4 : 1); n > 0; n--) out = change(random, out, others)
  return out
}

function change(random: Random, bytes: Buffer, others: readonly Buffer[]): Buffer {
  const at = random.below(bytes.length + 1)
  const end = Math.min(bytes.length, at + 1 + random.below(random.oneIn(3) ? 30 : 2))
  const splice = (middle: Buffer, until: number) => Buffer.concat([bytes.subarray(0, at), middle, bytes.subarray(until)])
  switch (random.below(8)) {
    case 0: {
      const copy = Buffer.from(bytes)
      if (at < copy.length) copy[at]! ^= 1 << random.below(8)
      return copy
    }
    case 1:
      return splice(Buffer.from([random.below(256)]), Math.min(bytes.length, at + 1))
    case 2:
      return splice(Buffer.alloc(0), end)
    case 3:
      return splice(bytes.subarray(at, end), at)
    case 4:
    case 5:
      return splice(Buffer.from(random.pick(words), "latin1"), random.oneIn(2) ? at : Math.min(bytes.length, at + 1))
    case 6: {
      const other = random.pick(others)
      return Buffer.concat([bytes.subarray(0, at), other.subarray(random.below(other.length + 1))])
    }
    default:
      return duplicateLine(random, bytes)
  }
}

function duplicateLine(random: Random, bytes: Buffer): Buffer {
  const lines = bytes.toString("latin1").split("\r\n")
  const from = random.below(lines.length)
  lines.splice(random.below(lines.length + 1), random.oneIn(3) ? 1 : 0, lines[from]!)
  return Buffer.from(lines.join("\r\n"), "latin1")
}
