/** Repeatable numbers: the same seed and index give the same sequence on every machine. */
export class Random {
  private state: number

  constructor(seed: number, index = 0) {
    // Neighbouring seeds and indexes must not begin alike, so both are stirred before the first number is drawn.
    this.state = stir(stir(seed >>> 0) ^ Math.imul(index + 1, 0x9e3779b1)) || 1
  }

  /** A whole number of 0 ≤ n < `limit`. */
  below(limit: number): number {
    let x = this.state
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    this.state = x >>> 0
    return Math.floor((this.state / 0x1_0000_0000) * limit)
  }

  /** True once in `n` times. */
  oneIn(n: number): boolean {
    return this.below(n) === 0
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)]!
  }
}

function stir(value: number): number {
  let x = value
  x = Math.imul(x ^ (x >>> 15), 0x2c1b3c6d)
  x = Math.imul(x ^ (x >>> 12), 0x297a2d39)
  return (x ^ (x >>> 15)) >>> 0
}
