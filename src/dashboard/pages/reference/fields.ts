import { reference } from "../../words/reference"
import { type Book, resolved, type Schema } from "./document"

/** One field of a schema, as the reader sees it; `depth` is how far within others it stands. */
export type Field = {
  key: string
  name: string
  type: string
  isRequired: boolean
  text: string
  rules: string[]
  pattern?: string
  depth: number
}

const deepest = 3

/** The fields of a schema in the order in which they are told, those of fields after the field. */
export function fieldsOf(schema: Schema, schemas: Book["schemas"], depth = 0, within = ""): Field[] {
  const { properties = {}, required = [] } = objectOf(schema, schemas) ?? {}
  return Object.entries(properties).flatMap(([name, one]) => {
    const key = `${within}/${name}`
    const field = fieldOf(name, one, schemas, { key, depth, isRequired: required.includes(name) })
    return [field].concat(depth >= deepest ? [] : fieldsOf(one, schemas, depth + 1, key))
  })
}

/** What is told of one value by its name, such as a parameter. */
export function fieldOf(
  name: string,
  schema: Schema,
  schemas: Book["schemas"],
  {
    key = name,
    depth = 0,
    isRequired = false,
    text,
  }: { key?: string; depth?: number; isRequired?: boolean; text?: string | undefined } = {},
): Field {
  const told = plain(resolved(schema, schemas), schemas)
  const words = text ?? schema.description ?? told.description ?? ""
  return {
    key,
    name,
    type: typeOf(schema, schemas),
    isRequired,
    text: words,
    rules: rulesOf(told, words),
    ...(told.pattern === undefined || words !== "" ? {} : { pattern: told.pattern }),
    depth,
  }
}

/** The object whose fields are told: the schema itself, what a list is of, or what it is when it is not null. */
function objectOf(schema: Schema, schemas: Book["schemas"]): Schema | undefined {
  const told = plain(resolved(schema, schemas), schemas)
  if (told.properties !== undefined) return told
  return told.items === undefined ? undefined : objectOf(told.items, schemas)
}

/** Without the null that it may be. */
function plain(schema: Schema, schemas: Book["schemas"]): Schema {
  const others = schema.anyOf?.filter(({ type }) => type !== "null")
  if (others?.length !== 1 || others[0] === undefined) return schema
  return { ...resolved(others[0], schemas), ...(schema.description === undefined ? {} : { description: schema.description }) }
}

/** The choices of a schema that is one of several; undefined where it is one alone. */
export function choicesOf(schema: Schema, schemas: Book["schemas"]): Schema[] | undefined {
  const { anyOf } = resolved(schema, schemas)
  const choices = anyOf?.filter(({ type }) => type !== "null")
  return choices !== undefined && choices.length > 1 && choices.some((one) => objectOf(one, schemas) !== undefined) ? choices : undefined
}

/** What a value is, in a word or two. */
export function typeOf(schema: Schema, schemas: Book["schemas"]): string {
  const told = resolved(schema, schemas)
  const { type, anyOf, items, const: constant, format, patternProperties } = told
  if (constant !== undefined) return JSON.stringify(constant)
  if (anyOf !== undefined) return either(anyOf.map((one) => typeOf(one, schemas)))
  if (Array.isArray(type)) return either(type.map((one) => typeOf({ ...told, type: one, enum: undefined }, schemas)))
  if (type === "null") return reference.types.null ?? ""
  if (format === "binary") return reference.bytes
  if (format === "date-time") return reference.time
  if (type === "array") return reference.listOf(items === undefined ? reference.anything : typeOf(items, schemas))
  const values = Object.values(patternProperties ?? {})[0]
  if (values !== undefined) return reference.mapOf(typeOf(values, schemas))
  if (type === undefined) return told.enum === undefined ? reference.anything : (reference.types.string ?? "")
  return reference.types[type] ?? type
}

const either = (types: string[]) =>
  [...new Set(types)].sort((a, b) => Number(a === "null") - Number(b === "null")).join(` ${reference.or} `)

const shown = (value: unknown) => `\`${typeof value === "string" && value !== "" ? value : JSON.stringify(value)}\``

/** Rules that the words do not say. */
function rulesOf(schema: Schema, words: string): string[] {
  const { rules } = reference
  const { minimum, maximum, maxLength, maxItems, default: fallback } = schema
  const told: string[] = []
  if (schema.enum !== undefined) told.push(rules.values(schema.enum.map(shown).join(", ")))
  const hasNumbers = /\d/.test(words)
  if (!hasNumbers && minimum !== undefined && maximum !== undefined) told.push(rules.between(minimum, maximum))
  else if (!hasNumbers && minimum !== undefined) told.push(rules.least(minimum))
  else if (!hasNumbers && maximum !== undefined) told.push(rules.most(maximum))
  if (!hasNumbers && maxLength !== undefined) told.push(rules.length(maxLength))
  if (maxItems !== undefined) told.push(rules.items(maxItems))
  if (fallback !== undefined) told.push(rules.fallback(shown(fallback)))
  return told
}
