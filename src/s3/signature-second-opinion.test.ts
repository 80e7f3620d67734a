import { expect, test } from "bun:test"
import { Sha256 } from "@aws-crypto/sha256-js"
import { SignatureV4 } from "@smithy/signature-v4"
import { targetOf } from "./address"
import type { SignedRequest } from "./signature"
import { codeOf, exampleKey, exampleSignatures } from "./signature.fixture"

const alphabet = [
  "a",
  "Z",
  "0",
  "-",
  "_",
  ".",
  "~",
  " ",
  "+",
  "%",
  "&",
  "=",
  "?",
  "#",
  "!",
  "'",
  "(",
  ")",
  "*",
  ":",
  "é",
  "漢",
  "😀",
  "\u0001",
  '"',
  "\\",
]
const random = (most: number, letters = alphabet) =>
  Array.from({ length: 1 + Math.floor(Math.random() * most) }, () => letters[Math.floor(Math.random() * letters.length)]).join("")
const encoded = (text: string) =>
  encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)

const official = new SignatureV4({
  service: "s3",
  region: "eu-central-1",
  credentials: { accessKeyId: exampleKey.id, secretAccessKey: exampleKey.secret },
  sha256: Sha256,
  uriEscapePath: false,
})

const randomRequest = () => ({
  method: ["GET", "PUT", "POST", "DELETE", "HEAD"][Math.floor(Math.random() * 5)] ?? "GET",
  protocol: "http:",
  hostname: "box.example",
  port: 9000,
  path: `/${encoded(random(10))}/${[random(8), random(8), random(3)].map(encoded).join("/")}`,
  query: Object.fromEntries([...Array(3)].map(() => [random(6), Math.random() < 0.2 ? "" : random(6)])),
  headers: {
    host: "box.example:9000",
    "content-type": random(9, ["a", "/", " ", ";"]),
    "x-amz-meta-a": random(9, ["a", " ", "  ", "é", "\t"]),
    "x-amz-meta-empty": "",
  } as Record<string, string>,
})

/** As the presigner of Amazon's SDK for S3 calls it. */
const presign = (request: ReturnType<typeof randomRequest>, now: number) =>
  official.presign(
    { ...request, headers: { ...request.headers, "X-Amz-Content-Sha256": "UNSIGNED-PAYLOAD" } },
    { expiresIn: 60, signingDate: new Date(now) },
  )

/** The request as Bun's server would hand it on. */
function received({ method, path, query, headers }: Awaited<ReturnType<typeof official.presign>>): SignedRequest {
  const text = Object.entries(query ?? {}).map(([name, value]) => `${encoded(name)}=${encoded(String(value))}`)
  const fields = Object.entries(headers).map(([name, value]): [string, string] => [name, Buffer.from(value).toString("latin1").trim()])
  return { method, ...targetOf(`http://box.example${path}?${text.join("&")}`), headers: new Headers(fields) }
}

test("three hundred random requests of another implementation are taken, and not taken with one thing changed", async () => {
  const now = Date.now()
  for (let i = 0; i < 300; i++) {
    const isPresigned = i % 3 === 0
    const signed = isPresigned ? await presign(randomRequest(), now) : await official.sign(randomRequest(), { signingDate: new Date(now) })
    const request = received(signed)
    const signatures = exampleSignatures(now)
    const { caller, headers } = await signatures.authenticate(request).catch((error) => {
      throw new Error(JSON.stringify([signed, error.extra]), { cause: error })
    })
    expect(caller?.keyId).toBe(exampleKey.id)
    // Presigning moved it into the query.
    expect(headers.has("x-amz-meta-a")).toBe(true)
    expect(headers.has("x-amz-credential")).toBe(false)
    for (const wrong of [
      { ...request, path: `${request.path}x` },
      { ...request, query: `${request.query}&a=1` },
      { ...request, method: `${request.method}X` },
    ])
      expect(await codeOf(() => signatures.authenticate(wrong))).toBe("SignatureDoesNotMatch")
  }
})

test("fields that a presigned URL has in its query count as fields, and one that was sent and signed counts more", async () => {
  const now = Date.now()
  const request = {
    ...randomRequest(),
    query: { "x-amz-acl": "public-read", "X-Amz-Meta-Name": "é" },
    headers: { host: "box.example:9000" },
  }
  const { headers } = await exampleSignatures(now).authenticate(received(await presign(request as never, now)))
  expect([headers.get("x-amz-acl"), headers.get("x-amz-meta-name"), headers.get("x-amz-signature")]).toEqual(["public-read", "Ã©", null])
})

test("a Date field is time enough", async () => {
  const now = Math.floor(Date.now() / 1000) * 1000
  const signed = received(await official.sign(randomRequest(), { signingDate: new Date(now) }))
  const headers = new Headers(signed.headers)
  headers.delete("x-amz-date")
  headers.set("date", new Date(now).toUTCString())
  headers.set("authorization", (headers.get("authorization") ?? "").replace("x-amz-date;", "").replace(";x-amz-date", ""))
  const fault = await exampleSignatures(now)
    .authenticate({ ...signed, headers })
    .catch((error) => error)
  // The other implementation does not sign so; that the time was read shows in the text.
  expect(fault.extra.StringToSign.split("\n")[1]).toBe(new Date(now).toISOString().replace(/[-:]|\.\d+/g, ""))
})
