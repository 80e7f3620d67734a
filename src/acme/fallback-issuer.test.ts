import { expect, test } from "bun:test"
import { FallbackIssuer } from "./fallback-issuer"
import { InternalCa } from "./internal-ca"
import { IssuanceError, type Issuer } from "./issuer"

const failing = (options: { failedValidations?: number; isUnready?: boolean }): Issuer => ({
  name: "https://first.example/directory",
  issue: () => Promise.reject(new IssuanceError("no", options)),
})
const second = new InternalCa({ load: async () => undefined, save: async () => {} })

test("the second directory is asked when the first one cannot, under the first one's name", async () => {
  const issuer = new FallbackIssuer(failing({}), second)
  expect(issuer.name).toBe("https://first.example/directory")
  expect((await issuer.issue("a.example.com")).chainPem).toContain("BEGIN CERTIFICATE")
})

test.each([{ failedValidations: 1 }, { isUnready: true }])("%p is not carried to the second directory", async (fault) => {
  await expect(new FallbackIssuer(failing(fault), second).issue("a.example.com")).rejects.toThrow("no")
})
