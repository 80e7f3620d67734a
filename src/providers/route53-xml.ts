import { XMLBuilder, XMLParser, XMLValidator } from "fast-xml-parser"
import type { ApiAnswer, Fields, Judgement } from "./http-api"
import { fieldsOf, textOf } from "./http-api"
import { type FaultReason, ProviderFault, type RecordSet } from "./provider"

const namespace = "https://route53.amazonaws.com/doc/2013-04-01/"

/** Elements that the API documents as lists, which hold one or none at times. */
const repeated = new Set(["HostedZone", "ResourceRecordSet", "ResourceRecord", "NameServer", "Message"])

const parser = new XMLParser({
  // Values stay as they are written: a TTL of `0300` or a TXT of `1e3` is no number to us.
  parseTagValue: false,
  trimValues: false,
  isArray: (name) => repeated.has(name),
})
const builder = new XMLBuilder({ ignoreAttributes: false, attributeNamePrefix: "@" })

/** What is inside the root element of that name; throws `unreachable` where the answer is no such document. */
export function documentIn(answer: ApiAnswer, root: string): Fields {
  const inside = parse(answer.text)?.[root]
  if (typeof inside !== "object" || inside === null) {
    throw new ProviderFault("unreachable", `Route 53 answered ${answer.status} without a ${root} where its API documents one`)
  }
  return inside as Fields
}

/** The elements at the end of this path, none where there is no such path. */
export function elementsAt(fields: Fields, ...path: string[]): unknown[] {
  const last = path.reduce<unknown>((at, key) => fieldsOf(at)[key], fields)
  return Array.isArray(last) ? last : []
}

/** A set as ChangeResourceRecordSets takes it; values are those of `ResourceRecord`. */
export type Change = { action: "UPSERT" | "DELETE"; set: RecordSet }

/** The body of ChangeResourceRecordSets: all of the changes or none. */
export function changeDocument(changes: Change[]): string {
  const change = changes.map(({ action, set }) => ({
    Action: action,
    ResourceRecordSet: {
      Name: `${set.name}.`,
      Type: set.type,
      TTL: set.ttlSeconds,
      ResourceRecords: { ResourceRecord: set.values.map((value) => ({ Value: value })) },
    },
  }))
  return builder.build({
    "?xml": { "@version": "1.0", "@encoding": "UTF-8" },
    ChangeResourceRecordSetsRequest: { "@xmlns": namespace, ChangeBatch: { Changes: { Change: change } } },
  })
}

// Both come with status 400, as other faults of the caller do.
const laterCodes = new Set(["Throttling", "ThrottlingException", "PriorRequestNotComplete", "RequestLimitExceeded"])
const deniedCodes = new Set(["IncompleteSignature", "InvalidSignature", "ExpiredToken", "ExpiredTokenException"])

/** What an error document says: which kind of fault, and its words. */
export function judgeErrorDocument(answer: ApiAnswer): Judgement | undefined {
  if (answer.status < 400) return undefined
  const document = parse(answer.text) ?? {}
  const error = fieldsOf(fieldsOf(document.ErrorResponse).Error)
  const code = textOf(error.Code) || (document.InvalidChangeBatch === undefined ? "" : "InvalidChangeBatch")
  const messages = [
    ...elementsAt(error, "Message"),
    ...elementsAt(fieldsOf(document.InvalidChangeBatch), "Messages", "Message"),
    ...elementsAt(fieldsOf(document.InvalidChangeBatch), "Message"),
  ]
  const words = [code, ...messages.map(textOf)].filter((text) => text !== "").join(": ")
  return { reason: reasonOf(code, words), words }
}

function reasonOf(code: string, words: string): FaultReason | undefined {
  if (laterCodes.has(code)) return "rate_limited"
  if (deniedCodes.has(code)) return "denied"
  // Somebody else changed the set after it was read: to do it again reads what is there now.
  if (code === "InvalidChangeBatch" && /do not match the current values|but it was not found/.test(words)) return "unreachable"
  return undefined
}

function parse(text: string): Fields | undefined {
  // The parser takes half a document for a whole one.
  if (XMLValidator.validate(text) !== true) return undefined
  return parser.parse(text) as Fields
}
