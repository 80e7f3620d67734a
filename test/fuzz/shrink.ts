/** The shortest bytes found, in at most `attempts` runs, for which `fails` still says yes: whole stretches are left out first, single bytes last. */
export async function shrink(bytes: Buffer, fails: (bytes: Buffer) => Promise<boolean>, attempts: number): Promise<Buffer> {
  let best = bytes
  let left = attempts
  for (let size = Math.ceil(best.length / 2); size >= 1 && left > 0; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < best.length && left > 0;) {
      const shorter = Buffer.concat([best.subarray(0, at), best.subarray(at + size)])
      left--
      if (shorter.length > 0 && (await fails(shorter))) best = shorter
      else at += size
    }
  }
  return best
}
