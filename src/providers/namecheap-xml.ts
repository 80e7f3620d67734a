import { XMLParser, XMLValidator } from "fast-xml-parser"
import { type ApiAnswer, type Fields, fieldsOf, type Judgement, textOf } from "./http-api"
import { type FaultReason, ProviderFault } from "./provider"

/** Elements that come once or many times; hosts are documented as `Host` and answered as `host`. */
const repeated = new Set(["Error", "Domain", "Host", "host"])

const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: "@",
  // Values stay as they are written, a TXT of `1e3` or of blanks too.
  parseTagValue: false,
  trimValues: false,
  htmlEntities: true,
  isArray: (name) => repeated.has(name),
})

/** What a command answered with, inside `CommandResponse`; throws `unreachable` where the answer is no such document. */
export function commandResponse(answer: ApiAnswer): Fields {
  const response = parse(answer.text)?.CommandResponse
  if (typeof response === "object" && response !== null) return response as Fields
  throw new ProviderFault("unreachable", `Namecheap answered ${answer.status} without a CommandResponse where its API documents one`)
}

/** The elements of a name inside another, none where there are none. */
export function elementsIn(fields: unknown, ...names: string[]): Fields[] {
  return names.flatMap((name) => fieldsOf(fields)[name] ?? []).map(fieldsOf)
}

/** An attribute of an element. */
export const attributeOf = (element: unknown, name: string) => textOf(fieldsOf(element)[`@${name}`])

/** What an answer says of its errors, which come with status 200; a 405 is how too many calls were seen to be answered. */
export function judgeDocument(answer: ApiAnswer): Judgement | undefined {
  if (answer.status === 405) return { reason: "rate_limited", words: "too many requests" }
  const document = parse(answer.text)
  if (document === undefined || document["@Status"] !== "ERROR") return undefined
  const errors = elementsIn(document.Errors, "Error")
  const words = errors.map((error) => `${attributeOf(error, "Number")}: ${textOf(error["#text"]).trim()}`).join("; ")
  return { reason: reasonOf(attributeOf(errors[0], "Number"), words), words }
}

/**
 * Error numbers: seven digits with 10 in front are about who asks, those that end in 50900 are faults of Namecheap's own, of which 2050900 was seen to
 * be about values that it does not take.
 */
function reasonOf(number: string, words: string): FaultReason {
  if (number === "500000" || /too many requests/i.test(words)) return "rate_limited"
  if (number.endsWith("50900") && number !== "2050900") return "unreachable"
  return /^10\d{5}$/.test(number) && number !== "1010104" ? "denied" : "refused"
}

function parse(text: string): Fields | undefined {
  // The parser takes half a document for a whole one.
  if (XMLValidator.validate(text) !== true) return undefined
  const root = fieldsOf(parser.parse(text)).ApiResponse
  return root === undefined ? undefined : fieldsOf(root)
}
