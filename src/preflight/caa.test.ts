import { describe, expect, test } from "bun:test"
import { allowedIssuers, parseCaa, parseIssueValue, refusalOf } from "./caa"
import { authorityAt } from "./certificate-authorities"
import type { PreflightIssuer } from "./report"

const letsEncrypt: PreflightIssuer = {
  name: "Let's Encrypt",
  caaIdentities: ["letsencrypt.org"],
  challengeTypes: ["tls-alpn-01", "http-01"],
  accountUri: "https://acme.test/acct/1",
}
const zeroSsl: PreflightIssuer = { name: "ZeroSSL", caaIdentities: ["sectigo.com", "usertrust.com"], challengeTypes: ["http-01"] }
const issue = (value: string, flags = 0) => `${flags} issue "${value}"`
const allowed = (records: string[], wildcard = false) =>
  allowedIssuers(records, [letsEncrypt, zeroSsl], { wildcard }).map(({ name }) => name)

describe("records", () => {
  test.each<[string, ReturnType<typeof parseCaa>]>([
    ['0 issue "ca.example"', { isCritical: false, tag: "issue", value: "ca.example" }],
    ['128 Issue ";"', { isCritical: true, tag: "issue", value: ";" }],
    ['129 iodef "mailto:a\\"b@c"', { isCritical: true, tag: "iodef", value: 'mailto:a"b@c' }],
    ['127 issue ""', { isCritical: false, tag: "issue", value: "" }],
    ["0 issue ca.example", undefined],
    ["issue ca.example", undefined],
  ])("%s", (text, expected) => {
    expect(parseCaa(text)).toEqual(expected)
  })

  test.each<[string, string | undefined, [string, string][]]>([
    ["letsencrypt.org", "letsencrypt.org", []],
    [" LetsEncrypt.org ; ", "letsencrypt.org", []],
    [";", "", []],
    ["", "", []],
    [
      "ca.example; accounturi=https://a/b?c=d; validationmethods=dns-01,http-01",
      "ca.example",
      [
        ["accounturi", "https://a/b?c=d"],
        ["validationmethods", "dns-01,http-01"],
      ],
    ],
    ["ca.example; cansignhttpexchanges = yes", "ca.example", [["cansignhttpexchanges", "yes"]]],
    ["%%%%%", undefined, []],
    ["ca.example other.example", undefined, []],
    ["ca.example; accounturi", undefined, []],
    ["ca.example; accounturi=a; ACCOUNTURI=b", undefined, []],
    ["-ca.example", undefined, []],
  ])("the value %p", (value, domain, parameters) => {
    const parsed = parseIssueValue(value)
    expect([parsed?.domain, [...(parsed?.parameters ?? [])]]).toEqual([domain, parameters])
  })
})

describe("who may certify", () => {
  test.each<[string, string[], string[], string[]]>([
    ["no records", [], ["Let's Encrypt", "ZeroSSL"], ["Let's Encrypt", "ZeroSSL"]],
    ["one CA", [issue("letsencrypt.org")], ["Let's Encrypt"], ["Let's Encrypt"]],
    ["the other, by its second name", [issue("usertrust.com")], ["ZeroSSL"], ["ZeroSSL"]],
    ["both", [issue("sectigo.com"), issue("LETSENCRYPT.ORG")], ["Let's Encrypt", "ZeroSSL"], ["Let's Encrypt", "ZeroSSL"]],
    ["nobody", [issue(";")], [], []],
    ["nobody and somebody", [issue(";"), issue("sectigo.com")], ["ZeroSSL"], ["ZeroSSL"]],
    ["a malformed value", [issue("%%")], [], []],
    ["only where to complain", ['0 iodef "mailto:a@b.test"'], ["Let's Encrypt", "ZeroSSL"], ["Let's Encrypt", "ZeroSSL"]],
    ["wildcards apart", [issue("letsencrypt.org"), '0 issuewild "sectigo.com"'], ["Let's Encrypt"], ["ZeroSSL"]],
    ["wildcards only", ['0 issuewild ";"'], ["Let's Encrypt", "ZeroSSL"], []],
    ["a critical tag that is known", [issue("letsencrypt.org", 128)], ["Let's Encrypt"], ["Let's Encrypt"]],
    ["a critical tag that is not", [issue("letsencrypt.org"), '128 tbs "x"'], [], []],
    ["an unknown tag", [issue("letsencrypt.org"), '0 tbs "x"'], ["Let's Encrypt"], ["Let's Encrypt"]],
    ["our account", [issue("letsencrypt.org; accounturi=https://acme.test/acct/1")], ["Let's Encrypt"], ["Let's Encrypt"]],
    ["another account", [issue("letsencrypt.org; accounturi=https://acme.test/acct/2")], [], []],
    ["an account of an issuer without one", [issue("sectigo.com; accounturi=https://acme.test/acct/1")], [], []],
    ["a method we have", [issue("letsencrypt.org; validationmethods=dns-01,tls-alpn-01")], ["Let's Encrypt"], ["Let's Encrypt"]],
    ["a method we lack", [issue("letsencrypt.org; validationmethods=dns-01")], [], []],
    [
      "a second record that fits",
      [issue("letsencrypt.org; validationmethods=dns-01"), issue("letsencrypt.org")],
      ["Let's Encrypt"],
      ["Let's Encrypt"],
    ],
  ])("%s", (_what, records, plain, wild) => {
    expect([allowed(records), allowed(records, true)]).toEqual([plain, wild])
  })

  test("the account and the method of the question go before those of the issuer", () => {
    const records = [issue("letsencrypt.org; accounturi=urn:x; validationmethods=dns-01")]
    const question = { wildcard: true, accountUri: "urn:x", method: "dns-01" }
    expect(refusalOf(records, letsEncrypt, question)).toBeUndefined()
    expect(refusalOf(records, letsEncrypt, { ...question, method: "http-01" })?.reason).toBe("method")
    expect(refusalOf(records, letsEncrypt, { ...question, accountUri: "urn:y" })?.reason).toBe("account")
  })
})

test.each<[string, string[], string, string[]]>([
  ["https://acme-v02.api.letsencrypt.org/directory", [], "Let's Encrypt", ["letsencrypt.org"]],
  ["https://dv.acme-v02.api.pki.goog/directory", [], "Google Trust Services", ["pki.goog"]],
  ["https://acme-v02.api.letsencrypt.org/directory", ["le.example"], "Let's Encrypt", ["le.example"]],
  ["https://ca.house.test/directory", ["house.test"], "ca.house.test", ["house.test"]],
  ["https://ca.house.test/directory", [], "ca.house.test", []],
])("the authority at %s, which says %p of itself", (url, given, name, caaIdentities) => {
  expect(authorityAt(url, given)).toEqual({ name, caaIdentities })
})
