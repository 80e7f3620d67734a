import { AppError } from "../errors"
import { type EmailPlan, type EmailRecords, parseEmailInput } from "./model"
import { emailPlan, emailRecords, type Question, questions } from "./records"

/**
 * What a name publishes, one value a record: an MX as `10 mail.example.com`, a TXT with its strings joined, a CNAME's own target and no further.
 * Empty where there is nothing of the type or no such name; throws where the DNS could not be asked.
 */
export type EmailLookup = (name: string, type: Question["type"]) => Promise<string[]>

/** The records of a domain's mail, made from what it publishes now. Writes nothing. */
export class EmailDns {
  constructor(private lookup: EmailLookup) {}

  /** Throws `invalid` for the body, and `unavailable` where the DNS does not say what is published: a merge could not be trusted then. */
  async records(body: Record<string, unknown>): Promise<EmailRecords> {
    const input = parseEmailInput(body)
    return emailRecords(input, await this.published(questions(input)))
  }

  /** The same records by who may write them; throws like `records`. Whose domain it is, the caller has decided. */
  async plan(body: Record<string, unknown>): Promise<EmailPlan> {
    const input = parseEmailInput(body)
    return emailPlan(input, await this.published(questions(input)))
  }

  private async published(wanted: Question[]): Promise<Map<string, string[]>> {
    const found = await Promise.all(wanted.map(async ({ name, type }) => [`${name} ${type}`, await this.ask(name, type)] as const))
    return new Map(found)
  }

  private async ask(name: string, type: Question["type"]): Promise<string[]> {
    try {
      return await this.lookup(name, type)
    } catch (error) {
      if (error instanceof AppError) throw error
      throw new AppError("unavailable", `the ${type} records of ${name} could not be looked up: try again later`, {
        cause: error,
        retryAfterSeconds: 10,
      })
    }
  }
}
