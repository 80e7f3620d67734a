import { type UseQueryResult, useQuery } from "@tanstack/react-query"
import { ask } from "../../data/api"
import { queryClient } from "../../data/queries"
import { offerCommands } from "../../shell/commands"
import { reference } from "../../words/reference"

/** A JSON schema as the document has it; references lead into `components`. */
export type Schema = {
  $ref?: string
  title?: string
  type?: string | string[]
  description?: string
  format?: string
  enum?: unknown[]
  const?: unknown
  default?: unknown
  pattern?: string
  minimum?: number
  maximum?: number
  maxLength?: number
  maxItems?: number
  items?: Schema
  properties?: Record<string, Schema>
  required?: string[]
  anyOf?: Schema[]
  patternProperties?: Record<string, Schema>
  additionalProperties?: boolean | Schema
}

type Content = Record<string, { schema: Schema; example?: unknown }>
export type Parameter = { name: string; in: "path" | "query" | "header"; required?: boolean; description?: string; schema: Schema }

type Described = {
  operationId: string
  tags: string[]
  summary: string
  description?: string
  "x-who": string
  "x-websocket"?: true
  "x-example"?: { path: string; headers?: Record<string, string>; status: number }
  parameters?: Parameter[]
  requestBody?: { required: boolean; content: Content }
  responses: Record<string, { description: string; content?: Content }>
  security: Record<string, unknown>[]
}

type Document = {
  info: { version: string; description: string }
  tags: { name: string; description: string }[]
  paths: Record<string, Record<string, Described>>
  components: { schemas: Record<string, Schema> }
}

export type Operation = Described & { method: string; path: string; family: string; text: string }
export type Family = { slug: string; name: string; about: string; operations: Operation[] }
/** The document as pages read it. */
export type Book = { version: string; families: Family[]; schemas: Record<string, Schema> }

const queryKey = ["reference"]

/** The reference of this server; it changes with the program alone. */
export const useBook = (): UseQueryResult<Book> =>
  useQuery({
    queryKey,
    queryFn: async ({ signal }) => toBook(await ask<Document>("GET", "/openapi.json", undefined, { signal })),
    staleTime: Number.POSITIVE_INFINITY,
  })

function toBook({ info, tags, paths, components }: Document): Book {
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, described]): Operation => {
      const { summary, description = "", tags, operationId } = described
      const text = `${method} ${path} ${summary} ${description} ${operationId}`.toLowerCase()
      return Object.assign(described, { method: method.toUpperCase(), path, family: tags[0] ?? "", text })
    }),
  )
  return {
    version: info.version,
    schemas: components.schemas,
    families: tags.map(({ name, description }) => ({
      slug: name.toLowerCase(),
      name,
      about: description,
      operations: operations.filter(({ family }) => family === name),
    })),
  }
}

/** Operations with all of these words, those first whose title or path begins with one. */
export function found(book: Book, text: string): Operation[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean)
  const fit = book.families.flatMap(({ operations }) => operations).filter((one) => words.every((word) => one.text.includes(word)))
  const inTitle = ({ summary, path }: Operation) => words.every((word) => `${path} ${summary}`.toLowerCase().includes(word))
  return [...fit.filter(inTitle), ...fit.filter((one) => !inTitle(one))]
}

export const addressOf = ({ family, operationId }: Operation): string => `/reference/${family.toLowerCase()}/${operationId}`

/** The schema itself, where it is told elsewhere. */
export function resolved(schema: Schema, schemas: Book["schemas"]): Schema {
  const name = schema.$ref?.split("/").at(-1)
  const told = name === undefined ? undefined : schemas[name]
  return told === undefined ? schema : { ...told, ...(schema.description === undefined ? {} : { description: schema.description }) }
}

offerCommands(() =>
  (queryClient.getQueryData<Book>(queryKey)?.families ?? []).flatMap(({ operations }) =>
    operations.map((one) => ({ label: `${one.summary} (${one.method} ${one.path})`, kind: reference.command, to: addressOf(one) })),
  ),
)
