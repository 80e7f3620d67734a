/**
 * An answer that is shared by all who ask within `keptMs` of the moment when it was there, so that who asks often makes no more work. A question
 * that fails is answered so to those who wait for it, and asked again for the next.
 */
export class Fresh<T> {
  private answer: Promise<T> | undefined
  private until = 0

  constructor(
    private ask: () => Promise<T>,
    private keptMs: number,
    private now: () => number = () => performance.now(),
  ) {}

  read = (): Promise<T> => {
    if (this.answer !== undefined && this.now() < this.until) return this.answer
    const answer = this.ask()
    this.answer = answer
    // While it is being found, everybody waits for it.
    this.until = Infinity
    answer.then(
      () => (this.until = this.now() + this.keptMs),
      () => (this.until = 0),
    )
    return answer
  }
}
