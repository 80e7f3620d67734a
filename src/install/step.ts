/** One thing that an installation has. Steps are run in order; a step that is done already is left alone. */
export type Step = {
  /** What is there afterwards, such as `the user freehold`. */
  what: string
  /** How a person takes this one thing back. */
  undo: string
  isDone(): boolean
  apply(): void
}

/** What became of each step. */
export type Outcome = { what: string; undo: string; changed: boolean }

/** Runs what is not done; with `isDry` it only says what that is. Throws what a step throws, after `said` heard of those before it. */
export function runSteps(steps: readonly Step[], isDry: boolean, said: (outcome: Outcome) => void): Outcome[] {
  return steps.map((step) => {
    const changed = !step.isDone()
    if (changed && !isDry) step.apply()
    const outcome = { what: step.what, undo: step.undo, changed }
    said(outcome)
    return outcome
  })
}
