import { expect, test } from "bun:test"
import { corsConfiguration, corsHeaders, corsRulesOf, type CorsRule, preflightHeaders } from "./cors"
import { codeOf } from "./signature.fixture"
import { buildXml, parseXml } from "./xml"

const rule = (more: Partial<CorsRule> = {}): CorsRule => ({
  AllowedOrigins: ["https://app.example"],
  AllowedMethods: ["GET", "PUT"],
  AllowedHeaders: [],
  ExposeHeaders: [],
  ...more,
})
const anyone = rule({ AllowedOrigins: ["*"], AllowedMethods: ["GET"] })
const vary = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method"

const ask = (origin: string, method = "PUT", headers?: string) =>
  new Headers({
    origin,
    "access-control-request-method": method,
    ...(headers === undefined ? {} : { "access-control-request-headers": headers }),
  })

test("a preflight is answered by the rule that fits", () => {
  const rules = [
    anyone,
    rule({ AllowedHeaders: ["X-Amz-*", "content-type"], ExposeHeaders: ["ETag", "x-amz-version-id"], MaxAgeSeconds: 60 }),
  ]
  expect(preflightHeaders(rules, ask("https://app.example", "PUT", "Content-Type, x-amz-date,x-amz-"))).toEqual({
    "access-control-allow-origin": "https://app.example",
    "access-control-allow-credentials": "true",
    "access-control-allow-methods": "GET, PUT",
    "access-control-allow-headers": "content-type, x-amz-date, x-amz-",
    "access-control-expose-headers": "ETag, x-amz-version-id",
    "access-control-max-age": "60",
    vary,
  })
  expect(preflightHeaders(rules, ask("https://app.example", "GET"))).toEqual({
    "access-control-allow-origin": "*",
    "access-control-allow-methods": "GET",
    vary,
  })
})

test.each<[string, CorsRule[] | undefined, Headers, string]>([
  ["no rules", undefined, ask("https://app.example"), "AccessForbidden"],
  ["another origin", [rule()], ask("https://other.example"), "AccessForbidden"],
  ["an origin that goes on", [rule()], ask("https://app.example.evil.example"), "AccessForbidden"],
  ["an origin in other letters", [rule()], ask("https://APP.example"), "AccessForbidden"],
  ["another method", [rule()], ask("https://app.example", "DELETE"), "AccessForbidden"],
  ["a field that is not allowed", [rule()], ask("https://app.example", "PUT", "x-a"), "AccessForbidden"],
  [
    "one field of two that is not allowed",
    [rule({ AllowedHeaders: ["x-a"] })],
    ask("https://app.example", "PUT", "x-a, x-b"),
    "AccessForbidden",
  ],
  ["a field that is none", [rule({ AllowedHeaders: ["*"] })], ask("https://app.example", "PUT", "x a"), "AccessForbidden"],
  [
    "fields and origin in two rules",
    [rule(), { ...anyone, AllowedMethods: ["PUT"], AllowedHeaders: ["x-b"] }],
    ask("https://app.example", "PUT", "x-a"),
    "AccessForbidden",
  ],
  ["no origin", [rule()], new Headers({ "access-control-request-method": "GET" }), "BadRequest"],
  ["no method", [rule()], new Headers({ origin: "https://app.example" }), "BadRequest"],
  ["a method that is none", [rule()], ask("https://app.example", "BREW"), "BadRequest"],
])("a preflight with %s is refused", async (_, rules, headers, code) => {
  expect(await codeOf(() => preflightHeaders(rules, headers))).toBe(code)
})

test.each([
  ["*", "https://a.example", true],
  ["https://*.example", "https://a.b.example", true],
  ["https://*.example", "https://.example", true],
  ["https://*.example", "http://a.example", false],
  ["https://*.example", "https://a.example.evil", false],
  ["https://*.example.example", "https://.example", false],
  ["https://a.*", "https://a.", true],
  ["https://a*a", "https://a", false],
  ["*://a.example", "http://a.example", true],
  ["http://a+b", "http://aab", false],
])("of the origin %s, %s: %p", (pattern, origin, fits) => {
  const headers = corsHeaders([rule({ AllowedOrigins: [pattern] })], "GET", new Headers({ origin }))
  expect("access-control-allow-origin" in headers).toBe(fits)
})

test("other answers say who may read them, and caches that it depends", () => {
  const rules = [rule({ ExposeHeaders: ["ETag"] })]
  expect(corsHeaders(rules, "GET", ask("https://app.example"))).toEqual({
    "access-control-allow-origin": "https://app.example",
    "access-control-allow-credentials": "true",
    "access-control-expose-headers": "ETag",
    vary,
  })
  expect(corsHeaders(rules, "DELETE", ask("https://app.example"))).toEqual({ vary })
  expect(corsHeaders(rules, "GET", new Headers())).toEqual({ vary })
  expect(corsHeaders(undefined, "GET", ask("https://app.example"))).toEqual({})
})

const parse = (inside: string) => corsRulesOf(parseXml(`<CORSConfiguration>${inside}</CORSConfiguration>`, "CORSConfiguration"))
const least = "<AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod>"

test("a configuration is read, and written again as it was", () => {
  const rules: CorsRule[] = [
    {
      ID: "007",
      ...rule({ AllowedOrigins: ["https://*.a", "http://b"], AllowedHeaders: ["*"], ExposeHeaders: ["ETag"], MaxAgeSeconds: 3000 }),
    },
    rule({ AllowedMethods: ["GET", "PUT", "POST", "DELETE", "HEAD"] }),
  ]
  expect(corsRulesOf(parseXml(buildXml("CORSConfiguration", corsConfiguration(rules)), "CORSConfiguration"))).toEqual(rules)
})

test.each([
  ["no rule", "", "MalformedXML"],
  ["a rule of nothing", "<CORSRule/>", "MalformedXML"],
  ["no origin", "<CORSRule><AllowedMethod>GET</AllowedMethod></CORSRule>", "MalformedXML"],
  ["no method", "<CORSRule><AllowedOrigin>*</AllowedOrigin></CORSRule>", "MalformedXML"],
  ["text for a rule", "<CORSRule>x</CORSRule>", "MalformedXML"],
  ["a method that is none", `<CORSRule>${least}<AllowedMethod>PATCH</AllowedMethod></CORSRule>`, "InvalidRequest"],
  ["a method in small letters", `<CORSRule>${least}<AllowedMethod>get</AllowedMethod></CORSRule>`, "InvalidRequest"],
  ["an origin with two wildcards", `<CORSRule>${least}<AllowedOrigin>*.*</AllowedOrigin></CORSRule>`, "InvalidRequest"],
  ["an empty origin", `<CORSRule>${least}<AllowedOrigin></AllowedOrigin></CORSRule>`, "InvalidRequest"],
  ["a field with two wildcards", `<CORSRule>${least}<AllowedHeader>x-*-*</AllowedHeader></CORSRule>`, "InvalidRequest"],
  ["a field that is exposed by wildcard", `<CORSRule>${least}<ExposeHeader>*</ExposeHeader></CORSRule>`, "InvalidRequest"],
  ["a field that would split the answer", `<CORSRule>${least}<ExposeHeader>a&#13;&#10;b: c</ExposeHeader></CORSRule>`, "InvalidRequest"],
  ["an age that is no number", `<CORSRule>${least}<MaxAgeSeconds>-1</MaxAgeSeconds></CORSRule>`, "InvalidRequest"],
  ["a long ID", `<CORSRule>${least}<ID>${"x".repeat(256)}</ID></CORSRule>`, "InvalidRequest"],
  ["a hundred rules and one", `<CORSRule>${least}</CORSRule>`.repeat(101), "InvalidRequest"],
])("a configuration with %s is refused", async (_, inside, code) => {
  expect(await codeOf(() => parse(inside))).toBe(code)
})

test("a hundred rules are enough", () => {
  expect(parse(`<CORSRule>${least}</CORSRule>`.repeat(100)).length).toBe(100)
})
