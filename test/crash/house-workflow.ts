import type { Answer } from "../e2e/answer"
import type { Person } from "../e2e/person"

/** The appliance died under a request: whether it was done is not known. */
export class CutOff extends Error {}

/** One kind of work that goes on while the appliance is killed, and what must hold of it whenever it is up again. */
export interface Workflow {
  readonly name: string
  /** Some next piece of work; rejects with CutOff when the appliance dies under it, and with another error when it answers what it must not. */
  step(): Promise<void>
  /** Compares what is there with what was acknowledged, and learns what became of what was cut off. Throws with what is wrong. */
  compare(): Promise<void>
  /** What was done, for people. */
  figures(): string
}

/** Requests that a workflow makes. */
export class Hand {
  constructor(private person: Person) {}

  /** Throws CutOff where no answer came; and with the answer where it is none of the statuses wanted. */
  async ask(method: string, path: string, body?: unknown, wanted: number[] = [200, 201, 202, 204]): Promise<Answer> {
    let answer: Answer
    try {
      answer = await this.person.ask(method, path, body)
    } catch (error) {
      throw new CutOff(`${method} ${path}: ${String(error)}`)
    }
    if (!wanted.includes(answer.status)) throw new Error(`${method} ${path} answered ${answer.status}: ${answer.text}`)
    return answer
  }

  async json<T>(method: string, path: string, body?: unknown): Promise<T> {
    return JSON.parse((await this.ask(method, path, body)).text) as T
  }
}

export const pick = <T>(random: () => number, list: T[]): T | undefined => list[Math.floor(random() * list.length)]

/** Throws with all that is wrong at once. */
export function mustBeEmpty(what: string, wrong: string[]): void {
  if (wrong.length > 0) throw new Error(`${what}:\n  ${wrong.join("\n  ")}`)
}
