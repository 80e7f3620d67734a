/**
 * The Huffman code of HPACK (RFC 7541 section 5.2 and appendix B). The code is canonical: within one length the codes rise with the
 * byte they stand for, and each length goes on where the shorter one ended. So the lengths alone say all of it.
 */

/** Bits of the code of each byte 0–255, and of EOS at 256. */
const LENGTHS = Uint8Array.from([
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28, 6, 10, 10,
  12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
  7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, 15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7,
  7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22,
  23, 23, 24, 22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22,
  23, 26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27, 20,
  24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, 30,
])
const EOS = 256
const LONGEST = 30
const CODES = canonicalCodes()

function canonicalCodes(): Uint32Array {
  const codes = new Uint32Array(EOS + 1)
  let code = 0
  for (let length = 1; length <= LONGEST; length++, code *= 2) {
    for (let symbol = 0; symbol <= EOS; symbol++) if (LENGTHS[symbol] === length) codes[symbol] = code++
  }
  return codes
}

/** Bytes that `text` (latin1) takes in the Huffman code. */
export function huffmanBytes(text: string): number {
  let bits = 7
  for (let i = 0; i < text.length; i++) bits += LENGTHS[text.charCodeAt(i) & 255]!
  return bits >>> 3
}

/** Writes `text` (latin1) in the Huffman code at `offset` of `target`, which must have room for it, and answers the offset past it. */
export function huffmanWrite(text: string, target: Uint8Array, offset: number): number {
  let at = offset
  let pending = 0
  let bits = 0
  for (let i = 0; i < text.length; i++) {
    const byte = text.charCodeAt(i) & 255
    let code = CODES[byte]!
    let length = LENGTHS[byte]!
    if (length > 24) {
      // Up to 7 bits are pending, and 32 is all that the operators have.
      const head = length - 16
      pending = (pending << head) | (code >>> 16)
      for (bits += head; bits >= 8;) target[at++] = pending >>> (bits -= 8)
      code &= 0xffff
      length = 16
    }
    pending = (pending << length) | code
    for (bits += length; bits >= 8;) target[at++] = pending >>> (bits -= 8)
  }
  if (bits > 0) target[at++] = (pending << (8 - bits)) | (255 >>> bits)
  return at
}

/**
 * The decoder is a state machine that eats a byte a step. A state is an inner node of the code's tree, and each step says
 * `next state | first symbol << 8 | second symbol << 16 | symbols << 24`, or REFUSED: the shortest code has 5 bits, so that a byte ends two
 * symbols at most. 256 states × 256 bytes take 256 KiB, of which plain text touches a quarter.
 */
const REFUSED = 0xffff_ffff
const NODES = 256
const CHILDREN = codeTree()
const STEPS = byteSteps()
const MAY_END = endStates()

/** The two children of each inner node: another node, or NODES + symbol. Nodes are numbered by depth, so that the common ones lie together. */
function codeTree(): Uint16Array {
  const children = new Uint16Array(NODES * 2)
  // Node by node: which symbols lie below it.
  const below: { depth: number; symbols: number[] }[] = [{ depth: 0, symbols: Array.from(LENGTHS, (_, symbol) => symbol) }]
  for (let node = 0; node < below.length; node++) {
    const { depth, symbols } = below[node]!
    for (const bit of [0, 1]) {
      const side = symbols.filter((symbol) => ((CODES[symbol]! >>> (LENGTHS[symbol]! - depth - 1)) & 1) === bit)
      const isLeaf = side.length === 1 && LENGTHS[side[0]!] === depth + 1
      children[node * 2 + bit] = isLeaf ? NODES + side[0]! : below.push({ depth: depth + 1, symbols: side }) - 1
    }
  }
  return children
}

/** Two half bytes make a byte, which is an eighth of the work of going bit by bit: this runs when the process starts. */
function byteSteps(): Uint32Array {
  const halves = new Uint32Array(NODES * 16)
  for (let i = 0; i < halves.length; i++) halves[i] = halfStep(i >>> 4, i & 15)
  const steps = new Uint32Array(NODES * 256)
  for (let i = 0; i < steps.length; i++) {
    const first = halves[i >>> 4]!
    const second = first === REFUSED ? REFUSED : halves[((first & 255) << 4) | (i & 15)]!
    if (second === REFUSED) steps[i] = REFUSED
    else
      steps[i] = first >>> 24 === 0 ? second : (second & 255) | (first & 0xff00) | ((second & 0xff00) << 8) | (((second >>> 24) + 1) << 24)
  }
  return steps
}

/** A step of four bits, in which one symbol may end. */
function halfStep(state: number, half: number): number {
  let node = state
  let symbol = 0
  for (let mask = 8; mask > 0; mask >>>= 1) {
    node = CHILDREN[node * 2 + ((half & mask) === 0 ? 0 : 1)]!
    if (node === NODES + EOS) return REFUSED
    if (node < NODES) continue
    symbol = (1 << 24) | ((node - NODES) << 8)
    node = 0
  }
  return node | symbol
}

/** Where a string may end: between symbols, or up to 7 bits into EOS, which is all ones. */
function endStates(): Uint8Array {
  const may = new Uint8Array(NODES)
  let node = 0
  for (let depth = 0; depth <= 7; depth++) {
    may[node] = 1
    node = CHILDREN[node * 2 + 1]!
  }
  return may
}

/** Bytes that `target` needs for whatever `bytes` of Huffman code can decode to. */
export const huffmanRoom = (bytes: number) => Math.floor((bytes * 8) / 5) + 2

/**
 * Decodes `source` from `start` to `end` into `target`, which has `huffmanRoom`, and answers how many bytes came out; -1 for a code that is
 * not allowed: EOS within the text, or padding that is longer than 7 bits or not all ones.
 */
export function huffmanDecode(source: Uint8Array, start: number, end: number, target: Uint8Array): number {
  let state = 0
  let length = 0
  for (let at = start; at < end; at++) {
    const step = STEPS[(state << 8) | source[at]!]!
    if (step === REFUSED) return -1
    target[length] = step >>> 8
    target[length + 1] = step >>> 16
    length += step >>> 24
    state = step & 255
  }
  return MAY_END[state] === 1 ? length : -1
}
