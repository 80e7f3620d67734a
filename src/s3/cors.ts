import { S3Error } from "./errors"
import { elementsOf, textOf, textsOf, type XmlElement, type XmlValue } from "./xml"

/**
 * CORS of a bucket, as "Using cross-origin resource sharing" of the S3 guide has it: the first rule that fits the origin, the method and, for a
 * preflight, every field that the page wants to send, decides. A bucket without rules says nothing, and the browser refuses.
 */

/** As it is kept with the bucket, in JSON. */
export type CorsRule = {
  ID?: string
  /** With at most one `*` each, as the allowed headers. */
  AllowedOrigins: string[]
  AllowedMethods: string[]
  AllowedHeaders: string[]
  ExposeHeaders: string[]
  MaxAgeSeconds?: number
}

const mostRules = 100
const methods = new Set(["GET", "PUT", "POST", "DELETE", "HEAD"])
/** RFC 9110 section 5.6.2. */
const token = /^[!#$%&'*+.^_`|~\w-]+$/
/** An answer depends on these, also where it says nothing of CORS. */
const vary = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method"

/** The rules of a `CORSConfiguration` that was parsed. Throws MalformedXML and InvalidRequest. */
export function corsRulesOf(configuration: XmlElement): CorsRule[] {
  const rules = elementsOf(configuration, "CORSRule").map(ruleOf)
  if (rules.length === 0) throw new S3Error("MalformedXML", "A CORS configuration has at least one CORSRule.")
  if (rules.length > mostRules) throw invalid(`A CORS configuration has no more than ${mostRules} rules.`)
  return rules
}

function ruleOf(element: XmlElement): CorsRule {
  const id = textOf(element, "ID")
  const age = textOf(element, "MaxAgeSeconds")
  const [origins, allowed, headers, exposed] = [
    textsOf(element, "AllowedOrigin"),
    textsOf(element, "AllowedMethod"),
    textsOf(element, "AllowedHeader"),
    textsOf(element, "ExposeHeader"),
  ]
  if (origins.length === 0 || allowed.length === 0)
    throw new S3Error("MalformedXML", "A CORSRule has at least one AllowedOrigin and one AllowedMethod.")
  if (id !== undefined && id.length > 255) throw invalid("The ID of a CORSRule has no more than 255 characters.")
  if (age !== undefined && !/^\d{1,9}$/.test(age)) throw invalid("MaxAgeSeconds is a number of seconds.")
  for (const method of allowed)
    if (!methods.has(method)) throw invalid(`Found unsupported HTTP method in CORS config. Unsupported method is ${method}`)
  for (const origin of origins) if (!/^[\x21-\x7e]{1,2048}$/.test(origin)) throw invalid(`AllowedOrigin "${origin}" is no origin.`)
  for (const name of [...headers, ...exposed]) if (!token.test(name)) throw invalid(`"${name}" is no name of a header field.`)
  for (const pattern of [...origins, ...headers])
    if (pattern.split("*").length > 2) throw invalid(`"${pattern}" can not have more than one wildcard.`)
  for (const name of exposed) if (name.includes("*")) throw invalid(`ExposeHeader "${name}" contains wildcard.`)
  return {
    ...(id === undefined ? {} : { ID: id }),
    AllowedOrigins: origins,
    AllowedMethods: allowed,
    AllowedHeaders: headers,
    ExposeHeaders: exposed,
    ...(age === undefined ? {} : { MaxAgeSeconds: Number(age) }),
  }
}

/** The inside of the `CORSConfiguration` that says these rules. */
export const corsConfiguration = (rules: CorsRule[]): { CORSRule: XmlValue[] } => ({
  CORSRule: rules.map((rule) => ({
    ID: rule.ID,
    AllowedMethod: rule.AllowedMethods,
    AllowedOrigin: rule.AllowedOrigins,
    AllowedHeader: rule.AllowedHeaders,
    MaxAgeSeconds: rule.MaxAgeSeconds,
    ExposeHeader: rule.ExposeHeaders,
  })),
})

/** Header fields of the answer to a preflight (OPTIONS). Throws BadRequest for what is no preflight, and AccessForbidden where no rule allows it. */
export function preflightHeaders(rules: CorsRule[] | undefined, request: Headers): Record<string, string> {
  const origin = request.get("origin")
  const method = request.get("access-control-request-method")
  if (origin === null) throw new S3Error("BadRequest", "Insufficient information. Origin request header needed.")
  if (method === null || !methods.has(method)) throw new S3Error("BadRequest", `Invalid Access-Control-Request-Method: ${method}`)
  if (rules === undefined) throw new S3Error("AccessForbidden", "CORSResponse: CORS is not enabled for this bucket.")
  const names = (request.get("access-control-request-headers") ?? "").split(",").map((name) => name.trim().toLowerCase())
  const wanted = names.filter((name) => name !== "")
  const rule = rules.find((rule) => fits(rule, origin, method) && wanted.every((name) => isAllowed(rule, name)))
  if (rule === undefined)
    throw new S3Error("AccessForbidden", "CORSResponse: This CORS request is not allowed.", { Method: method }, { vary })
  return {
    ...sharedHeaders(rule, origin),
    "access-control-allow-methods": rule.AllowedMethods.join(", "),
    ...(wanted.length === 0 ? {} : { "access-control-allow-headers": wanted.join(", ") }),
    ...(rule.MaxAgeSeconds === undefined ? {} : { "access-control-max-age": String(rule.MaxAgeSeconds) }),
  }
}

/** Header fields that go with any other answer, whatever its status: none for a bucket without rules. */
export function corsHeaders(rules: CorsRule[] | undefined, method: string, request: Headers): Record<string, string> {
  if (rules === undefined) return {}
  const origin = request.get("origin")
  const rule = origin === null ? undefined : rules.find((rule) => fits(rule, origin, method))
  return origin === null || rule === undefined ? { vary } : sharedHeaders(rule, origin)
}

function sharedHeaders(rule: CorsRule, origin: string): Record<string, string> {
  const isAnyone = originPattern(rule, origin) === "*"
  return {
    "access-control-allow-origin": isAnyone ? "*" : origin,
    // With `*` a browser takes no such word.
    ...(isAnyone ? {} : { "access-control-allow-credentials": "true" }),
    ...(rule.ExposeHeaders.length === 0 ? {} : { "access-control-expose-headers": rule.ExposeHeaders.join(", ") }),
    vary,
  }
}

const fits = (rule: CorsRule, origin: string, method: string) =>
  rule.AllowedMethods.includes(method) && originPattern(rule, origin) !== undefined

const originPattern = (rule: CorsRule, origin: string) => rule.AllowedOrigins.find((pattern) => matches(pattern, origin))

const isAllowed = (rule: CorsRule, name: string) =>
  token.test(name) && rule.AllowedHeaders.some((pattern) => matches(pattern.toLowerCase(), name))

/** Whether a text is the pattern, whose one `*` stands for anything. */
function matches(pattern: string, text: string): boolean {
  const [before = "", after] = pattern.split("*")
  if (after === undefined) return text === pattern
  return text.length >= before.length + after.length && text.startsWith(before) && text.endsWith(after)
}

const invalid = (message: string) => new S3Error("InvalidRequest", message)
