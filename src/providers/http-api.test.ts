import { afterEach, describe, expect, test } from "bun:test"
import { HttpApi, type HttpApiOptions } from "./http-api"
import { type FaultReason, ProviderFault } from "./provider"

const secret = 'tok"en&secret'
const stops: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
})

const signal = () => AbortSignal.timeout(10_000)

function apiTo(respond: (request: Request) => Response | Promise<Response>, options: Partial<HttpApiOptions> = {}): HttpApi {
  const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: respond })
  stops.push(() => server.stop(true))
  return new HttpApi({ provider: "Example", baseUrl: `http://127.0.0.1:${server.port}/v1`, secrets: [secret], ...options })
}

async function faultOf(work: Promise<unknown>): Promise<ProviderFault> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof ProviderFault)) throw new Error(`expected a ProviderFault, got ${String(error)}`)
  return error
}

test("a call has its query, its JSON and its headers, and the answer is read", async () => {
  const api = apiTo(
    async (request) => {
      const { pathname, search } = new URL(request.url)
      const headers = ["authorization", "content-type", "x-call"].map((name) => request.headers.get(name))
      return Response.json({ line: `${request.method} ${pathname}${search}`, headers, body: await request.json() })
    },
    { headers: { authorization: "Bearer a" } },
  )
  const answer = await api.call("PUT", "/zones/a%2Fb", {
    signal: signal(),
    query: { page: 2, name: "a&b", absent: undefined },
    json: { ttl: 1 },
    headers: { "x-call": "1" },
  })
  expect(answer.object()).toEqual({
    line: "PUT /v1/zones/a%2Fb?page=2&name=a%26b",
    headers: ["Bearer a", "application/json", "1"],
    body: { ttl: 1 },
  })
})

test("a signature is made of what is sent", async () => {
  const api = apiTo((request) => Response.json({ signature: request.headers.get("x-signature") }), {
    sign: ({ method, url, body, headers }) => ({
      "x-signature": `${method} ${url.pathname}${url.search} ${headers.get("content-type")} ${body}`,
    }),
  })
  const answer = await api.call("POST", "/x", { signal: signal(), query: { a: 1 }, body: { type: "text/xml", text: "<a/>" } })
  expect(answer.object()).toEqual({ signature: "POST /v1/x?a=1 text/xml <a/>" })
})

const page = { "content-type": "text/html" }
const cases: [string, () => Response, FaultReason][] = [
  ["401", () => new Response("no", { status: 401 }), "denied"],
  ["403", () => Response.json({ message: "no" }, { status: 403 }), "denied"],
  ["a page with 403, of something in between", () => new Response("<html>", { status: 403, headers: page }), "unreachable"],
  ["429", () => new Response("", { status: 429 }), "rate_limited"],
  ["400", () => Response.json({ message: "bad" }, { status: 400 }), "refused"],
  ["404 where none is expected", () => new Response("", { status: 404 }), "refused"],
  ["422", () => Response.json({}, { status: 422 }), "refused"],
  ["408", () => new Response("", { status: 408 }), "unreachable"],
  ["500", () => new Response("", { status: 500 }), "unreachable"],
  ["503", () => new Response("", { status: 503 }), "unreachable"],
  ["302", () => new Response("", { status: 302, headers: { location: "/v1/elsewhere" } }), "unreachable"],
]
test.each(cases)("%s is a fault of its kind, after one call", async (_, respond, reason) => {
  let asked = 0
  const api = apiTo(() => {
    asked++
    return respond()
  })
  expect((await faultOf(api.call("GET", "/", { signal: signal(), handed: [] }))).reason).toBe(reason)
  expect(asked).toBe(1)
})

test("404 and other handed statuses go to the adapter", async () => {
  const api = apiTo((request) => new Response("x", { status: Number(new URL(request.url).pathname.slice(4)) }))
  expect((await api.call("GET", "/404", { signal: signal() })).status).toBe(404)
  expect((await api.call("GET", "/409", { signal: signal(), handed: [409] })).status).toBe(409)
})

test("what an adapter says of an answer counts more than its status", async () => {
  const api = apiTo(() => Response.json({ status: "ERROR", message: "bad key" }), {
    judge: (answer) => (answer.object().status === "ERROR" ? { reason: "denied", words: "its own words" } : undefined),
  })
  const fault = await faultOf(api.call("GET", "/", { signal: signal() }))
  expect(fault.reason).toBe("denied")
  expect(fault.message).toBe("Example answered 200 to GET /: its own words")
})

describe("the words of a fault", () => {
  const words = async (body: unknown) =>
    (await faultOf(apiTo(() => Response.json(body, { status: 400 })).call("GET", "/", { signal: signal() }))).message.replace(
      /^.*GET \/: /,
      "",
    )

  test.each([
    [{ message: "Zone is locked." }, "Zone is locked."],
    [{ errors: [{ message: "one" }, { detail: "two" }] }, "one; two"],
    [[{ ttl: ["too small"] }], "ttl: too small"],
    [{ code: 5 }, "no reason given"],
  ])("in %p are %p", async (body, said) => {
    expect(await words(body)).toBe(said)
  })

  test("never hold the credential, however it is written, and are cut short", async () => {
    const filler = "x".repeat(500 - "Example answered 400 to GET /: ".length - 3)
    for (const text of [secret, encodeURIComponent(secret), `a ${secret} b ${secret}`, `${filler}${secret}`]) {
      const fault = await faultOf(apiTo(() => Response.json({ message: text }, { status: 400 })).call("GET", "/", { signal: signal() }))
      for (const form of [secret, encodeURIComponent(secret), 'tok\\"en', 'tok"']) expect(fault.message).not.toContain(form)
      expect(fault.message.length).toBeLessThanOrEqual(500)
    }
    const raw = apiTo(() => new Response(`not json ${JSON.stringify(secret)}`, { status: 400 }))
    expect((await faultOf(raw.call("GET", "/", { signal: signal() }))).message).toContain('not json "…"')
  })

  test("do not quote the query, where some providers want the credential", async () => {
    const api = new HttpApi({ provider: "Example", baseUrl: "http://127.0.0.1:1", secrets: [] })
    const fault = await faultOf(api.call("GET", "/x", { signal: signal(), query: { ApiKey: "quoted?" } }))
    expect(fault.reason).toBe("unreachable")
    expect(`${fault.message} ${String(fault.cause)}`).not.toContain("quoted?")
  })
})

test.each([
  [{ "retry-after": "7" }, 7000],
  [{ "retry-after": "Thu, 01 Jan 1970 00:33:30 GMT" }, 10_000],
  [{ "retry-after": "999999999" }, 86_400_000],
  [{ "ratelimit-reset": "12" }, 12_000],
  [{ "x-ratelimit-reset": "1800000010" }, 86_400_000],
  [{ "retry-after": "soon" }, undefined],
  [{}, undefined],
] as [Record<string, string>, number | undefined][])("with %p a call may be repeated after %p ms", async (headers, expected) => {
  const api = apiTo(() => new Response("", { status: 429, headers }), { now: () => 2_000_000 })
  const fault = await faultOf(api.call("GET", "/", { signal: signal() }))
  expect(fault.retryAfterMs).toBe(expected)
})

test("a moment of reset counts from now", async () => {
  const now = 1_800_000_000_000
  const api = apiTo(() => new Response("", { status: 429, headers: { "x-ratelimit-reset": "1800000010" } }), { now: () => now })
  expect((await faultOf(api.call("GET", "/", { signal: signal() }))).retryAfterMs).toBe(10_000)
})

test("an answer without end is not read beyond a bound", async () => {
  const api = apiTo(() => new Response(new ReadableStream({ pull: (c) => c.enqueue(new Uint8Array(262_144)) })))
  const fault = await faultOf(api.call("GET", "/", { signal: signal() }))
  expect(fault.reason).toBe("unreachable")
  expect(fault.message).toContain("too long")
})

test("a call ends with its own limit, and with the signal", async () => {
  const api = apiTo(() => new Promise<Response>(() => {}), { timeoutMs: 100 })
  expect((await faultOf(api.call("GET", "/", { signal: signal() }))).reason).toBe("unreachable")
  const patient = apiTo(() => new Promise<Response>(() => {}))
  expect((await faultOf(patient.call("GET", "/", { signal: AbortSignal.timeout(100) }))).reason).toBe("unreachable")
})

test("an answer of another shape than documented is not taken for an empty one", async () => {
  const api = apiTo(() => Response.json({ records: null }))
  const answer = await api.call("GET", "/", { signal: signal() })
  for (const read of [() => answer.list(), () => answer.list("records"), () => answer.list("absent")]) expect(read).toThrow(ProviderFault)
  const text = await apiTo(() => new Response("hello")).call("GET", "/", { signal: signal() })
  expect(() => text.object()).toThrow("without an object where its API documents one")
})

test("a call whose connection breaks is not sent again", async () => {
  const { createServer } = await import("node:http")
  let asked = 0
  const server = createServer((req, res) => {
    asked++
    if (req.method === "GET") res.end("{}")
    else req.socket.destroy()
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  stops.push(async () => void server.close())
  const address = server.address()
  const port = typeof address === "object" ? address?.port : undefined
  const api = new HttpApi({ provider: "Example", baseUrl: `http://127.0.0.1:${port}`, secrets: [] })
  await api.call("GET", "/", { signal: signal() })
  expect((await faultOf(api.call("PUT", "/", { signal: signal(), json: {} }))).reason).toBe("unreachable")
  expect(asked).toBe(2)
})
