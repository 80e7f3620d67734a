import { t } from "elysia"
import type { TObject, TSchema } from "@sinclair/typebox"

/** The parts of the API, in the order in which the reference has them. */
export const families = ["Accounts", "Networking", "Compute", "Storage", "Connect", "Administration", "Server"] as const
export type Family = (typeof families)[number]

/** What is answered when all went well; without a schema there is no body. */
export type Good = { status: number; says: string; type?: string; schema?: TSchema }

/** What the reference says of a route, beyond who may use it, which `needs.ts` and `connect-needs.ts` say. */
export type Operation = {
  /** What it does, as a title. */
  summary: string
  /** What a title has no room for. */
  text?: string
  /** What the parameters of the path stand for; an id needs no words where its family has said them. */
  params?: Record<string, string>
  query?: TObject
  headers?: TObject
  /** Of type JSON, unless `bodyType` says another. */
  body?: TSchema
  bodyType?: string
  /** Whether it may be left out. */
  isBodyOptional?: true
  good: Good
  /** Status → when it comes. Those that a whole family has, such as 401, are added to it. */
  errors?: Record<number, string>
  /** Opened as a WebSocket too. */
  isSocket?: true
}

/** What a file of the reference holds: operations by method and path. */
export type Operations = Record<string, Operation>

/** A schema that is told once, under its name. */
export const named = <T extends TSchema>(name: string, schema: T): T => ({ ...schema, title: name })

export const json = (schema: TSchema, says = "As asked.", status = 200): Good => ({ status, says, type: "application/json", schema })
export const created = (schema: TSchema, says = "Made."): Good => json(schema, says, 201)
export const text = (says: string, type = "text/plain"): Good => ({ status: 200, says, type, schema: t.String() })
export const empty = (status = 204, says = "Done; there is nothing to say."): Good => ({ status, says })
export const bytes = (says: string, type = "application/octet-stream"): Good => ({
  status: 200,
  says,
  type,
  schema: t.Unsafe<string>({ type: "string", format: "binary" }),
})

export const done = named("Done", t.Object({ status: t.Literal("ok") }))

export const oneOf = <T extends string>(values: readonly T[], more: object = {}) =>
  t.Unsafe<T>({ type: "string", enum: [...values], ...more })
// Elysia's own take texts such as "12" as well, which the parsers of bodies do not.
export const integer = (more: object = {}) => t.Unsafe<number>({ type: "integer", ...more })
export const number = (more: object = {}) => t.Unsafe<number>({ type: "number", ...more })
export const boolean = (more: object = {}) => t.Unsafe<boolean>({ type: "boolean", ...more })

export const orNull = (schema: TSchema) => t.Union([schema, t.Null()])
export const maybe = t.Optional

export const seconds = (description = "Unix seconds.") => integer({ description })
/** A moment as ISO 8601 in UTC. */
export const moment = (description = "ISO 8601 in UTC.") => t.String({ format: "date-time", description })
export const said = (description: string, more: object = {}) => t.String({ description, ...more })
/** An object of which only that it is one is promised. */
export const anything = (description: string) =>
  t.Unsafe<Record<string, unknown>>({ type: "object", additionalProperties: true, description })

/** How pages of lists are asked for. */
export const paged = (more: Record<string, TSchema> = {}, most = 100, standard = 20) =>
  t.Object({
    ...more,
    limit: maybe(integer({ minimum: 1, maximum: most, default: standard, description: "How many a page." })),
    cursor: maybe(said("`next_cursor` of the page before.")),
  })

export const pageOf = (schema: TSchema) =>
  t.Object({ data: t.Array(schema), next_cursor: orNull(said("For the next page; null on the last.")) })
