import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import { AppError } from "../../src/errors"
import { canonicalAddress, isInRange, parseIp } from "../../src/ip-address"
import { canonicalHost } from "../../src/hostname"
import { HpackDecoder } from "../../src/edge/http2/hpack-decoder"
import { HpackError } from "../../src/edge/http2/hpack-table"
import { parseProxyHeader, ProxyHeaderError } from "../../src/edge/proxy-protocol"
import { parseAuthority, parseServerName } from "../../src/edge/server-name"
import { decodeMessage, encodeMessage } from "../../src/dns/wire"
import { WireError } from "../../src/dns/name"
import { presentedToken } from "../../src/http/guards"
import { S3Error } from "../../src/s3/errors"
import { decodePath } from "../../src/s3/address"
import { claimOf } from "../../src/s3/signature-claim"
import { parseXml } from "../../src/s3/xml"
import { judgeRange } from "../../src/storage/conditions"
import { tarHead, TarReader } from "../../src/ssh/tar"
import { parsePublicKey } from "../../src/compute/ssh-key"
import { parseSpf } from "../../src/email/spf"
import { readFrames } from "../../src/engine/exec-frames"
import { kindOfAddress } from "../../src/special-addresses"

// HTTP/1 and DNS packets have fuzzers of their own (test/fuzz). Here each parser of what strangers send holds to what it says of itself: a value, or an
// error of its own kind, never another one, and soon. `FREEHOLD_LONG=1` tries a hundred times as much.
const numRuns = process.env.FREEHOLD_LONG === "1" ? 50_000 : 500
const holds = (property: fc.IProperty<never> | fc.IRawProperty<never>) => fc.assert(property as fc.IProperty<never>, { numRuns })

/** Bytes that are noise, and bytes that are nearly right. */
const bytes = fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ minLength: 500, maxLength: 1600 }))
const near = (...samples: Uint8Array[]) =>
  fc
    .tuple(fc.constantFrom(...samples), fc.array(fc.tuple(fc.nat(2000), fc.nat(255)), { maxLength: 6 }), fc.nat(2000))
    .map(([sample, changes, cut]) => {
      const copy = Uint8Array.from(sample)
      for (const [at, value] of changes) if (copy.length > 0) copy[at % copy.length] = value
      return copy.subarray(0, cut % 3 === 0 ? cut % (copy.length + 1) : copy.length)
    })
const anyText = fc.oneof(
  fc.string({ unit: "binary", maxLength: 300 }),
  fc.string({ unit: "grapheme", maxLength: 60 }),
  fc.domain(),
  fc.ipV4(),
  fc.ipV6(),
)
/** Runs it; what it throws has to be of one of these kinds. */
const only = <T>(kinds: (new (...given: never[]) => Error)[], work: () => T): T | undefined => {
  try {
    return work()
  } catch (error) {
    if (kinds.some((kind) => error instanceof kind)) return undefined
    throw error
  }
}

describe("parsers of what strangers send", () => {
  test("hostnames have one form, which is its own form, in ASCII and within the bounds of the DNS", () => {
    const spelled = fc
      .tuple(fc.domain(), fc.constantFrom("", ".", " "), fc.boolean())
      .map(([name, tail, isUpper]) => (isUpper ? name.toUpperCase() : name) + tail)
    holds(
      fc.property(fc.oneof(anyText, spelled), (raw) => {
        const host = canonicalHost(raw)
        if (host === undefined) return
        expect(canonicalHost(host)).toBe(host)
        expect(host).toMatch(/^[a-z0-9-]+(\.[a-z0-9-]+)+$/)
        expect(host.length).toBeLessThanOrEqual(253)
        expect(parseIp(host)).toBeUndefined()
      }) as never,
    )
  })

  test("server names and authorities agree on what a host is", () => {
    holds(
      fc.property(anyText, (raw) => {
        const name = parseServerName(raw)
        if (name !== undefined) expect(parseAuthority(name)).toBe(name)
        const host = parseAuthority(raw)
        if (host !== undefined && !host.startsWith("[")) expect(host).toMatch(/^[a-z0-9._-]+$/)
      }) as never,
    )
  })

  test("addresses have one form, however they are spelled, and its kind is that of every spelling", () => {
    const mapped = fc.ipV4().map((address) => `::ffff:${address}`)
    holds(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), mapped, anyText), (raw) => {
        const address = parseIp(raw)
        if (address === undefined) return
        expect(canonicalAddress(address.text)).toBe(address.text)
        expect(isInRange(address, `${address.text}/${address.family === 4 ? 32 : 128}`)).toBe(true)
        if (address.family !== 4) return
        for (const other of [`::ffff:${address.text}`, `64:ff9b::${address.text}`])
          expect(kindOfAddress(parseIp(other)!)).toBe(kindOfAddress(address)!)
      }) as never,
    )
  })

  test("DNS messages are read whole or refused, and what is read can be written", () => {
    holds(
      fc.property(bytes, (given) => {
        const message = only([WireError], () => decodeMessage(given))
        if (message !== undefined) only([WireError], () => decodeMessage(encodeMessage(message)))
      }) as never,
    )
  })

  test("the PROXY header is read, awaited or refused", () => {
    const samples = ["PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n", "PROXY TCP6 ::1 ::2 1 2\r\n", "PROXY UNKNOWN\r\n"].map((text) =>
      Buffer.from(text),
    )
    const v2 = Buffer.concat([Buffer.from("0d0a0d0a000d0a515549540a2111000c", "hex"), Buffer.alloc(12, 1)])
    holds(
      fc.property(fc.oneof(bytes, near(...samples, v2)), (given) => {
        const header = only([ProxyHeaderError], () => parseProxyHeader(Buffer.from(given)))
        if (header !== undefined) expect(header.size).toBeLessThanOrEqual(given.length)
      }) as never,
    )
  })

  test("HPACK blocks end in fields or an error", () => {
    holds(
      fc.property(fc.array(bytes, { maxLength: 4 }), (blocks) => {
        const decoder = new HpackDecoder()
        const limits = { listBytes: 65_536, count: 100 }
        // An error ends the connection, so what comes after is not read.
        for (const block of blocks) if (only([HpackError], () => decoder.decode(Buffer.from(block), limits)) === undefined) break
      }) as never,
    )
  })

  test("XML of S3 is an element or MalformedXML", () => {
    const piece = fc.constantFrom(
      "<Delete>",
      "</Delete>",
      "<Object>",
      "</Object>",
      "<Key>",
      "</Key>",
      "<a/>",
      "&amp;",
      "&#x41;",
      "&#0;",
      "<![CDATA[",
      "]]>",
      "<!--",
      "-->",
      "<?x",
      "?>",
      "<!DOCTYPE a [",
      "<!ENTITY a 'b'>",
      "]>",
      " ",
      "x",
      '"',
      "=",
      "\0",
      "<__proto__>",
    )
    const document = fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join(""))
    holds(
      fc.property(
        fc.oneof(
          document,
          document.map((inside) => `<Delete>${inside}</Delete>`),
          anyText,
        ),
        (text) => void only([S3Error], () => parseXml(text, "Delete")),
      ) as never,
    )
  })

  test("signatures of S3 are a claim, none, or an error of S3", () => {
    const credential = fc
      .tuple(anyText, anyText)
      .map(
        ([key, date]) =>
          `AWS4-HMAC-SHA256 Credential=${key}/${date}/us-east-1/s3/aws4_request, SignedHeaders=host;x-amz-date, Signature=${"0".repeat(64)}`,
      )
    const clean = (text: string) => text.replaceAll(/[^\x20-\x7e]/g, "").trim()
    holds(
      fc.property(fc.oneof(credential, anyText), anyText, anyText, (authorization, date, query) => {
        const headers = new Headers({ authorization: clean(authorization), "x-amz-date": clean(date) })
        only([S3Error], () => claimOf({ method: "GET", path: "/x", query: "", headers } as never, new URLSearchParams(query)))
        only([S3Error], () =>
          claimOf(
            { method: "GET", path: "/x", query, headers: new Headers() } as never,
            new URLSearchParams({
              "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
              "X-Amz-Credential": authorization,
              "X-Amz-Date": date,
              "X-Amz-Expires": query,
              "X-Amz-SignedHeaders": "host",
              "X-Amz-Signature": "x",
            }),
          ),
        )
      }) as never,
    )
  })

  test("paths of S3 are decoded or refused", () => {
    holds(
      fc.property(
        fc.oneof(
          anyText,
          fc.webPath(),
          anyText.map((text) => text.replaceAll(/./g, "%$&")),
        ),
        (path) => void only([S3Error, AppError, URIError], () => decodePath(path)),
      ) as never,
    )
  })

  test("ranges lie within the file", () => {
    const range = fc
      .tuple(fc.string({ unit: fc.constantFrom(..."0123456789-, =bytes"), maxLength: 30 }), fc.nat())
      .map(([text]) => `bytes=${text}`)
    holds(
      fc.property(fc.oneof(range, anyText), fc.nat(1_000_000), (field, size) => {
        const found = judgeRange(field, size)
        if (found === undefined || found === "unsatisfiable") return
        expect(found.first).toBeGreaterThanOrEqual(0)
        expect(found.last).toBeLessThan(size)
        expect(found.first).toBeLessThanOrEqual(found.last)
      }) as never,
    )
  })

  test("tar streams of the engine, in pieces of any size, end in entries or an error, soon", async () => {
    const head = tarHead({ name: "a", size: 5, mode: 0o100644, modifiedAt: 1, uid: 0, gid: 0 })
    const noted = (note: string) => {
      const notes = tarHead({ name: "n", size: note.length, mode: 0o100644, modifiedAt: 1, uid: 0, gid: 0 })
      notes[156] = "x".charCodeAt(0)
      return Buffer.concat([notes, Buffer.from(note.padEnd(512, "\0")), head, Buffer.from("hello".padEnd(512, "\0")), Buffer.alloc(1024)])
    }
    const samples = [
      "11 size=-5\n",
      "13 size=1e99\n",
      "12 size=abc\n",
      "14 size=99999\n",
      "9 path=\0\n",
      "99 path=x\n",
      "0 a=b\n",
      "-1 a=b\n",
      "",
    ].map(noted)
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(bytes, near(...samples), fc.constantFrom(...samples)),
        fc.integer({ min: 1, max: 700 }),
        async (given, step) => {
          let at = 0
          const stream = new ReadableStream<Uint8Array>({
            pull: (controller) => {
              if (at >= given.length) return controller.close()
              controller.enqueue(given.slice(at, (at += step)))
            },
          })
          const reader = new TarReader(stream)
          let error: unknown
          try {
            for (let n = 0; n < 50; n++) {
              const entry = await reader.next()
              if (entry === undefined) break
              if (entry.size < 0) throw new Error("an entry of less than nothing")
              expect((await reader.read(1000)).length).toBeLessThanOrEqual(1000)
            }
          } catch (thrown) {
            error = thrown
          }
          // Of the reader's own words, and not of a language that was asked for the impossible.
          if (error !== undefined) expect(String(error)).toMatch(/^Error: a tar stream/)
        },
      ),
      { numRuns: Math.min(numRuns, 5000) },
    )
  })

  test("frames of the engine come out as they went in, however they are cut, and lies about their length take no memory", () => {
    holds(
      fc.property(bytes, fc.integer({ min: 1, max: 50 }), (given, step) => {
        let size = 0
        const take = readFrames((piece) => void (size += piece.length))
        try {
          for (let at = 0; at < given.length; at += step) take(Buffer.from(given.subarray(at, at + step)))
        } catch (error) {
          expect(error).not.toBeInstanceOf(RangeError)
        }
        expect(size).toBeLessThanOrEqual(given.length)
      }) as never,
    )
  })

  test("SSH keys, SPF records and cookies are read or refused", () => {
    holds(
      fc.property(anyText, fc.base64String(), (text, blob) => {
        only([AppError], () => parsePublicKey(text))
        only([AppError], () => parsePublicKey(`ssh-ed25519 ${blob} ${text}`))
        expect(parseSpf(`v=spf1 ${text}`).terms.length).toBeLessThanOrEqual(text.length + 1)
        const cookie = text.replaceAll(/[^\x20-\x7e]/g, "").trim()
        const { token } = presentedToken(new Request("http://x/", { headers: { cookie } }))
        if (token !== undefined) expect(cookie).toContain(token)
      }) as never,
    )
  })
})
