import { expect, test } from "bun:test"
import { parseEntries, printEntry } from "./corpus"
import { deliver, whole } from "./delivery"
import { parseBytes, printBytes } from "./escaped-text"
import { mutate } from "./mutation"
import { Random } from "./random"
import { randomRequest } from "./request-grammar"
import { shrink } from "./shrink"
import { readRequest } from "./strict-request"
import { readResponses } from "./strict-response"

const head = "POST / HTTP/1.1\r\nHost: a\r\n"

test.each([
  ["", "incomplete"],
  ["GET / HTTP/1.1\r\nHost: a\r\n\r\n", "whole"],
  ["GET / HTTP/1.1\r\nHost: a\r\n", "incomplete"],
  [" GET / HTTP/1.1\r\nHost: a\r\n\r\n", "malformed"],
  ["\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "malformed"],
  ["GET / HTTP/1.0\r\nHost: a\r\n\r\n", "malformed"],
  ["GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", "malformed"],
  ["GET / HTTP/1.1\r\n\r\n", "malformed"],
  [`${head}Host: a\r\n\r\n`, "malformed"],
  [`${head}A : b\r\n\r\n`, "malformed"],
  [`${head}A: b\nC: d\r\n\r\n`, "malformed"],
  [`${head}Content-Length: 2\r\n\r\nhi`, "whole"],
  [`${head}Content-Length: 3\r\n\r\nhi`, "incomplete"],
  [`${head}Content-Length: 2\r\nContent-Length: 2\r\n\r\nhi`, "malformed"],
  [`${head}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, "malformed"],
  [`${head}Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nA: b\r\n\r\n`, "whole"],
  [`${head}Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n`, "incomplete"],
  [`${head}Transfer-Encoding: chunked\r\n\r\n2;a\r\nhi\r\n0\r\n\r\n`, "malformed"],
  [`${head}Transfer-Encoding: chunked\r\n\r\n2\r\nhii\r\n0\r\n\r\n`, "malformed"],
  [`${head}Transfer-Encoding: gzip\r\n\r\n`, "malformed"],
])("%j is %s to the recorder", (text, kind) => {
  expect(readRequest(Buffer.from(text, "latin1"), false).kind).toBe(kind as never)
})

test.each([
  ["HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", false, "nothing", 1],
  ["HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok", true, "broken off", 0],
  ["HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 \r\n\r\n", false, "nothing", 2],
  ["HTTP/1.1 200 OK\r\n\r\nok", true, "nothing", 1],
  ["HTTP/1.1 200 OK\r\n\r\nok", false, "broken off", 0],
  ["HTTP/1.1 204 \r\n\r\nx", false, "malformed", 1],
  ["HTTP/1.1 20 OK\r\n\r\n", false, "malformed", 0],
  ["", true, "nothing", 0],
])("%j is read as responses", (text, ended, rest, count) => {
  const answers = readResponses(Buffer.from(text), { ended, finals: 1, bodiless: () => false })
  expect({ rest: answers.rest, count: answers.whole.length }).toEqual({ rest: rest as never, count })
})

test("bytes survive their escaped form, whatever they are", () => {
  for (let i = 0; i < 300; i++) {
    const random = new Random(7, i)
    const bytes = mutate(random, randomRequest(random), [randomRequest(random)])
    expect(parseBytes(printBytes(bytes)).equals(bytes)).toBe(true)
    const entry = { name: "x", notes: { a: "b" }, bytes }
    expect(parseEntries(printEntry(entry), "f")[0]?.bytes.equals(bytes)).toBe(true)
  }
})

test.each(["\\q", "\xe4", "\\x0"])("%j is refused as escaped bytes", (text) => {
  expect(() => parseBytes(text)).toThrow()
})

test("a seed and an index give the same case in every run, and another one for each index", () => {
  const texts = Array.from({ length: 50 }, (_, i) => randomRequest(new Random(1, i)).toString("latin1"))
  expect(Array.from({ length: 50 }, (_, i) => randomRequest(new Random(1, i)).toString("latin1"))).toEqual(texts)
  expect(new Set(texts).size).toBeGreaterThan(45)
})

test("a finding is shortened to what makes it", async () => {
  const bytes = Buffer.from(`${"a".repeat(200)}X${"b".repeat(300)}Y`)
  const short = await shrink(bytes, async (part) => part.includes("X") && part.includes("Y"), 500)
  expect(short.toString()).toBe("XY")
})

test("a delivery sends every byte once, in order", async () => {
  for (const delivery of [whole, { cuts: [1, 3, 3, 90], pauseMs: 0 }]) {
    const sent: Buffer[] = []
    await deliver(Buffer.from("abcdef"), delivery, { send: (piece) => void sent.push(piece) })
    expect(Buffer.concat(sent).toString()).toBe("abcdef")
  }
})
