import { expect, test } from "bun:test"
import { covers, parseScopes } from "../../src/accounts/scopes"
import {
  type Grant,
  type Kind,
  kindsOf,
  parsePath,
  rules,
  scopeLines,
  toGrants,
  toScopes,
} from "../../src/dashboard/pages/access/scope-grants"

const grant = (kind: Kind, id: string, ...actions: string[]): Grant => ({ key: 0, kind, id, actions })
const kinds = Object.values(kindsOf).flat()

test("the server takes everything that the picker offers", () => {
  const whole = kinds.map((kind) => grant(kind, "", ...rules[kind].actions))
  const single = kinds.filter((kind) => rules[kind].single.length > 0).map((kind) => grant(kind, "a.b", ...rules[kind].single))
  const all = [...whole, ...single]
  const scopes = toScopes(all, "u1")
  expect(parseScopes(scopes, "u1")).toEqual(scopes)
  expect(Object.keys(scopes)).toHaveLength(all.length)
})

test("a line about one thing grants nothing of another", () => {
  const scopes = toScopes([grant("files", "my", "read")], "u1")
  expect(covers(scopes, { path: ["storage", "u1", "files", "my"], action: "read" })).toBe(true)
  expect(covers(scopes, { path: ["storage", "u1", "files", "my.data"], action: "read" })).toBe(false)
  expect(covers(scopes, { path: ["storage", "u1", "files"], action: "read" })).toBe(false)
})

test("lines with one path become one scope, in the order of the table, and lines without an action none", () => {
  const lines = [grant("containers", "", "stop"), grant("containers", "", "read", "stop"), grant("keys", "")]
  expect(scopeLines(toScopes(lines, "u1"))).toEqual(["compute.u1.containers=read,stop"])
})

test("scopes that are there come back as they were, also those that are not offered", () => {
  const scopes = { "storage.u1.files.my.data": ["read"], "networking.u1": ["read", "update"], "storage.u1.registry": ["push", "pull"] }
  expect(toScopes(toGrants(scopes), "u1")).toEqual(scopes)
  expect(parsePath("storage.u1.files.my.data")).toEqual({ kind: "files", id: "my.data" })
  expect(parsePath("compute.u1.domains")).toBeUndefined()
  expect(parsePath("compute.u1.toString")).toBeUndefined()
})
