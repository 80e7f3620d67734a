import { expect, test } from "bun:test"
import { fits, keyTagOf, parseDelegationSigner, parseSignature } from "./dnssec"

// The example of RFC 4034 section 5.4, and its SHA-256 digest of RFC 4509 section 2.3.
const key =
  "256 3 5 AQOeiiR0GOMYkDshWoSKz9XzfwJr1AYtsmx3TGkJaNXVbfi/2pHm822aJ5iI9BMzNXxeYCmZDRD99WYwYqUSdjMmmAphXdvxegXd/M5+X7OrzKBaMbCVdFLUUh6DhweJBjEVv5f2wwjM9XzcnOf+EPbtG9DMBmADjFDc2w/rljwvFw=="
const sha1 = "60485 5 1 2bb183af5f22588179a53b0a98631fad1a292118"
const sha256 = "60485 5 2 d4b7d520e7bb5f0f67674a0cceb1e3e0614b93c4f9e99b8383f6a1e4469da50a"
const does = (zone: string, signer: string, withKey = key) => fits(zone, parseDelegationSigner(signer)!, withKey)

test("the RFC's key has the RFC's tag, and its DS records fit it", () => {
  expect(keyTagOf(key)).toBe(60485)
  expect(does("dskey.example.com", sha1)).toBe(true)
  expect(does("dskey.example.com", sha256)).toBe(true)
})

test.each<[string, string, string, string]>([
  ["the digest of another zone", "other.example.com", sha256, key],
  ["another digest", "dskey.example.com", sha256.replace(/a$/, "b"), key],
  ["another key tag", "dskey.example.com", sha256.replace("60485", "60486"), key],
  ["another algorithm", "dskey.example.com", sha256.replace(" 5 ", " 8 "), key],
  ["a key that is none of the zone", "dskey.example.com", sha256, key.replace("256", "0")],
  ["a revoked key", "dskey.example.com", sha256, key.replace("256", "384")],
])("%s does not fit", (_what, zone, signer, withKey) => {
  expect(does(zone, signer, withKey)).toBe(false)
})

test("of a digest type that is not known nothing is said", () => {
  expect(does("dskey.example.com", sha256.replace(" 2 ", " 99 "))).toBeUndefined()
})

test("signatures are read, and what is none is not", () => {
  expect(parseSignature("DNSKEY 13 2 3600 20261213174503 20261129161503 46048 signed.test AQID")).toEqual({
    covers: "DNSKEY",
    algorithm: 13,
    keyTag: 46048,
    signer: "signed.test",
    expiresAt: Date.parse("2026-12-13T17:45:03Z"),
    inceptsAt: Date.parse("2026-11-29T16:15:03Z"),
  })
  expect(parseSignature("DNSKEY 13 2")).toBeUndefined()
  expect(parseDelegationSigner("\\# 3 00ff10")).toBeUndefined()
})
