import { afterEach, describe, expect, test } from "bun:test"
import { type CloudflareLab, startCloudflare } from "../../test/lab/cloudflare"
import { CloudflareProvider } from "./cloudflare"
import { ProviderError } from "./provider"

const token = "secret-token-value"
const stops: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
})

function lab(options: Parameters<typeof startCloudflare>[0]): CloudflareLab & { provider: CloudflareProvider } {
  const cloudflare = startCloudflare(options)
  stops.push(cloudflare.stop)
  return { ...cloudflare, provider: new CloudflareProvider({ baseUrl: cloudflare.url }) }
}

function answering(respond: (request: Request) => Response | Promise<Response>, timeoutMs = 2_000): CloudflareProvider {
  const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: respond })
  stops.push(() => server.stop(true))
  return new CloudflareProvider({ baseUrl: `http://127.0.0.1:${server.port}`, timeoutMs })
}

const fault = (status: number, code: number, message = "no") =>
  Response.json({ success: false, errors: [{ code, message }], messages: [], result: null }, { status })

async function failureOf(work: Promise<unknown>): Promise<ProviderError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof ProviderError)) throw new Error(`expected a ProviderError, got ${String(error)}`)
  return error
}

describe("listing zones", () => {
  test.each([1, 50, 51, 100, 137])("all of %p zones are seen", async (count) => {
    const zones = Array.from({ length: count }, (_, index) => ({ id: `z${index}`, name: `zone-${index}.test` }))
    const { provider } = lab({ zones, tokens: { [token]: zones.map(({ id }) => id) } })
    expect((await provider.listZones(token)).map(({ name }) => name)).toEqual(zones.map(({ name }) => name))
  })

  test("a provider that repeats itself for ever is cut off at 1000 zones", async () => {
    const result = Array.from({ length: 50 }, (_, index) => ({
      id: `z${index}`,
      name: `zone-${index}.test`,
      status: "active",
      type: "full",
    }))
    let asked = 0
    const provider = answering(() => {
      asked++
      return Response.json({ success: true, errors: [], messages: [], result, result_info: { per_page: 50 } })
    })
    expect((await provider.listZones(token)).length).toBe(1000)
    expect(asked).toBe(20)
  })

  test("only a zone that the provider saw delegated to it is proven", async () => {
    const zones = (["active", "pending", "initializing", "moved"] as const).map((status) => ({
      id: status,
      name: `${status}.test`,
      status,
    }))
    const { provider } = lab({ zones, tokens: { [token]: zones.map(({ id }) => id) } })
    expect((await provider.listZones(token)).filter(({ proven }) => proven).map(({ name }) => name)).toEqual(["active.test"])
  })

  test("names come in canonical form, and what is no name is left out", async () => {
    const result = ["Example.TEST.", "café.test", "not a name", "single"].map((name, id) => ({ id: `${id}`, name, status: "active" }))
    const provider = answering(() => Response.json({ success: true, errors: [], messages: [], result, result_info: {} }))
    expect((await provider.listZones(token)).map(({ name }) => name)).toEqual(["example.test", "xn--caf-dma.test"])
  })
})

describe("telling denied from not asked", () => {
  const html = { "content-type": "text/html" }
  const cases: [string, () => Response, ProviderError["reason"]][] = [
    ["401", () => fault(401, 10000), "denied"],
    ["403 with an envelope", () => fault(403, 9109), "denied"],
    ["400 for the form of the token", () => fault(400, 6003), "denied"],
    ["200 that says no success", () => fault(200, 1000), "denied"],
    ["400 for the change", () => fault(400, 81053), "refused"],
    ["404", () => fault(404, 7003), "refused"],
    ["429", () => fault(429, 10429), "unreachable"],
    ["500 with an envelope", () => fault(500, 10000), "unreachable"],
    ["a 403 page of a middlebox", () => new Response("<html>blocked</html>", { status: 403, headers: html }), "unreachable"],
    ["a 200 page of a middlebox", () => new Response("<html>log in</html>", { headers: html }), "unreachable"],
    ["JSON that is no envelope", () => Response.json([1]), "unreachable"],
  ]
  test.each(cases)("%s", async (_, respond, reason) => {
    let asked = 0
    const provider = answering(() => {
      asked++
      return respond()
    })
    expect((await failureOf(provider.listZones(token))).reason).toBe(reason)
    expect(asked).toBe(1)
  })

  test("a redirect is not followed, lest the token go with it", async () => {
    const paths: string[] = []
    const provider = answering((request) => {
      paths.push(new URL(request.url).pathname)
      if (paths.length === 1) return new Response(null, { status: 302, headers: { location: "/elsewhere" } })
      return Response.json({ success: true, errors: [], messages: [], result: [], result_info: {} })
    })
    expect((await failureOf(provider.listZones(token))).reason).toBe("unreachable")
    expect(paths).toEqual(["/zones"])
  })

  test("a body without end is not read beyond a bound", async () => {
    const error = await failureOf(
      answering(() => new Response(new ReadableStream({ pull: (c) => c.enqueue(new Uint8Array(65536)) }))).listZones(token),
    )
    expect(error.reason).toBe("unreachable")
    expect(error.message).toContain("the answer is too long")
  })

  test("nobody listens", async () => {
    const provider = new CloudflareProvider({ baseUrl: "http://127.0.0.1:1" })
    expect((await failureOf(provider.listZones(token))).reason).toBe("unreachable")
  })

  test.each([
    ["headers", () => new Promise<Response>(() => {})],
    ["a body", () => Promise.resolve(new Response(new ReadableStream({ start: (c) => c.enqueue(new TextEncoder().encode("{")) })))],
  ])("an answer whose %s never come is given up in time", async (_, respond) => {
    const started = performance.now()
    expect((await failureOf(answering(respond, 200).listZones(token))).reason).toBe("unreachable")
    expect(performance.now() - started).toBeLessThan(1500)
  })

  test("a caller's shorter limit holds, over all pages together", async () => {
    const result = Array.from({ length: 50 }, (_, index) => ({ id: `z${index}`, name: `zone-${index}.test` }))
    const provider = answering(async () => {
      await Bun.sleep(40)
      return Response.json({ success: true, errors: [], messages: [], result, result_info: { per_page: 50 } })
    })
    expect((await failureOf(provider.listZones(token, { timeoutMs: 150 }))).reason).toBe("unreachable")
  })
})

test("no error holds the token, even where the provider repeats it", async () => {
  const repeating = answering((request) => fault(403, 9109, `what is ${request.headers.get("authorization")}?`))
  const error = await failureOf(repeating.listZones(token))
  expect(error.message).toBe("cloudflare answered 403: 9109 what is Bearer …?")
  const bad = await failureOf(new CloudflareProvider({ baseUrl: "http://127.0.0.1:1" }).listZones(`${token}\nx`))
  for (const shown of [error, bad]) expect(Bun.inspect(shown) + String(shown.stack)).not.toContain(token)
})

test("the operator's own credentials in the environment are not sent beside the token", async () => {
  const names = ["CLOUDFLARE_API_KEY", "CLOUDFLARE_EMAIL", "CLOUDFLARE_API_USER_SERVICE_KEY", "CLOUDFLARE_BASE_URL"]
  for (const name of names) process.env[name] = "operator"
  try {
    let headers = new Headers()
    const provider = answering((request) => {
      headers = request.headers
      return Response.json({ success: true, errors: [], messages: [], result: [], result_info: {} })
    })
    await provider.listZones(token)
    expect(headers.get("authorization")).toBe(`Bearer ${token}`)
    expect([...headers.values()]).not.toContain("operator")
  } finally {
    for (const name of names) delete process.env[name]
  }
})

describe("records", () => {
  const zones = [{ id: "z1", name: "example.test" }]
  const post = (cloudflare: CloudflareLab, record: object) =>
    fetch(`${cloudflare.url}/zones/z1/dns_records`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}` },
      body: JSON.stringify(record),
    })
  const shown = (cloudflare: CloudflareLab) => cloudflare.records("z1").map(({ type, name, content }) => `${name} ${type} ${content}`)

  test("a new CNAME is DNS-only with an automatic TTL", async () => {
    const cloudflare = lab({ zones, tokens: { [token]: ["z1"] } })
    await cloudflare.provider.upsertCname(token, "z1", "app.example.test", "ingress.test")
    expect(cloudflare.records("z1")).toMatchObject([
      { type: "CNAME", name: "app.example.test", content: "ingress.test", proxied: false, ttl: 1 },
    ])
  })

  test("a record that is right already is not written again", async () => {
    const cloudflare = lab({ zones, tokens: { [token]: ["z1"] } })
    for (const _ of [1, 2]) await cloudflare.provider.upsertCname(token, "z1", "app.example.test", "ingress.test")
    expect(cloudflare.requests.filter(({ method }) => method !== "GET").length).toBe(1)
  })

  test.each([
    ["a proxy", { content: "ingress.test", proxied: true, ttl: 1 }],
    ["a fixed TTL", { content: "ingress.test", proxied: false, ttl: 3600 }],
    ["another target", { content: "elsewhere.test", proxied: false, ttl: 1 }],
  ])("a CNAME with %s is put right in place", async (_, record) => {
    const cloudflare = lab({ zones, tokens: { [token]: ["z1"] } })
    await post(cloudflare, { type: "CNAME", name: "app.example.test", ...record })
    const [before] = cloudflare.records("z1")
    await cloudflare.provider.upsertCname(token, "z1", "app.example.test", "ingress.test")
    const right = { type: "CNAME", name: "app.example.test", content: "ingress.test", proxied: false, ttl: 1 }
    expect(cloudflare.records("z1")).toEqual([{ id: before?.id ?? "", ...right }])
  })

  test("a refused CNAME leaves the addresses standing", async () => {
    const cloudflare = lab({ zones, tokens: { [token]: ["z1"] } })
    await post(cloudflare, { type: "A", name: "app.example.test", content: "192.0.2.1" })
    await post(cloudflare, { type: "TXT", name: "app.example.test", content: "stays" })
    const error = await failureOf(cloudflare.provider.upsertCname(token, "z1", "app.example.test", "ingress.test"))
    expect(error.reason).toBe("refused")
    expect(error.message).toContain("81053 An A, AAAA, or CNAME record with that host already exists.")
    expect(shown(cloudflare)).toEqual(["app.example.test A 192.0.2.1", "app.example.test TXT stays"])
  })

  test("a token that may only read is denied", async () => {
    const { provider } = lab({ zones, tokens: { [token]: { zones: ["z1"], edit: false } } })
    expect((await failureOf(provider.upsertCname(token, "z1", "app.example.test", "ingress.test"))).reason).toBe("denied")
  })

  test("only what still points at us is removed", async () => {
    const cloudflare = lab({ zones, tokens: { [token]: ["z1"] } })
    await post(cloudflare, { type: "CNAME", name: "app.example.test", content: "Ingress.test." })
    await post(cloudflare, { type: "CNAME", name: "other.example.test", content: "elsewhere.test" })
    await post(cloudflare, { type: "A", name: "plain.example.test", content: "192.0.2.1" })
    const remove = (host: string) => cloudflare.provider.removeCname(token, "z1", host, "ingress.test")
    expect(await remove("app.example.test")).toBe(true)
    for (const host of ["app.example.test", "other.example.test", "plain.example.test"]) expect(await remove(host)).toBe(false)
    expect(shown(cloudflare)).toEqual(["other.example.test CNAME elsewhere.test", "plain.example.test A 192.0.2.1"])
  })

  test("a change that the name server refuses is no success", async () => {
    const apply = async () => {
      throw new Error("refused")
    }
    const cloudflare = lab({ zones, tokens: { [token]: ["z1"] }, apply })
    expect((await failureOf(cloudflare.provider.upsertCname(token, "z1", "app.example.test", "ingress.test"))).reason).toBe("unreachable")
    expect(cloudflare.records("z1")).toEqual([])
  })
})
