import { AppError } from "../errors"

const maxCredentialLength = 8192

type Form = { name: string; credentialHint: string }

/** A token as it may stand in a header (RFC 9110 section 5.5), without the blanks around it. Throws `invalid`, and never quotes what was given. */
export function parseToken(credential: string, form: Form): string {
  const token = credential.trim()
  if (!/^[\x21-\x7e]+$/.test(token) || token.length > maxCredentialLength) throw notOfForm(form)
  return token
}

/** The parts of `first:second`, at least `least` and at most `most` of them, none empty; the last may hold colons where `most` is reached. Throws `invalid`. */
export function parseParts(credential: string, form: Form, least: number, most = least): string[] {
  const pieces = parseToken(credential, form).split(":")
  const parts = pieces.length > most ? [...pieces.slice(0, most - 1), pieces.slice(most - 1).join(":")] : pieces
  if (parts.length < least || parts.some((part) => part === "")) throw notOfForm(form)
  return parts
}

/** The texts at these keys of a JSON object, required and optional ones, none empty; other keys are left alone. Throws `invalid`. */
export function parseCredentialObject<K extends string, O extends string = never>(
  credential: string,
  form: Form,
  keys: readonly K[],
  optional: readonly O[] = [],
): Record<K, string> & Partial<Record<O, string>> {
  const value = credential.length > maxCredentialLength ? undefined : parseJson(credential)
  if (typeof value !== "object" || value === null) throw notOfForm(form)
  const given = value as Record<string, unknown>
  const texts = [...keys, ...optional.filter((key) => given[key] !== undefined)].map((key) => [key, given[key]] as const)
  if (texts.some(([, text]) => typeof text !== "string" || text === "")) throw notOfForm(form)
  return Object.fromEntries(texts) as Record<K, string> & Partial<Record<O, string>>
}

/** The error for a credential that is not of the adapter's form. */
export function notOfForm(form: Form): AppError {
  return new AppError("invalid", `this is no credential for ${form.name}: it should be ${form.credentialHint}`)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
