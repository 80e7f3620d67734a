import { Link } from "@tanstack/react-router"
import type { ReactNode } from "react"
import { type Tone, toneSoft } from "../../parts/classes"
import { CopyButton } from "../../parts/copy"
import { Badge } from "../../parts/status"
import { reference } from "../../words/reference"
import { addressOf, type Book, type Operation, type Parameter } from "./document"
import { ExampleView } from "./example"
import { FieldList, Prose, SchemaView } from "./field-list"
import { fieldOf } from "./fields"

const tones: Record<string, Tone> = { GET: "info", POST: "good", PUT: "warn", PATCH: "warn", DELETE: "bad" }

/** The method of an operation, as wide as the longest of them where they stand below each other. */
export const Method = ({ method }: { method: string }) => (
  <span
    className={`inline-block w-16 shrink-0 rounded-md py-0.5 text-center font-mono text-xs font-semibold ${toneSoft[tones[method] ?? "neutral"]}`}
  >
    {method}
  </span>
)

const Part = ({ title, children }: { title: string; children: ReactNode }) => (
  <section className="flex min-w-0 flex-col gap-2">
    <h2 className="border-b border-line pb-1.5 text-lg font-semibold">{title}</h2>
    {children}
  </section>
)

const places: Parameter["in"][] = ["path", "query", "header"]

/** All that is known of one operation. */
export function OperationView({ operation, book }: { operation: Operation; book: Book }) {
  const { method, path, description, parameters = [], requestBody, responses } = operation
  const body = Object.entries(requestBody?.content ?? {})[0]
  const answers = Object.entries(responses)
  const good = answers.filter(([status]) => Number(status) < 300 || status === "303")
  const other = answers.filter((answer) => !good.includes(answer))
  return (
    <article className="flex min-w-0 flex-col gap-6">
      <div className="flex flex-col gap-3">
        <div className="flex min-w-0 items-center gap-2">
          <Method method={method} />
          <code className="min-w-0 text-base font-medium [overflow-wrap:anywhere]">{path}</code>
          <CopyButton text={path} />
          {operation["x-websocket"] === true && <Badge tone="info">{reference.socket}</Badge>}
        </div>
        {description !== undefined && (
          <p className="max-w-prose [overflow-wrap:anywhere]">
            <Prose text={description} />
          </p>
        )}
        <p className="max-w-prose text-dim [&_code]:text-text">
          <span className="font-medium text-text">{reference.who}: </span>
          <Prose text={operation["x-who"]} />
        </p>
      </div>
      {parameters.length > 0 && (
        <Part title={reference.parameters}>
          {places
            .map((place) => ({ place, those: parameters.filter((one) => one.in === place) }))
            .filter(({ those }) => those.length > 0)
            .map(({ place, those }) => (
              <div key={place}>
                <h3 className="text-sm text-dim">{reference.places[place]}</h3>
                <FieldList
                  label={reference.places[place]}
                  fields={those.map(({ name, required, description: text, schema }) =>
                    fieldOf(name, schema, book.schemas, { isRequired: required === true && place !== "path", text }),
                  )}
                />
              </div>
            ))}
        </Part>
      )}
      {body !== undefined && (
        <Part title={reference.body}>
          <p className="text-sm text-dim">
            <code>{body[0]}</code>
            {requestBody?.required === false && ` · ${reference.bodyOptional}`}
          </p>
          <SchemaView label={reference.body} schema={body[1].schema} schemas={book.schemas} />
        </Part>
      )}
      <Part title={reference.example}>
        <ExampleView operation={operation} />
      </Part>
      <Part title={reference.answers}>
        {good.map(([status, { description: says, content }]) => {
          const told = Object.entries(content ?? {})[0]
          return (
            <div key={status} className="flex flex-col gap-1">
              <Answer status={status} says={says} type={told?.[0]} />
              {told === undefined ? null : <SchemaView isAnswer label={reference.fields} schema={told[1].schema} schemas={book.schemas} />}
            </div>
          )
        })}
      </Part>
      {other.length > 0 && (
        <Part title={reference.errors}>
          <ul aria-label={reference.errors} className="flex flex-col gap-1.5">
            {other.map(([status, { description: says }]) => (
              <li key={status}>
                <Answer status={status} says={says} />
              </li>
            ))}
          </ul>
        </Part>
      )}
      <Neighbours operation={operation} book={book} />
    </article>
  )
}

const Answer = ({ status, says, type }: { status: string; says: string; type?: string | undefined }) => (
  <div className="flex items-baseline gap-3">
    <code className={`w-8 shrink-0 font-semibold ${Number(status) >= 400 ? "text-bad" : "text-good"}`}>{status}</code>
    <p className="min-w-0 [overflow-wrap:anywhere]">
      <Prose text={says} />
      {type !== undefined && <span className="text-sm text-dim"> {type}</span>}
    </p>
  </div>
)

function Neighbours({ operation, book }: { operation: Operation; book: Book }) {
  const all = book.families.flatMap(({ operations }) => operations)
  const at = all.indexOf(operation)
  const links = [
    { one: all[at - 1], word: reference.previous, side: "" },
    { one: all[at + 1], word: reference.next, side: "text-right ml-auto" },
  ]
  return (
    <nav aria-label={reference.neighbours} className="flex flex-wrap gap-4 border-t border-line pt-4">
      {links.map(
        ({ one, word, side }) =>
          one !== undefined && (
            <Link key={word} to={addressOf(one)} className={`group min-w-0 ${side}`}>
              <span className="block text-sm text-dim">{word}</span>
              <span className="text-accent group-hover:underline">{one.summary}</span>
            </Link>
          ),
      )}
    </nav>
  )
}
