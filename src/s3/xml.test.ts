import { expect, test } from "bun:test"
import { S3Error } from "./errors"
import { buildXml, elementOf, elementsOf, encodeKey, parseXml, textOf, textsOf } from "./xml"

const codeOf = (run: () => unknown) => {
  try {
    run()
  } catch (error) {
    return error instanceof S3Error ? error.code : String(error)
  }
  return undefined
}

const wrap = (inside: string) => `<?xml version="1.0"?><Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${inside}</Delete>`

test("a document has the header, the namespace, repeated elements, and nothing for what is undefined", () => {
  const built = buildXml("R", {
    Name: "b",
    Prefix: "",
    IsTruncated: false,
    Max: 1000,
    Marker: undefined,
    Contents: [{ Key: "a" }, { Key: "b" }],
  })
  expect(built).toBe(
    '<?xml version="1.0" encoding="UTF-8"?>\n<R xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name><Prefix></Prefix>' +
      "<IsTruncated>false</IsTruncated><Max>1000</Max><Contents><Key>a</Key></Contents><Contents><Key>b</Key></Contents></R>",
  )
  expect(buildXml("Error", { Code: "X" }, { namespace: false })).toContain("<Error><Code>X</Code></Error>")
})

test("attributes stand beside elements and text", () => {
  const built = buildXml("A", {
    Grantee: { "@xmlns:xsi": "urn:x", "@xsi:type": "CanonicalUser", ID: "1" },
    Flag: { "@is": "true", "#text": "a<b" },
  })
  expect(built).toContain('<Grantee xmlns:xsi="urn:x" xsi:type="CanonicalUser"><ID>1</ID></Grantee><Flag is="true">a&lt;b</Flag>')
})

const awkward = [
  "a&b<c>\"'",
  " lead and trail ",
  "tab\tline\nreturn\r",
  "007",
  "1e3",
  "true",
  "é 漢 😀",
  "&amp;",
  "&#x41;",
  "]]>",
  "\u007f\u0085",
  "__proto__",
]

test.each(awkward)("%j comes back as it was", (key) => {
  const text = buildXml("Delete", { Object: [{ Key: key }] })
  expect(textOf(elementsOf(parseXml(text, "Delete"), "Object")[0]!, "Key")).toBe(key)
})

test("control characters are written as references", () => {
  expect(buildXml("R", { Key: "a\u0001\r\ufffe" })).toContain("<Key>a&#x1;&#xd;&#xfffe;</Key>")
})

test("what may come many times is a list also when it comes once, or never", () => {
  const one = parseXml(wrap("<Object><Key>a</Key></Object>"), "Delete")
  expect(elementsOf(one, "Object").map((object) => textOf(object, "Key"))).toEqual(["a"])
  expect(elementsOf(parseXml(wrap(""), "Delete"), "Object")).toEqual([])
  expect(parseXml("<Delete/>", "Delete")).toEqual({})
  expect(
    textsOf(parseXml("<CORSRule><AllowedOrigin>*</AllowedOrigin></CORSRule>".replaceAll("CORSRule", "R"), "R"), "AllowedOrigin"),
  ).toEqual(["*"])
})

test("blanks between elements, comments, CDATA, prefixes and a byte order mark are no trouble", () => {
  const text = `\ufeff<?xml version="1.0"?>\n<!-- c --><s:Delete xmlns:s="x">\n  <s:Object>\n <s:Key><![CDATA[a&amp;<b>]]></s:Key> </s:Object>\n</s:Delete>\n`
  expect(elementsOf(parseXml(text, "Delete"), "Object").map((object) => textOf(object, "Key"))).toEqual(["a&amp;<b>"])
})

test("a name of Object.prototype is nothing", () => {
  const root = parseXml(wrap("<a/>"), "Delete")
  expect(textOf(root, "constructor")).toBeUndefined()
  expect(elementOf(root, "__proto__")).toBeUndefined()
  expect(codeOf(() => parseXml(wrap("<__proto__><polluted>1</polluted></__proto__>"), "Delete"))).toBe("MalformedXML")
  expect(({} as Record<string, unknown>).polluted).toBeUndefined()
})

const lol = `<!DOCTYPE Delete [<!ENTITY a "${"x".repeat(1000)}"><!ENTITY b "${"&a;".repeat(1000)}">]>`

test.each([
  ["nothing", ""],
  ["no XML", "hello"],
  ["half a document", "<Delete><Object><Key>a</Key>"],
  ["another root", "<Other/>"],
  ["two roots", "<Delete/><Delete/>"],
  ["text for a root", "<Delete>a</Delete>"],
  ["a DOCTYPE", "<!DOCTYPE Delete><Delete/>"],
  ["a billion laughs", `${lol}<Delete><Object><Key>&b;</Key></Object></Delete>`],
  ["an external entity", `<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]><Delete><Object><Key>&x;</Key></Object></Delete>`],
  ["an unknown entity", wrap("<Object><Key>&nbsp;</Key></Object>")],
  ["an entity of Object.prototype", wrap("<Object><Key>&constructor;</Key></Object>")],
  ["a bare ampersand", wrap("<Object><Key>a & b</Key></Object>")],
  ["an entity without its end", wrap("<Object><Key>&ampx</Key></Object>")],
  ["a reference beyond Unicode", wrap("<Object><Key>&#x110000;</Key></Object>")],
  ["a reference without a number", wrap("<Object><Key>&#;</Key></Object>")],
  ["depth", wrap("<a>".repeat(200) + "</a>".repeat(200))],
])("%s is malformed", (_, text) => {
  expect(codeOf(() => parseXml(text, "Delete"))).toBe("MalformedXML")
})

test("an element where text belongs, text where an element belongs, and one too many are malformed", () => {
  const root = parseXml(wrap("<Quiet><a/></Quiet><Two>1</Two><Two>2</Two><Object>text</Object>"), "Delete")
  expect(codeOf(() => textOf(root, "Quiet"))).toBe("MalformedXML")
  expect(codeOf(() => textOf(root, "Two"))).toBe("MalformedXML")
  expect(codeOf(() => elementOf(root, "Two"))).toBe("MalformedXML")
  expect(codeOf(() => elementsOf(root, "Object"))).toBe("MalformedXML")
})

test("two megabytes of hostile text are read in no time worth a talk", () => {
  const began = performance.now()
  for (const text of [
    "&".repeat(2e6),
    "<a".repeat(1e6),
    "<".repeat(2e6),
    `<Delete>${"&#".repeat(1e6)}</Delete>`,
    `<Delete ${"a='".repeat(5e5)}/>`,
  ])
    expect(codeOf(() => parseXml(text, "Delete"))).toBe("MalformedXML")
  expect(performance.now() - began).toBeLessThan(5000)
})

test("keys are percent-encoded where the client asks for it", () => {
  expect(encodeKey("a b/c+d(é)*\r", "url")).toBe("a%20b/c%2Bd%28%C3%A9%29*%0D")
  expect(encodeKey("a b/c", undefined)).toBe("a b/c")
})
