import { apiOrigin } from "../../data/api"
import { CodeBlock } from "../../parts/copy"
import { reference } from "../../words/reference"
import type { Operation } from "./document"

/** The example as a command to be typed, and what was answered. */
export function ExampleView({ operation }: { operation: Operation }) {
  const example = operation["x-example"]
  if (example === undefined) return <p className="text-dim">{reference.noExample}</p>
  const answered = Object.values(operation.responses[example.status]?.content ?? {})[0]?.example
  return (
    <div className="flex flex-col gap-3">
      <p className="text-sm text-dim">{reference.exampleNote}</p>
      <h3 className="text-sm font-medium">{reference.request}</h3>
      <CodeBlock label={reference.request} text={curlOf(operation, example)} />
      {answered === undefined ? (
        <p className="text-sm text-dim">{reference.emptyAnswer(example.status)}</p>
      ) : (
        <>
          <h3 className="text-sm font-medium">{reference.answer(example.status)}</h3>
          <CodeBlock label={reference.answer(example.status)} text={textOf(answered)} />
        </>
      )}
    </div>
  )
}

const textOf = (value: unknown) => (typeof value === "string" ? value : JSON.stringify(value, null, 2))

const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`

/** The request for a shell; the token is a variable there. */
export function curlOf({ method, requestBody, security }: Operation, { path, headers = {} }: NonNullable<Operation["x-example"]>): string {
  const [type, body] = Object.entries(requestBody?.content ?? {})[0] ?? []
  const lines = [`curl${method === "GET" ? "" : ` -X ${method}`} ${quoted((apiOrigin || location.origin) + path)}`]
  if (security.length > 0) lines.push(`-H "Authorization: Bearer $${"challenge" in (security[0] ?? {}) ? "CHALLENGE" : "TOKEN"}"`)
  const all = { ...(type === "application/json" && body?.example !== undefined ? { "content-type": type } : {}), ...headers }
  for (const [name, value] of Object.entries(all)) lines.push(`-H ${quoted(`${name}: ${value}`)}`)
  if (body?.example !== undefined) {
    if (type === "multipart/form-data")
      for (const [name, value] of Object.entries(body.example as Record<string, string>)) lines.push(`-F ${quoted(`${name}=${value}`)}`)
    else if (type === "application/json") lines.push(`-d ${quoted(JSON.stringify(body.example))}`)
    else lines.push(`--data-binary ${quoted(String(body.example).trimEnd())}`)
  }
  return lines.join(" \\\n  ")
}
