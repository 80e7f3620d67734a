import { expect, test } from "bun:test"
import { isApex, registrableDomain } from "./registrable-domain"

test.each([
  ["example.com", "example.com"],
  ["a.b.example.com", "example.com"],
  ["A.Example.CO.UK.", "example.co.uk"],
  ["shop.example.com.au", "example.com.au"],
  ["www.bücher.de", "xn--bcher-kva.de"],
  // The private part of the list: someone else's name must never be taken for the customer's zone.
  ["alice.github.io", "alice.github.io"],
  ["www.alice.github.io", "alice.github.io"],
  // Exceptions and wildcards of the list.
  ["www.ck", "www.ck"],
  ["a.b.c.ck", "b.c.ck"],
  // Names in private zones have no entry, so the last label is the suffix.
  ["nas.home.arpa", "nas.home.arpa"],
  ["cloud.nas.lan", "nas.lan"],
])("the registrable domain of %p is %p", (host, domain) => {
  expect(registrableDomain(host)).toBe(domain)
})

test.each(["co.uk", "github.io", "192.0.2.1", "[::1]", "box", "a b.com", ""])("%p has no registrable domain", (host) => {
  expect(registrableDomain(host)).toBeUndefined()
  expect(isApex(host)).toBe(false)
})

test("only the registrable domain itself is an apex", () => {
  expect(isApex("Example.co.uk.")).toBe(true)
  expect(isApex("www.example.co.uk")).toBe(false)
})
