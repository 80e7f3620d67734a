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

test("where CAA lets only the second through, the first is not asked", async () => {
  const asked: string[] = []
  const watched: Issuer = {
    name: "https://first.example/directory",
    issue: async (hostname) => (asked.push(hostname), second.issue(hostname)),
  }
  const issuer = new FallbackIssuer(watched, second, async (hostname) => (hostname === "b.example.com" ? [watched.name] : []))
  for (const hostname of ["a.example.com", "b.example.com"]) await issuer.issue(hostname)
  expect(asked).toEqual(["a.example.com"])
})

test.each([{ failedValidations: 1 }, { isUnready: true }])("%p is not carried to the second directory", async (fault) => {
  await expect(new FallbackIssuer(failing(fault), second).issue("a.example.com")).rejects.toThrow("no")
})

test("what CAA forbids the second is left at the first", async () => {
  const issuer = new FallbackIssuer(failing({}), second, async () => [second.name])
  await expect(issuer.issue("a.example.com")).rejects.toThrow("no")
})

test("an order that the first puts off is made at the second; where both do, the sooner one counts", async () => {
  const putOff = (name: string, putOffUntil: number): Issuer => ({
    name,
    issue: () => Promise.reject(new IssuanceError(`${name} puts it off`, { putOffUntil })),
  })
  expect((await new FallbackIssuer(putOff("first", 2000), second).issue("a.example.com")).chainPem).toContain("BEGIN CERTIFICATE")
  await expect(new FallbackIssuer(putOff("first", 1000), putOff("second", 2000)).issue("a.example.com")).rejects.toThrow(
    "first puts it off",
  )
  await expect(new FallbackIssuer(putOff("first", 2000), putOff("second", 1000)).issue("a.example.com")).rejects.toThrow(
    "second puts it off",
  )
})
