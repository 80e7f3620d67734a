/** The order of S3 and of the store: that of the bytes of UTF-8, which is that of code points. */
export const compareKeys = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))

/** The least text that is behind everything that begins with this; undefined where there is none. */
export function successor(text: string): string | undefined {
  const points = Array.from(text)
  for (let last = points.pop(); last !== undefined; last = points.pop()) {
    const point = last.codePointAt(0) ?? 0
    if (point < 0x10ffff) return points.join("") + String.fromCodePoint(point + 1 === 0xd800 ? 0xe000 : point + 1)
  }
  return undefined
}
