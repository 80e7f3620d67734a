/** What was started, to be ended in the reverse order; a benchmark that is interrupted leaves no process and no folder behind. */
export class Undo {
  private steps: (() => unknown)[] = []

  /** Notes how to end something and hands it back. */
  keep<T extends { stop(): unknown }>(started: T): T {
    this.steps.push(() => started.stop())
    return started
  }

  add(step: () => unknown): void {
    this.steps.push(step)
  }

  /** Ends everything noted so far; a step that fails is told and does not keep the others from their turn. */
  async run(): Promise<void> {
    for (const step of this.steps.splice(0).reverse()) {
      try {
        await step()
      } catch (error) {
        console.error(`could not clean up: ${String(error)}`)
      }
    }
  }

  /** SIGINT, SIGTERM and SIGHUP end everything and then this process, with the exit code a shell expects of them. */
  onSignals(): void {
    const codes = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const
    for (const [name, code] of Object.entries(codes)) {
      process.once(name, () => void this.run().finally(() => process.exit(code)))
    }
  }
}
