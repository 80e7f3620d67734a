import { expect, test } from "bun:test"
import { startApi } from "../../test/api"
import { RelyingParty, webauthnOrigins } from "./webauthn"

test.each([
  ["the base domain alone", [], 443, ["https://cloud.example.org"]],
  ["our own port", [], 8443, ["https://cloud.example.org", "https://cloud.example.org:8443"]],
  [
    "origins named one by one, and no pattern",
    ["https://cloud.example.org", "https://*.cloud.example.org", "https://panel.example.net"],
    443,
    ["https://cloud.example.org", "https://panel.example.net"],
  ],
])("pages that may ask for a key: %s", (_name, allowed, port, expected) => {
  expect(webauthnOrigins(allowed, "cloud.example.org", port)).toEqual(expected)
})

test("a browser asks for a key only over HTTPS, at the party's own domain or below it", () => {
  const mayAsk = ["https://cloud.example.org:8443", "https://panel.cloud.example.org"]
  const mayNot = ["http://cloud.example.org", "https://example.org", "https://evilcloud.example.org", "https://panel.example.net"]
  expect(new RelyingParty("cloud.example.org", () => [...mayAsk, ...mayNot]).usableOrigins()).toEqual(mayAsk)
})

test("anybody is told at which pages a browser can ask for a key", async () => {
  const res = await (await startApi()).send("GET", "/api/webauthn/origins")
  const origin = "https://cloud.example.org"
  expect([res.status, await res.json()]).toEqual([200, { page: origin, origins: [origin] }])
})
