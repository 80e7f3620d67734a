/** A validation that the CA decided against; carries the challenge's own problem document. */
export class ValidationFailed extends Error {
  constructor(
    message: string,
    readonly problem: string,
    readonly type: string | undefined,
  ) {
    super(message)
  }
}

/** What a CA gave as the reason, behind a sentence that says what it decided; the sentence alone where it gave none. */
export function validationFailed(fault: unknown, sentence: string): ValidationFailed {
  if (typeof fault !== "object" || fault === null) return new ValidationFailed(sentence, sentence, undefined)
  const { detail, type } = fault as { detail?: unknown; type?: unknown }
  const message = typeof detail === "string" ? `${sentence}: ${detail}` : sentence
  return new ValidationFailed(message, JSON.stringify(fault), typeof type === "string" ? type : undefined)
}
