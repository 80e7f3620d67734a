import { expect, test } from "bun:test"
import { providerCatalog } from "./catalog"
import { providerAdapters } from "./registry"

test("every adapter has an entry, under its own key, by name, without an address of a logo elsewhere", () => {
  const entries = providerCatalog([...providerAdapters.values()])
  expect(entries.map(({ key }) => key).sort()).toEqual([...providerAdapters.keys()].sort())
  expect(entries.map(({ name }) => name)).toEqual(entries.map(({ name }) => name).toSorted((a, b) => a.localeCompare(b, "en")))
  for (const entry of entries) {
    expect(entry.key).toMatch(/^[a-z0-9]+$/)
    expect(entry.docs_url).toMatch(/^https:\/\//)
    expect(entry.credential_hint).not.toBe("")
    expect(entry.logo_url).toBeNull()
    expect(entry.proven).toBe(entry.key === "rfc2136" ? "real service" : "stand-in")
  }
})
