import { AppError } from "../errors"
import type { CredentialField, ProviderAdapter } from "./provider"

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

/**
 * The credential that values make, each under the key of its field. Throws `invalid` that names the field and its rule, and never quotes what was given.
 */
export function composeCredential({ name, fields, compose }: ProviderAdapter, given: unknown): string {
  if (typeof given !== "object" || given === null || Array.isArray(given))
    throw new AppError("invalid", `fields must be an object with ${fields.map(({ key }) => key).join(", ")}`)
  const unknown = Object.keys(given).find((key) => !fields.some((field) => field.key === key))
  if (unknown !== undefined)
    throw new AppError(
      "invalid",
      `fields.${unknown.slice(0, 40)} is no field of ${name}: it has ${fields.map(({ key }) => key).join(", ")}`,
    )
  const values: Record<string, string> = {}
  for (const field of fields) {
    const value = parseField(field, (given as Record<string, unknown>)[field.key])
    if (value !== undefined) values[field.key] = value
  }
  return compose?.(values) ?? values[fields[0]?.key ?? ""] ?? ""
}

/** Makes a credential of values with a sign between them, in the order of these keys; of the last ones those that are not given are left out. */
export const joined =
  (sign: string, ...keys: string[]) =>
  (values: Record<string, string>): string => {
    const parts = keys.filter((key) => values[key] !== undefined)
    const wrong = parts.slice(0, -1).find((key) => values[key]?.includes(sign))
    if (wrong !== undefined) throw new AppError("invalid", `fields.${wrong}: it must not hold "${sign}"`)
    return parts.map((key) => values[key]).join(sign)
  }

function parseField({ key, label, isOptional, choices, form }: CredentialField, raw: unknown): string | undefined {
  const refused = (rule: string) => new AppError("invalid", `fields.${key}: the ${label} ${rule}`)
  if (raw !== undefined && raw !== null && typeof raw !== "string") throw refused("must be a text")
  const value = raw?.trim() ?? ""
  if (value === "" && isOptional) return undefined
  if (value === "") throw refused("is required")
  if (value.length > maxCredentialLength) throw refused(`must have at most ${maxCredentialLength} characters`)
  if (choices !== undefined && !choices.includes(value)) throw refused(`must be one of ${choices.join(", ")}`)
  const { pattern, rule } = form ?? { pattern: /^[\x21-\x7e]+$/, rule: "visible ASCII characters without blanks" }
  if (!pattern.test(value)) throw refused(`must be ${rule}`)
  return value
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
