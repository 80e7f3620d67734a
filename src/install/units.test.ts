import { expect, test } from "bun:test"
import { type Setting, settings } from "../settings"
import { units } from "./units"

test("the service and its backup are given every secret that there is a setting for", () => {
  const secrets = Object.entries(settings as Record<string, Setting<unknown>>).filter(([, { secret }]) => secret === true)
  const lines = secrets.map(([key]) => `LoadCredential=freehold.${key}\n`)
  expect(lines.length).toBeGreaterThan(0)
  for (const unit of ["freehold.service", "freehold-backup.service"])
    expect(lines.filter((line) => units[unit]?.includes(line) !== true)).toEqual([])
})
