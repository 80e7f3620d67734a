import { expect, test } from "bun:test"
import { withoutSecret } from "./secret-path"

test.each([
  ["/c/abc", "/c/*"],
  ["/c/abc/check", "/c/*/check"],
  ["/setup/abc", "/setup/*"],
  ["/reset/abc", "/reset/*"],
  ["/c/", "/c/"],
  ["/compute/containers/abc", "/compute/containers/abc"],
  ["/v1/c/abc", "/v1/c/abc"],
])("%p is %p in a log", (path, logged) => {
  expect(withoutSecret(path)).toBe(logged)
})
