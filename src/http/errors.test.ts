import { expect, test } from "bun:test"
import { createLog } from "../log"
import { renderError } from "./errors"

test.each([
  ["/reset/c2VjcmV0", "/reset/*"],
  ["/setup/c2VjcmV0?x=1", "/setup/*"],
  ["/api/tokens/k1", "/api/tokens/k1"],
])("our own fault at %p is logged as one at %p, and is 500 without a word of it", async (path, shown) => {
  const lines: string[] = []
  const log = createLog("debug", (line) => lines.push(line))
  const res = renderError(new Error("disk on fire"), new Request(`http://127.0.0.1${path}`, { method: "POST" }), log)
  expect([res.status, await res.json()]).toEqual([500, { error: "internal error" }])
  expect(JSON.parse(lines[0] ?? "")).toMatchObject({ method: "POST", path: shown })
  expect(lines.join("")).toContain("disk on fire")
})
