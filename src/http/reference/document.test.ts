import { Validator } from "@seriousme/openapi-schema-validator"
import Ajv2020 from "ajv/dist/2020"
import { afterAll, beforeAll, expect, test } from "bun:test"
import { dashboardPlaces } from "../dashboard-routes"
import { PermissionHouse } from "../permission-house.fixture"
import { operationId, openApiDocument, routeNames } from "./document"
import type { Example } from "./example"
import examples from "./examples.json"
import { operations } from "./operations"

type Answer = { description: string; content?: Record<string, { schema: object; example?: unknown }> }
type Operation = {
  operationId: string
  summary: string
  tags: string[]
  "x-who": string
  security: object[]
  parameters?: { name: string; in: string; description?: string }[]
  requestBody?: { content: Record<string, { schema: object; example?: unknown }> }
  responses: Record<string, Answer>
}
type Document = { paths: Record<string, Record<string, Operation>>; components: { schemas: Record<string, object> } }

let house: PermissionHouse
let document: Document

beforeAll(async () => {
  house = await PermissionHouse.open()
  document = openApiDocument(house.app.routes, examples as Record<string, Example>) as Document
}, 60_000)

afterAll(() => house?.close())

const all = () =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method, path, operation })),
  )

test("the reference has every route of the API, and no other", () => {
  const pages = new Set(["GET /", "GET /dashboard/:file", ...dashboardPlaces.flatMap((place) => [`GET /${place}`, `GET /${place}/*`])])
  const routes = [...new Set(house.app.routes.flatMap(routeNames))].filter((route) => !pages.has(route))
  expect(operations.map(({ route }) => route).sort()).toEqual(routes.sort())
  expect(all().length).toBe(routes.length)
})

test("it is a valid OpenAPI 3.1 document", async () => {
  const { valid, errors } = await new Validator().validate(structuredClone(document))
  expect(errors ?? []).toEqual([])
  expect(valid).toBe(true)
})

test("each operation has a name of its own, says who may, and answers something good", () => {
  const names = operations.map(({ route }) => operationId(route))
  expect(new Set(names).size).toBe(names.length)
  for (const { operation } of all()) {
    expect([operation.operationId, operation.summary.length > 0, operation["x-who"].length > 0]).toEqual([
      operation.operationId,
      true,
      true,
    ])
    expect(Object.keys(operation.responses).length).toBeGreaterThan(0)
    for (const { name, description, in: place } of operation.parameters ?? [])
      if (place === "path")
        expect([operation.operationId, name, description]).toEqual([operation.operationId, name, expect.any(String) as never])
  }
})

/** A schema that takes no field it does not name, so that the reference names each. */
function strict(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(strict)
  if (typeof schema !== "object" || schema === null) return schema
  const inside = Object.fromEntries(Object.entries(schema).map(([key, one]) => [key, strict(one)]))
  return "properties" in schema && !("additionalProperties" in schema) ? { ...inside, additionalProperties: false } : inside
}

test("every schema takes what its example sends and what it was answered, and names each field of it", () => {
  const ajv = new Ajv2020({ strict: false, validateFormats: false })
  const components = strict(document.components)
  const wrong: unknown[] = []
  let checked = 0
  for (const { operation } of all()) {
    const bodies = [operation.requestBody?.content ?? {}, ...Object.values(operation.responses).map(({ content }) => content ?? {})]
    for (const content of bodies) {
      for (const { schema, example } of Object.values(content)) {
        if (example === undefined) continue
        checked++
        const fits = ajv.compile({ ...(strict(schema) as object), components })
        if (!fits(example))
          wrong.push([operation.operationId, fits.errors?.map(({ instancePath, message, params }) => [instancePath, message, params])])
      }
    }
  }
  expect(wrong).toEqual([])
  expect(checked).toBeGreaterThan(200)
})

test("no example holds a secret", () => {
  const text = JSON.stringify(examples)
  for (const secret of [
    /eyJ[\w-]{10}/,
    /\bsk_(test|live)_\w/,
    /\bwhsec_\w/,
    /ecloud_\w/,
    /verify-[0-9a-f]{10}/,
    /PRIVATE KEY/,
    /signature=\w/,
  ])
    expect([secret.source, text.match(secret)?.[0]]).toEqual([secret.source, undefined])
  // What looks made by chance, but for hashes of known contents, a public key and its fingerprint.
  const known =
    /b1946ac92492d2347c6235b4d2611184|2a725a2a3dfe4b80e07a19bbb3706c5b|AAAAC3Nza\w+|5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03|SHA256:\S+|age1\w+|0123456789abcdef\w*|fedcba9876543210\w*/gi
  expect(text.replace(known, "").match(/\b(?=\w*\d)(?=\w*[a-z])\w{20,}/g)).toBe(null)
})

test("what everybody may ask needs no token, and all else does", () => {
  const open = (path: string, method: string) => document.paths[path]?.[method]?.security
  expect(open("/api/login", "post")).toEqual([])
  expect(open("/api/tokens", "get")).toEqual([{ bearer: [] }, { cookie: [] }])
  expect(document.paths["/api/domain-mappings/{id}"]?.patch?.["x-who"]).toContain("`create` on `networking.<user id>.domain-mappings.<id>`")
  expect(document.paths["/v1/domains:check"]?.post?.["x-who"]).toContain("widget token")
})

test("the same build gives the same bytes, with a mark by which a copy is known again", async () => {
  const ask = (headers: Record<string, string>) => fetch(`http://127.0.0.1:${house.app.ports.api}/openapi.json`, { headers })
  const first = await ask({ "accept-encoding": "gzip" })
  const text = await first.text()
  expect(first.headers.get("content-type")).toContain("application/json")
  expect(text).toBe(JSON.stringify(openApiDocument(house.app.routes, examples as Record<string, Example>)))
  expect(await (await ask({ "accept-encoding": "identity" })).text()).toBe(text)
  const again = await ask({ "if-none-match": first.headers.get("etag") ?? "" })
  expect([again.status, await again.text()]).toEqual([304, ""])
})
