import { expect, test } from "bun:test"
import { join } from "node:path"
import committed from "../../src/http/reference/examples.json"
import { operations } from "../../src/http/reference/operations"
import { tellReferenceStory } from "./reference-story"

const file = join(import.meta.dir, "../../src/http/reference/examples.json")

const engine = "needs a container engine"

/** Those without an example, and why. */
const without: Record<string, string> = {
  "GET /openapi.json": "is the reference itself",
  "GET /admin/checks": "looks at the machine's network and at the world's, which no two runs find alike",
  "POST /admin/alerts/test": "sends to receivers, of which that server has none",
  "GET /compute/containers/:id/terminal": engine,
  "GET /compute/containers/:id/logs": engine,
  "GET /compute/admin/foreign-containers": engine,
  "POST /compute/admin/adopt": engine,
  "POST /compute/containers/:id/rebuild": engine,
  "POST /compute/containers/:id/release": engine,
  "PUT /compute/containers/:id/mounts": engine,
  "PUT /compute/containers/:id/pull-policy": engine,
  "PUT /compute/containers/:id/ssh": engine,
  "DELETE /compute/containers/:id/volumes/:volume": engine,
}

/** With FREEHOLD_WRITE_EXAMPLES=1 they are written anew instead. */
test("the API answers as the examples of the reference say", async () => {
  const told = await tellReferenceStory()
  // In the order of the reference, so that a change shows where it belongs.
  const ordered = Object.fromEntries(operations.flatMap(({ route }) => (told[route] === undefined ? [] : [[route, told[route]]])))
  if (process.env.FREEHOLD_WRITE_EXAMPLES) await Bun.write(file, `${JSON.stringify(ordered, null, 2)}\n`)
  else expect(ordered).toEqual(committed as never)
  expect(Object.keys(told).filter((route) => ordered[route] === undefined)).toEqual([])
}, 180_000)

test("every operation has an example, but those that are named with the reason", () => {
  const missing = operations.map(({ route }) => route).filter((route) => !Object.hasOwn(committed, route))
  expect(missing.sort()).toEqual(Object.keys(without).sort())
})
