import { expect, test } from "bun:test"
import { countLookups, isSpf, parseSpf, withInclude } from "./spf"

const google = "_spf.google.com"
const merged = (...published: string[]) => withInclude(published, google, "~all")

test.each([
  ["v=spf1", true],
  ["V=SPF1 -all", true],
  ["v=spf10 -all", false],
  ["v=spf1\t-all", false],
  ["spf2.0/pra -all", false],
  [" v=spf1 -all", false],
])("whether %p is an SPF record: %p", (text, isIt) => {
  expect(isSpf(text)).toBe(isIt)
})

test.each([
  "all",
  "-ALL",
  "include:spf.example.com.",
  "?include:%{d1r}.example.com",
  "a",
  "a/24",
  "a//64",
  "a:mail.example.com/28//64",
  "mx:%{o}",
  "+mx",
  "ptr",
  "ptr:example.com",
  "ip4:192.0.2.0/24",
  "ip6:2001:db8::/32",
  "ip6:::ffff:192.0.2.1",
  "exists:%{ir}.%{v}._spf.%{d2}",
  "exists:%{l-+}._spf.example.com",
  "redirect=_spf.example.com",
  "exp=explain._spf.%{d}",
  "moo=%%%_%-anything",
])("%p is a term", (term) => {
  expect(parseSpf(`v=spf1 ${term}`).faults).toEqual([])
})

test.each([
  "all:example.com",
  "include",
  "include:",
  "include:localhost",
  "include:example.123",
  "include:%{x}.example.com",
  "include:%example.com",
  "a:",
  "a/33",
  "a//129",
  "ip4:192.0.2.256",
  "ip4:192.0.2.0/33",
  "ip4",
  "ip6:192.0.2.1",
  "ip6:2001:db8::/129",
  "ip6:2001:zz::",
  "exists",
  "ptr/24",
  "+",
  "foo",
  "-redirect=example.com",
  "redirect=",
  "1a=b",
  "ä",
])("%p is none", (term) => {
  expect(parseSpf(`v=spf1 ${term} -all`).faults).toHaveLength(1)
})

test("a modifier that may stand once stands once", () => {
  expect(parseSpf("v=spf1 redirect=a.example.com redirect=b.example.com").faults).toHaveLength(1)
  expect(parseSpf("v=spf1 exp=a.example.com exp=b.example.com -all").faults).toHaveLength(1)
})

test.each([
  ["v=spf1 ip4:192.0.2.1 ip6:2001:db8::1 -all", 0],
  ["v=spf1 a mx ptr include:x.example.com exists:%{i}.example.com -all", 5],
  ["v=spf1 a redirect=x.example.com", 2],
  ["v=spf1 a -all include:never.example.com redirect=x.example.com", 1],
])("%p asks for %p look-ups", (text, count) => {
  expect(countLookups(parseSpf(text).terms)).toBe(count)
})

test.each([
  [[], "v=spf1 include:_spf.google.com ~all"],
  [["some other text", "v=spf10 x"], "v=spf1 include:_spf.google.com ~all"],
  // The order of what is there and its policy are kept.
  [["v=spf1 ip4:192.0.2.1 include:a.example.com mx -all"], "v=spf1 ip4:192.0.2.1 include:a.example.com mx include:_spf.google.com -all"],
  [["v=spf1 mx ~all exp=why.example.com"], "v=spf1 mx include:_spf.google.com ~all exp=why.example.com"],
  [["V=spf1  A   ?ALL"], "v=spf1 A include:_spf.google.com ?ALL"],
  [["v=spf1 exists:%{ir}.sbl.example.com -all"], "v=spf1 exists:%{ir}.sbl.example.com include:_spf.google.com -all"],
  // Once, wherever it is written and in whatever spelling; a record that is right is left to the letter.
  [["v=spf1  +include:_SPF.Google.com.  -all"], "v=spf1  +include:_SPF.Google.com.  -all"],
  [["v=spf1 a -all include:_spf.google.com"], "v=spf1 a include:_spf.google.com -all"],
  // Without `all` the policy is another's, or nobody's.
  [["v=spf1 mx redirect=_spf.example.com"], "v=spf1 mx include:_spf.google.com redirect=_spf.example.com"],
  [["v=spf1 redirect=_spf.google.com"], "v=spf1 redirect=_spf.google.com"],
  [["v=spf1 mx"], "v=spf1 mx include:_spf.google.com"],
  [["v=spf1"], "v=spf1 include:_spf.google.com"],
  // What is wrong in it is not ours to guess at.
  [["v=spf1 ipv4:192.0.2.1 -all"], "v=spf1 ipv4:192.0.2.1 include:_spf.google.com -all"],
  // Several become one.
  [["v=spf1 a include:x.example.com -all", "v=spf1 +A mx ~all"], "v=spf1 a include:x.example.com mx include:_spf.google.com ~all"],
  [
    ["v=spf1 include:_spf.google.com -all", "v=spf1 redirect=_spf.example.com"],
    "v=spf1 include:_spf.google.com include:_spf.example.com -all",
  ],
  [["v=spf1 a", "v=spf1 mx"], "v=spf1 a mx include:_spf.google.com ~all"],
  [["v=spf1 a -all redirect=never.example.com", "v=spf1 mx +all"], "v=spf1 a mx include:_spf.google.com -all"],
] as [string[], string][])("%p becomes %p", (published, value) => {
  const result = merged(...published)
  expect(result.value).toBe(value)
  // Merging is done once: what comes out needs nothing more.
  expect(merged(result.value).value).toBe(value)
})

test.each([
  [["v=spf1 mx redirect=_spf.example.com"], "redirected to _spf.example.com"],
  [["v=spf1 redirect=_spf.google.com"], "already"],
  [["v=spf1 mx"], 'has no "all"'],
  [["v=spf1 mx -all redirect=_spf.example.com"], 'no effect beside "all"'],
  [["v=spf1 +all"], "everybody"],
  [["v=spf1 ~include:_spf.google.com -all"], "is no pass"],
  [["v=spf1 ipv4:192.0.2.1 -all"], '"ipv4:192.0.2.1" is no mechanism'],
  [["v=spf1 a -all", "v=spf1 mx ~all"], "2 SPF records"],
  [["v=spf1 a -all", "v=spf1 mx ~all"], '"~all" is kept'],
  [["v=spf1 a -all", "v=spf1 redirect=_spf.example.com"], 'became "include:_spf.example.com"'],
] as [string[], string][])("of %p it is said that %p", (published, words) => {
  expect(merged(...published).notes.join("\n")).toContain(words)
})

test("nothing is said where there is nothing to say", () => {
  expect(merged().notes).toEqual([])
  expect(merged("v=spf1 mx -all").notes).toEqual([])
  expect(merged("v=spf1 include:_spf.google.com ~all").notes).toEqual([])
})

test("the eleventh look-up is worth a note, the tenth is not", () => {
  const senders = (count: number) => `v=spf1 ${Array.from({ length: count }, (_, index) => `include:s${index}.example.com`).join(" ")} -all`
  expect(merged(senders(9)).notes).toEqual([])
  expect(merged(senders(10)).notes.join()).toContain("11 DNS look-ups")
})

test("a record longer than one string of TXT is kept whole", () => {
  const addresses = Array.from({ length: 40 }, (_, index) => `ip4:198.51.100.${index}`).join(" ")
  const { value, notes } = merged(`v=spf1 ${addresses} -all`)
  expect(value).toBe(`v=spf1 ${addresses} include:_spf.google.com -all`)
  expect(notes.join()).toContain("several strings of at most 255")
})

test("a hostile record is read in time that grows with its length", () => {
  const hostile = [`v=spf1 include:${"%{d}".repeat(4000)}!`, `v=spf1 a:${"a.".repeat(8000)}!`, `v=spf1 ${"x".repeat(30_000)}=%`]
  for (const text of hostile) expect(parseSpf(text).faults).toHaveLength(1)
}, 5000)
