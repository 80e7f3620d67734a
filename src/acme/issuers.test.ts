import { expect, test } from "bun:test"
import { ChallengeBoard } from "./challenges"
import { Issuers, type IssuersOptions } from "./issuers"

const directory = "https://ca.example/directory"
const issuers = (options: Partial<IssuersOptions>) =>
  new Issuers({
    directory,
    accountKeeper: () => ({ load: async () => undefined, save: async () => {} }),
    rootKeeper: { load: async () => undefined, save: async () => {} },
    board: new ChallengeBoard(),
    isPrivate: (hostname) => hostname.endsWith(".lan"),
    now: Date.now,
    ...options,
  })

test.each<[Partial<IssuersOptions>, string, string]>([
  [{}, "app.example.com", directory],
  [{}, "nas.lan", "internal"],
  [{ fallbackDirectory: "https://other.example/directory" }, "app.example.com", directory],
  [{ fallbackDirectory: "https://other.example/directory" }, "nas.lan", "internal"],
  [{ directory: "internal" }, "app.example.com", "internal"],
  [
    { testDirectory: "https://staging.example/directory", isTest: (name) => name === "t.example.com" },
    "t.example.com",
    "https://staging.example/directory",
  ],
  [{ testDirectory: "https://staging.example/directory", isTest: (name) => name === "t.example.com" }, "app.example.com", directory],
  [{ isTest: () => true }, "app.example.com", directory],
])("with %p the issuer of %s is %s", (options, hostname, name) => {
  const all = issuers(options)
  expect(all.for(hostname).name).toBe(name)
  all.stop()
})
