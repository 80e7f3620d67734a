const windowMs = 6000

/** How fast bytes went lately. */
export class Speed {
  private marks: { at: number; bytes: number }[] = []

  /** Notes how many have gone in all; answers bytes a second over the last moments, 0 while that is not known. */
  note(bytes: number, now = performance.now()): number {
    this.marks = [...this.marks.filter(({ at }) => now - at < windowMs), { at: now, bytes }]
    const first = this.marks[0]
    const elapsedMs = first === undefined ? 0 : now - first.at
    return first === undefined || elapsedMs < 500 ? 0 : Math.max(0, ((bytes - first.bytes) / elapsedMs) * 1000)
  }
}
