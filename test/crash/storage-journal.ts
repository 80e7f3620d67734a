import { closeSync, openSync, readFileSync, writeSync } from "node:fs"

/**
 * What an object says of itself, in a header field: which write it is of, and the seeds of its bytes, one a part. `3-1-17:4+9`: the seventeenth
 * write of writer 1 of the third process, of two parts.
 */
export type Mark = string

export const markField = "x-amz-meta-mark"
export const seedsOf = (mark: Mark): number[] => (mark.split(":")[1] ?? "").split("+").map(Number)

/** What a writer is about to do. */
export type Intent =
  | { do: "put"; key: string; mark: Mark }
  | { do: "delete"; key: string }
  | { do: "version"; key: string; mark: Mark }
  | { do: "marker"; key: string }
  | { do: "unversion"; key: string; versionId: string }
  | { do: "begin"; key: string; mark: Mark }
  | { do: "part"; mark: Mark; number: number; seed: number }
  | { do: "complete"; key: string; mark: Mark }
  | { do: "abort"; mark: Mark }

/** An intent, and whether and with what it was acknowledged. */
export type Step = Intent & { acknowledged: boolean; madeVersion?: string }

/** One line a step and one an acknowledgement, written in one call each: SIGKILL leaves what was written, since the kernel has it. */
export class Journal {
  private handle: number
  private count = 0

  constructor(
    file: string,
    private name: string,
  ) {
    this.handle = openSync(file, "a")
  }

  intend(intent: Intent): string {
    const id = `${this.name}.${++this.count}`
    writeSync(this.handle, `${JSON.stringify({ id, intent })}\n`)
    return id
  }

  acknowledge(id: string, madeVersion?: string): void {
    writeSync(this.handle, `${JSON.stringify({ id, madeVersion })}\n`)
  }

  close(): void {
    closeSync(this.handle)
  }
}

/** The steps in the order of their beginning. */
export function readJournal(file: string): Step[] {
  const steps = new Map<string, Step>()
  for (const line of readFileSync(file, "utf8").split("\n").slice(0, -1)) {
    const { id, intent, madeVersion } = JSON.parse(line) as { id: string; intent?: Intent; madeVersion?: string }
    const begun = steps.get(id)
    if (intent !== undefined) steps.set(id, { ...intent, acknowledged: false })
    else if (begun !== undefined) Object.assign(begun, { acknowledged: true, madeVersion })
  }
  return [...steps.values()]
}
