import { describe, expect, test } from "bun:test"
import { ProviderFault, type RecordSetType } from "./provider"
import {
  canonicalValue,
  fromZoneFile,
  joinCaa,
  joinMx,
  joinSrv,
  quoteText,
  splitCaa,
  splitMx,
  splitSrv,
  unquoteText,
  zoneFileValue,
} from "./record-value"

describe("canonical values", () => {
  test.each([
    ["A", " 192.0.2.1", "192.0.2.1"],
    ["AAAA", "2001:0DB8:0:0:0:0:0:1", "2001:db8::1"],
    ["AAAA", "2001:db8::1", "2001:db8::1"],
    ["CNAME", "Target.Example.", "target.example"],
    ["MX", "10  Mail.Example.com.", "10 mail.example.com"],
    ["MX", "0 .", "0 ."],
    ["SRV", "0 5 443 Host.example.", "0 5 443 host.example"],
    ["CAA", "0 ISSUE letsencrypt.org", '0 issue "letsencrypt.org"'],
    ["CAA", '0 issue "ca.test; validationmethods=dns-01"', '0 issue "ca.test; validationmethods=dns-01"'],
    ["TXT", " Kept As. ", " Kept As. "],
  ] as [RecordSetType, string, string][])("%s %p is %p", (type, given, expected) => {
    expect(canonicalValue(type, given)).toBe(expected)
    expect(canonicalValue(type, expected)).toBe(expected)
  })
})

describe("zone file values", () => {
  test.each([
    ["A", "192.0.2.1", "192.0.2.1"],
    ["CNAME", "target.example", "target.example."],
    ["MX", "10 mail.example", "10 mail.example."],
    ["MX", "0 .", "0 ."],
    ["SRV", "0 5 443 host.example", "0 5 443 host.example."],
    ["CAA", '0 issue "ca.test"', '0 issue "ca.test"'],
    ["TXT", 'say "hi" \\', '"say \\"hi\\" \\\\"'],
    ["TXT", "", '""'],
    ["TXT", "ü\n", '"\\195\\188\\010"'],
    ["TXT", "a".repeat(256), `"${"a".repeat(255)}" "a"`],
  ] as [RecordSetType, string, string][])("%s %p is %p, and the other way", (type, value, text) => {
    expect(zoneFileValue(type, value)).toBe(text)
    expect(fromZoneFile(type, text)).toBe(value)
  })

  test("any text survives quoting, whatever its octets and its length", () => {
    for (const text of ["", '"', "\\", '\\"', "\\065", "é".repeat(200), "𝄞".repeat(100), 'a"b\\c'.repeat(80)]) {
      expect(unquoteText(quoteText(text))).toBe(text)
      expect(unquoteText(quoteText(text, 8), 8)).toBe(text)
    }
  })

  test("octets can be three octal digits, as Route 53 has them", () => {
    expect(quoteText('ü "8"\n', 8)).toBe('"\\303\\274 \\"8\\"\\012"')
    expect(unquoteText('"\\303\\274 \\"8\\"\\012"', 8)).toBe('ü "8"\n')
  })

  test("characters that stand plainly between quotes are themselves, and text without quotes is text", () => {
    expect(unquoteText('"é𝄞" "x"')).toBe("é𝄞x")
    expect(unquoteText("v=spf1 -all")).toBe("v=spf1 -all")
    expect(unquoteText('a "b"')).toBe('a "b"')
  })
})

test("fields are split and joined again", () => {
  for (const value of ["10 mail.example.com", "0 ."]) expect(joinMx(splitMx(value))).toBe(value)
  for (const value of ["0 5 443 host.example.com"]) expect(joinSrv(splitSrv(value))).toBe(value)
  for (const value of ['0 issue ";"', '128 iodef "mailto:a@b.test"', '0 x "a \\"quoted\\" \\\\ word"'])
    expect(joinCaa(splitCaa(value))).toBe(value)
  expect(splitCaa('0 issue "ca.test"')).toEqual({ flags: 0, tag: "issue", text: "ca.test" })
})

test.each([
  [splitMx, "mail.example.com"],
  [splitMx, "ten mail.example.com"],
  [splitSrv, "0 443 host.example.com"],
  [splitCaa, "0 issue ca.test"],
  [splitCaa, '0 issue "a" "b"'],
] as [(value: string) => unknown, string][])("%p refuses %p", (split, value) => {
  expect(() => split(value)).toThrow(ProviderFault)
})
