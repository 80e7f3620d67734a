import { toOpenAPISchema, unwrapSchema } from "@elysiajs/openapi/openapi"
import type { AnyElysia } from "elysia"
import { version } from "../../version"
import type { Example } from "./example"
import { families, type Family, type Good, type Operation } from "./operation"
import { operations } from "./operations"
import { whoMay } from "./who"

const openapi = "3.1.0"

type Json = Record<string, unknown>

type Described = Operation & { route: string; family: Family }

/** An operation as the generator makes it. */
type Made = Json & { parameters?: (Json & { name: string; in: string; schema: Json })[]; requestBody?: Json & { content: Json } }

const aboutFamilies: Record<Family, string> = {
  Accounts: "Signing in, sessions, API tokens, service accounts and second factors.",
  Networking: "Hostnames that lead to containers, and the domains whose DNS Freehold writes. Errors are plain text.",
  Compute: "Containers and what belongs to them.",
  Storage: "Files in namespaces. The S3 door is beside it, with a protocol of its own.",
  Connect: "For products whose customers bring their own domains: applications, connections, webhooks.",
  Administration: "People, everybody's sessions, the audit trail, settings, certificates, and how the server stands.",
  Server: "What is open to everybody, the event stream, and the overview.",
}

const about =
  "The whole API of this server. It is for `Authorization: Bearer <token>`, or the cookie of a session, which does nothing for pages of other origins. Bodies are JSON of at most 64 KiB unless it is said otherwise. Each example was really run; ids, tokens, times and ports in it are replaced."

/**
 * The reference as an OpenAPI 3.1 document, of the routes that are really there; the same build gives the same bytes. Parameters and bodies come from
 * `@elysiajs/openapi`'s generator. It is given our tables in the place of Elysia's routes, since those read bodies by hand, and its plug-in stays out,
 * since it brings pages that load scripts of other hosts.
 */
export function openApiDocument(routes: readonly { method: string; path: string }[], examples: Record<string, Example>): Json {
  const there = new Set(routes.flatMap(routeNames))
  const described = operations.filter(({ route }) => there.has(route))
  const { paths } = toOpenAPISchema(asApp(described.map(generatorRoute)), { staticFile: false }, undefined, undefined, openapi)
  const byPath = Object.fromEntries(Object.entries(paths).map(([path, made]) => [path.replaceAll("~", ":"), made as Record<string, Made>]))
  for (const operation of described) {
    const [method, path] = place(operation.route)
    const made = byPath[path]?.[method]
    if (byPath[path] !== undefined && made !== undefined) byPath[path][method] = completed(operation, made, examples[operation.route])
  }
  const schemas: Json = {}
  return plain({
    openapi,
    info: { title: "Freehold", version, description: about, license: { name: "MIT", identifier: "MIT" } },
    servers: [{ url: "/", description: "The host that serves this document." }],
    tags: families.map((name) => ({ name, description: aboutFamilies[name] })),
    paths: hoisted(byPath, schemas),
    components: {
      schemas: Object.fromEntries(Object.entries(schemas).sort(([a], [b]) => (a < b ? -1 : 1))),
      securitySchemes: {
        bearer: {
          type: "http",
          scheme: "bearer",
          description: "A session's token, an API token, or for `/v1` an application's key or a widget token.",
        },
        cookie: { type: "apiKey", in: "cookie", name: "token", description: "Of a session; over HTTPS its name is `__Host-token`." },
        challenge: { type: "http", scheme: "bearer", description: "The challenge's token of a login that waits for its second factor." },
      },
    },
  }) as Json
}

const verbs: Record<string, string[]> = {
  "/v1/domains": ["check"],
  "/v1/connections/:id/records": ["check", "apply"],
  "/v1/connections/:id/email": ["apply"],
}

/** A route as the tables call it: once for each verb where it has some; none for what is answered to other methods alone. */
export function routeNames({ method, path }: { method: string; path: string }): string[] {
  if (method === "ALL") return []
  const clean = path.replace(/(.)\/$/, "$1")
  const stem = clean.endsWith(":verb") ? clean.slice(0, -":verb".length) : undefined
  return stem === undefined ? [`${method} ${clean}`] : (verbs[stem] ?? ["verb"]).map((verb) => `${method} ${stem}:${verb}`)
}

const isVerb = /(?<=\w):(?=\w+$)/

/** Method and path as OpenAPI has them. */
function place(route: string): [method: string, path: string] {
  const [method = "", path = ""] = route.split(" ")
  return [method.toLowerCase(), withName(path).replace(/\/:(\w+)/g, "/{$1}")]
}

const withName = (path: string) => path.replace(/\*$/, ":name")

/** The name of an operation, such as `getApiDomainMappingsById`. */
export function operationId(route: string): string {
  const [method = "", path = ""] = route.split(" ")
  const words = withName(path)
    .split("/")
    .flatMap((part) => (part.startsWith(":") ? ["by", part.slice(1)] : part.split(/[^A-Za-z0-9]/)))
  return (
    method.toLowerCase() +
    words
      .filter(Boolean)
      .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
      .join("")
  )
}

const jsonType = "application/json"
const parsers: Record<string, string> = { "multipart/form-data": "formdata", "application/json": "json" }

function generatorRoute({ route, query, headers, body, bodyType = jsonType }: Described) {
  const [method = "", path = ""] = route.split(" ")
  // The generator takes what follows a colon for a parameter.
  const hooks = { detail: { operationId: operationId(route) }, query, headers, body, parse: [{ fn: parsers[bodyType] ?? "arrayBuffer" }] }
  return { method, path: withName(path).replace(isVerb, "~"), hooks }
}

const asApp = (routes: object[]) => ({ getGlobalRoutes: () => routes, getGlobalDefinitions: () => ({ type: {} }) }) as unknown as AnyElysia

function completed(operation: Described, made: Made, example: Example | undefined): Json {
  const { route, family, summary, text, params = {}, isSocket } = operation
  const { operationId, parameters } = made
  const { words, security } = whoMay(route)
  return {
    operationId,
    tags: [family],
    summary,
    description: text,
    "x-who": words,
    "x-websocket": isSocket,
    "x-example": example === undefined ? undefined : { path: example.path, headers: example.headers, status: example.status },
    parameters: parameters?.map((parameter) => described(parameter, params)),
    requestBody: requestBody(operation, made, example),
    responses: responses(operation, example),
    security,
  }
}

function requestBody({ body, bodyType = jsonType, isBodyOptional }: Described, made: Made, example: Example | undefined): Json | undefined {
  if (body === undefined) return undefined
  // The generator knows the types of bodies that Elysia can read alone.
  const [content] = Object.values(made.requestBody?.content ?? {})
  return { required: isBodyOptional !== true, content: { [bodyType]: { ...(content as Json), example: example?.body } } }
}

function responses({ route, family, good, body, bodyType = jsonType, errors }: Described, example: Example | undefined): Json {
  const failures = { ...whoMay(route).errors, ...(body === undefined || bodyType !== jsonType ? {} : badBody), ...errors }
  const answered = (status: number) => (example?.status === status ? example.answer : undefined)
  const all = Object.entries(failures).map(([status, says]) => [status, failure(family, Number(status), says, answered(Number(status)))])
  return { [good.status]: answer(good, answered(good.status)), ...Object.fromEntries(all) }
}

const badBody: Record<number, string> = { 400: "The body is no JSON object.", 413: "The body is larger than 64 KiB." }

const ids: Record<string, string> = { id: "Its id." }

function described({ schema, ...rest }: NonNullable<Made["parameters"]>[number], params: Record<string, string>): Json {
  const { description = rest.in === "path" ? (params[rest.name] ?? ids[rest.name]) : undefined, ...more } = schema
  return { ...rest, description, schema: more }
}

function answer({ says, type, schema }: Good, example: unknown): Json {
  if (type === undefined || schema === undefined) return { description: says }
  return { description: says, content: { [type]: { schema: unwrapSchema(schema, undefined, "output", openapi), example } } }
}

const errorText = { type: "string", title: "ErrorText", description: "One line that says what is wrong." }
const errorBody = {
  type: "object",
  title: "Error",
  required: ["error"],
  properties: { error: { type: "string", description: "What is wrong, in words for a person." } },
}
const connectError = {
  type: "object",
  title: "ConnectError",
  required: ["error"],
  properties: {
    error: {
      type: "object",
      required: ["code", "message", "details"],
      properties: {
        code: { type: "string", description: "For programs." },
        message: { type: "string", description: "For people." },
        details: { type: ["object", "null"], additionalProperties: true },
      },
    },
  },
}

function failure(family: Family, status: number, says: string, example: unknown): Json {
  if (status < 400) return { description: says }
  const [type, schema] =
    family === "Networking" ? ["text/plain", errorText] : ["application/json", family === "Connect" ? connectError : errorBody]
  return { description: says, content: { [type as string]: { schema, example } } }
}

/** Schemas with a title are told once, in `schemas`. */
function hoisted(value: unknown, schemas: Json): unknown {
  if (Array.isArray(value)) return value.map((one) => hoisted(one, schemas))
  if (typeof value !== "object" || value === null) return value
  const { title } = value as { title?: unknown }
  const inside = Object.fromEntries(
    // What an example says is no schema, whatever its fields are called.
    Object.entries(value).map(([key, one]) => [key, key === "example" || key === "x-example" ? one : hoisted(one, schemas)]),
  )
  if (typeof title !== "string" || !("type" in value || "anyOf" in value)) return inside
  const { type } = inside
  // The generator has made one schema of this and null.
  const isNullable = Array.isArray(type) && type.includes("null")
  schemas[title] ??= isNullable ? { ...inside, type: type.find((one) => one !== "null") } : inside
  const reference = { $ref: `#/components/schemas/${title}` }
  return isNullable ? { anyOf: [reference, { type: "null" }] } : reference
}

/** Without what JSON has not, such as TypeBox's marks. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value))
