import { S3Error } from "./errors"
import { maxObjectTags, type Tags, tagsOf } from "./tags"
import { elementOf, elementsOf, textOf, type XmlElement, type XmlValue } from "./xml"

/** One rule of a bucket, as it is kept in its namespace. */
export type LifecycleRule = {
  id: string
  isEnabled: boolean
  /** Whether the prefix came in the older way, beside the filter's place. */
  isOldForm?: true
  prefix: string
  tags: Tags
  moreThanBytes?: number
  lessThanBytes?: number
  /** Days after it was written when a current object goes, or the Unix milliseconds. */
  expireDays?: number
  expireAt?: number
  /** A delete marker with nothing behind it goes. */
  expireMarkers?: true
  /** Days after a version was written over when it goes, but for the newest of them. */
  noncurrentDays?: number
  keepNoncurrent?: number
  /** Days after an upload was begun when it ends. */
  abortDays?: number
}

const maxRules = 1000
const dayMs = 86_400_000

/** The rules of a `LifecycleConfiguration`. Throws MalformedXML, InvalidRequest, InvalidArgument, InvalidTag. */
export function parseLifecycle(document: XmlElement): LifecycleRule[] {
  const elements = elementsOf(document, "Rule")
  if (elements.length === 0 || elements.length > maxRules) throw malformed(`1 to ${maxRules} rules`)
  const rules = elements.map((element, i) => parseRule(element, `rule-${i + 1}`))
  if (new Set(rules.map(({ id }) => id)).size < rules.length)
    throw new S3Error("InvalidArgument", "Rule ID must be unique. Found same ID for more than one rule")
  return rules
}

function parseRule(element: XmlElement, usualId: string): LifecycleRule {
  const id = textOf(element, "ID") || usualId
  if (id.length > 255) throw new S3Error("InvalidArgument", "ID length should not exceed allowed limit of 255")
  const status = textOf(element, "Status")?.trim()
  if (status !== "Enabled" && status !== "Disabled") throw malformed("Status is Enabled or Disabled")
  if ("Transition" in element || "NoncurrentVersionTransition" in element)
    throw new S3Error("InvalidArgument", "'StorageClass' of a transition is not there: there is one storage class")
  const rule = { id, isEnabled: status === "Enabled", ...scopeOf(element), ...actionsOf(element) }
  const hasAction = rule.expireDays ?? rule.expireAt ?? rule.expireMarkers ?? rule.noncurrentDays ?? rule.abortDays
  if (hasAction === undefined) throw new S3Error("InvalidRequest", "At least one action needs to be specified in a rule")
  const isNarrow = Object.keys(rule.tags).length > 0 || rule.moreThanBytes !== undefined || rule.lessThanBytes !== undefined
  if (isNarrow && rule.abortDays !== undefined)
    throw new S3Error("InvalidRequest", "AbortIncompleteMultipartUpload cannot be specified with Tags or object sizes")
  if (isNarrow && rule.expireMarkers)
    throw new S3Error("InvalidRequest", "ExpiredObjectDeleteMarker cannot be specified with Tags or object sizes")
  return rule
}

type Scope = Pick<LifecycleRule, "isOldForm" | "prefix" | "tags" | "moreThanBytes" | "lessThanBytes">

function scopeOf(element: XmlElement): Scope {
  const [prefix, filter] = [textOf(element, "Prefix"), elementOf(element, "Filter")]
  if ((prefix === undefined) === (filter === undefined)) throw malformed("a rule has a Filter, or a Prefix")
  if (filter === undefined) return { isOldForm: true, prefix: prefix ?? "", tags: {} }
  const conditions = ["Prefix", "Tag", "ObjectSizeGreaterThan", "ObjectSizeLessThan", "And"].filter((name) => name in filter)
  if (conditions.length > 1) throw malformed("a Filter has one condition, or And")
  const inside = elementOf(filter, "And") ?? filter
  const scope: Scope = {
    prefix: textOf(inside, "Prefix") ?? "",
    tags: "Tag" in inside ? tagsOf({ TagSet: { Tag: inside.Tag } }, maxObjectTags) : {},
  }
  const [more, less] = [numberIn(inside, "ObjectSizeGreaterThan", 0), numberIn(inside, "ObjectSizeLessThan", 1)]
  if (more !== undefined) scope.moreThanBytes = more
  if (less !== undefined) scope.lessThanBytes = less
  if (more !== undefined && less !== undefined && less <= more)
    throw new S3Error("InvalidRequest", "'ObjectSizeLessThan' has to be a value greater than 'ObjectSizeGreaterThan'")
  return scope
}

type Actions = Omit<LifecycleRule, keyof Scope | "id" | "isEnabled">

function actionsOf(element: XmlElement): Actions {
  const actions: Actions = {}
  const [expiration, noncurrent, abort] = ["Expiration", "NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload"].map((name) =>
    elementOf(element, name),
  )
  if (expiration !== undefined) Object.assign(actions, expirationOf(expiration))
  if (noncurrent !== undefined) {
    actions.noncurrentDays = numberIn(noncurrent, "NoncurrentDays", 1)
    if (actions.noncurrentDays === undefined) throw malformed("NoncurrentVersionExpiration has NoncurrentDays")
    const keep = numberIn(noncurrent, "NewerNoncurrentVersions", 1)
    if (keep !== undefined) actions.keepNoncurrent = keep
    if (keep !== undefined && keep > 100) throw new S3Error("InvalidArgument", "'NewerNoncurrentVersions' must be at most 100")
  }
  if (abort !== undefined) {
    actions.abortDays = numberIn(abort, "DaysAfterInitiation", 1)
    if (actions.abortDays === undefined) throw malformed("AbortIncompleteMultipartUpload has DaysAfterInitiation")
  }
  return actions
}

function expirationOf(expiration: XmlElement): Actions {
  const [date, markers] = [textOf(expiration, "Date"), textOf(expiration, "ExpiredObjectDeleteMarker")]
  const days = numberIn(expiration, "Days", 1)
  if ([days, date, markers].filter((one) => one !== undefined).length !== 1)
    throw malformed("Expiration has one of Days, Date and ExpiredObjectDeleteMarker")
  if (days !== undefined) return { expireDays: days }
  if (date === undefined) return markers?.trim() === "true" ? { expireMarkers: true } : {}
  const expireAt = /^\d{4}-\d\d-\d\d(T[\d:.]+(Z|[+-]00:?00))?$/.test(date.trim()) ? Date.parse(date.trim()) : Number.NaN
  if (Number.isNaN(expireAt) || expireAt % dayMs !== 0) throw new S3Error("InvalidArgument", "'Date' must be at midnight GMT")
  return { expireAt }
}

function numberIn(element: XmlElement, name: string, least: number): number | undefined {
  const text = textOf(element, name)?.trim()
  if (text === undefined) return undefined
  if (!/^-?\d{1,16}$/.test(text)) throw malformed(`${name} is a number`)
  if (Number(text) < least) throw new S3Error("InvalidArgument", `'${name}' must be ${least === 0 ? "zero or more" : "a positive integer"}`)
  return Number(text)
}

/** The same as a document's inside. */
export const lifecycleElement = (rules: LifecycleRule[]): { [name: string]: XmlValue } => ({ Rule: rules.map(ruleElement) })

function ruleElement(rule: LifecycleRule): { [name: string]: XmlValue } {
  const { id, isEnabled, isOldForm, prefix, expireDays, expireAt, expireMarkers, noncurrentDays, keepNoncurrent, abortDays } = rule
  const date = expireAt === undefined ? undefined : new Date(expireAt).toISOString()
  return {
    ID: id,
    ...(isOldForm ? { Prefix: prefix } : { Filter: filterElement(rule) }),
    Status: isEnabled ? "Enabled" : "Disabled",
    Expiration:
      expireDays === undefined && date === undefined && expireMarkers === undefined
        ? undefined
        : { Days: expireDays, Date: date, ExpiredObjectDeleteMarker: expireMarkers },
    NoncurrentVersionExpiration:
      noncurrentDays === undefined ? undefined : { NoncurrentDays: noncurrentDays, NewerNoncurrentVersions: keepNoncurrent },
    AbortIncompleteMultipartUpload: abortDays === undefined ? undefined : { DaysAfterInitiation: abortDays },
  }
}

function filterElement({ prefix, tags, moreThanBytes, lessThanBytes }: LifecycleRule): { [name: string]: XmlValue } {
  const Tag = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }))
  const count = [prefix !== "", moreThanBytes !== undefined, lessThanBytes !== undefined].filter(Boolean).length + Tag.length
  const inside = {
    Prefix: prefix === "" && count > 0 ? undefined : prefix,
    Tag: Tag.length > 0 ? Tag : undefined,
    ObjectSizeGreaterThan: moreThanBytes,
    ObjectSizeLessThan: lessThanBytes,
  }
  return count > 1 ? { And: inside } : inside
}

const malformed = (what: string) =>
  new S3Error("MalformedXML", `The XML you provided was not well-formed or did not validate against our published schema: ${what}`)
