type Size = { columns: number; rows: number }

/** The size of a terminal that changes quicker than an engine can be told: one call at a time, and of those that wait only the newest. */
export class Window {
  private next: Size | undefined
  private isTelling = false

  constructor(
    private exec: { resize(columns: number, rows: number): Promise<void> },
    private onFault: (error: unknown) => void,
  ) {}

  /** Returns at once. */
  resize(columns: number, rows: number): void {
    this.next = { columns, rows }
    if (!this.isTelling) void this.tell()
  }

  private async tell(): Promise<void> {
    this.isTelling = true
    try {
      for (let size = this.next; size !== undefined; size = this.next) {
        this.next = undefined
        await this.exec.resize(size.columns, size.rows)
      }
    } catch (error) {
      this.onFault(error)
    } finally {
      this.isTelling = false
    }
  }
}
