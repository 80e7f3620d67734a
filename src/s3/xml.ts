import { XMLParser, XMLValidator } from "fast-xml-parser"
import { S3Error } from "./errors"

const s3Namespace = "http://s3.amazonaws.com/doc/2006-03-01/"

/** What a document is made of: text, or elements by their names; an array is an element several times, undefined one that is left out. */
export type XmlValue = string | number | boolean | undefined | XmlValue[] | { [name: string]: XmlValue }

/** The inside of an element that was read, to be asked by `textOf`, `elementOf`, `elementsOf` and `textsOf`. */
export type XmlElement = { [name: string]: unknown }

/** A document with S3's namespace, or with none of its own. A name that begins with `@` is an attribute, `#text` the text beside such. */
export function buildXml(rootName: string, value: { [name: string]: XmlValue }, { namespace = true } = {}): string {
  const inside = namespace ? { "@xmlns": s3Namespace, ...value } : value
  return `<?xml version="1.0" encoding="UTF-8"?>\n${element(rootName, inside)}`
}

/**
 * Written here, since a page of a listing has 6000 elements: fast-xml-parser 5.12.1 takes 15 times as long for them as this does, longer than all
 * the rest of the page.
 */
function element(name: string, value: XmlValue): string {
  if (value === undefined) return ""
  if (typeof value === "string") return `<${name}>${escaped(value)}</${name}>`
  if (typeof value !== "object") return `<${name}>${value}</${name}>`
  if (Array.isArray(value)) return value.map((one) => element(name, one)).join("")
  let [attributes, inside] = ["", ""]
  for (const [key, one] of Object.entries(value)) {
    if (key.startsWith("@")) attributes += ` ${key.slice(1)}="${escaped(String(one))}"`
    else inside += key === "#text" ? escaped(String(one)) : element(key, one)
  }
  return `<${name}${attributes}>${inside}</${name}>`
}

const named: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" }

/**
 * Control characters become references, as S3 writes them: a carriage return stays one that way, and of those that XML 1.0 does not know at all at
 * least the number arrives. Clients ask for `encoding-type=url` to be safe of them.
 */
const escaped = (text: string) =>
  text.replace(/[&<>"\u0000-\u001f\u007f-\u009f\ufffe\uffff]/g, (char) => named[char] ?? `&#x${char.charCodeAt(0).toString(16)};`)

/** Elements that come once or many times in what clients send. */
const repeated = new Set(
  "Object Part Tag Rule Transition NoncurrentVersionTransition CORSRule AllowedOrigin AllowedMethod AllowedHeader ExposeHeader".split(" "),
)

const parser = new XMLParser({
  // Keys and tags stay as they are written: `007` is no number, and a blank is a character.
  parseTagValue: false,
  trimValues: false,
  removeNSPrefix: true,
  ignoreDeclaration: true,
  ignorePiTags: true,
  maxNestedTags: 20,
  isArray: (name) => repeated.has(name),
  entityDecoder: {
    decode: (text: string) => unescaped(text),
    // What a DOCTYPE declares; S3 takes none.
    addInputEntities: () => refuse(),
    setExternalEntities: () => {},
    setXmlVersion: () => {},
    reset: () => {},
  },
})

const characters: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" }

function unescaped(text: string): string {
  if (!text.includes("&")) return text
  return text.replace(/&([^;&]{0,10};?)/g, (_, name: string) => {
    if (!name.endsWith(";")) return refuse()
    const [, decimal, hex] = /^#(?:(\d{1,7})|x([\da-fA-F]{1,6}));$/.exec(name) ?? []
    const point = decimal === undefined ? Number.parseInt(hex ?? "", 16) : Number(decimal)
    if (point <= 0x10ffff) return String.fromCodePoint(point)
    return characters[name.slice(0, -1)] ?? refuse()
  })
}

/** Twice over the most that S3's documents have, but for the parts of an upload: a thousand objects or rules of a few elements each. */
const usualMarks = 25_000

/**
 * What is inside the root element of that name. Only the five entities of XML and references by number are known, a DOCTYPE is refused. The caller
 * bounds the size; a document of more than `mostMarks` tags and attributes is not read, since the parser takes up to 40 µs for each, and all others
 * wait meanwhile. Throws MalformedXML.
 */
export function parseXml(text: string, rootName: string, mostMarks = usualMarks): XmlElement {
  if (hasMore(text, mostMarks)) return refuse()
  const root = read(text)[rootName]
  if (root === undefined || Array.isArray(root)) return refuse()
  return asElement(root)
}

function hasMore(text: string, most: number): boolean {
  let count = 0
  for (const mark of ["<", '="', "='"])
    for (let at = text.indexOf(mark); at >= 0; at = text.indexOf(mark, at + 1)) if (++count > most) return true
  return false
}

function read(text: string): XmlElement {
  try {
    // The parser takes half a document for a whole one.
    if (XMLValidator.validate(text) !== true) return refuse()
    return parser.parse(text) as XmlElement
  } catch {
    // All that the library throws is about the document.
    return refuse()
  }
}

/** The text of an element inside another, undefined where there is none. Throws MalformedXML where it has elements inside, or comes twice. */
export function textOf(element: XmlElement, name: string): string | undefined {
  const found = own(element, name)
  if (found === undefined || typeof found === "string") return found
  return refuse()
}

/** An element inside another, undefined where there is none. Throws MalformedXML where it is text, or comes twice. */
export function elementOf(element: XmlElement, name: string): XmlElement | undefined {
  const found = own(element, name)
  return found === undefined ? undefined : asElement(found)
}

/** All elements of a name inside another, of those that may come many times. Throws MalformedXML where one is text. */
export const elementsOf = (element: XmlElement, name: string): XmlElement[] => listOf(element, name).map(asElement)

/** The texts of all elements of a name inside another, of those that may come many times. Throws MalformedXML where one has elements inside. */
export const textsOf = (element: XmlElement, name: string): string[] =>
  listOf(element, name).map((found) => (typeof found === "string" ? found : refuse()))

const own = (element: XmlElement, name: string): unknown => (Object.hasOwn(element, name) ? element[name] : undefined)

function listOf(element: XmlElement, name: string): unknown[] {
  const found = own(element, name)
  if (found === undefined) return []
  return Array.isArray(found) ? found : [found]
}

/** An element without content was read as an empty text. */
function asElement(found: unknown): XmlElement {
  if (typeof found === "string" && found.trim() === "") return {}
  return typeof found === "object" && found !== null && !Array.isArray(found) ? (found as XmlElement) : refuse()
}

function refuse(): never {
  throw new S3Error("MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
}

/** A key as a listing shows it: percent-encoded but for slashes where the client asked for `url`. */
export function encodeKey(key: string, encodingType: string | undefined): string {
  return encodingType === "url"
    ? encodeURIComponent(key)
        .replace(/%2F/g, "/")
        .replace(/[!'()]/g, percent)
    : key
}

const percent = (char: string) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`
