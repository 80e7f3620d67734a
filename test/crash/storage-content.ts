/** Bytes of object contents, made anew from a number wherever they are needed; a few hundred, so that some objects have the same ones and many have not. */
const kinds = 400
const small = [0, 1, 100, 1000, 4095, 4096, 4097, 20_000, 70_000, 200_000]
const sizes = [...small, ...small, 1024 * 1024, 1024 * 1024 + 1, 3 * 1024 * 1024]

export const someSeed = (random: () => number): number => Math.floor(random() * kinds)

const made = new Map<number, Buffer>()

export function contentOf(seed: number): Buffer {
  const known = made.get(seed)
  if (known !== undefined) return known
  const size = sizes[seed % sizes.length] ?? 0
  const words = new Uint32Array(Math.ceil(size / 4))
  const next = xorshift(seed * 2_654_435_761 + 1)
  for (let i = 0; i < words.length; i++) words[i] = next()
  const bytes = Buffer.from(words.buffer, 0, size)
  made.set(seed, bytes)
  return bytes
}

/** From 0 to 1, the same for the same seed. */
export function randomOf(seed: number): () => number {
  const next = xorshift(seed * 747_796_405 + 2_891_336_453)
  for (let i = 0; i < 8; i++) next()
  return () => next() / 2 ** 32
}

function xorshift(seed: number): () => number {
  let state = seed >>> 0 || 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>>= 0)
  }
}
