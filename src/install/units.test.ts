import { expect, test } from "bun:test"
import { type Setting, settings } from "../settings"
import { units } from "./units"

test("the service and its backup are given every secret that there is a setting for, by former names too", () => {
  const all = Object.entries(settings as Record<string, Setting<unknown>>)
  const lines = all
    .filter(([, { secret, isCredential }]) => secret === true || isCredential === true)
    .flatMap(([key, { formerCredential }]) => (formerCredential === undefined ? [key] : [key, formerCredential]))
    .map((name) => `LoadCredential=freehold.${name}\n`)
  expect(lines.length).toBeGreaterThan(0)
  for (const unit of ["freehold.service", "freehold-backup.service"])
    expect(lines.filter((line) => units[unit]?.includes(line) !== true)).toEqual([])
})
