import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { join } from "node:path"
import { gzipSync } from "node:zlib"
import { startAuthority, type TestAuthority, type TestServer } from "./certificate-authority.fixture"
import { isReachableAddress, safeFetch, SafeFetchError, type SafeFetchOptions } from "./safe-fetch"

let authority: TestAuthority
let server: TestServer
let received = ""
const name = "hooks.example.test"

beforeAll(async () => {
  authority = await startAuthority()
  server = await authority.serve([`DNS:${name}`, "IP:127.0.0.1"], (req, res) => {
    if (req.url === "/moved") return void res.writeHead(302, { location: "https://127.0.0.1/secret" }).end("elsewhere")
    if (req.url === "/large") return void res.end("x".repeat(300_000))
    if (req.url === "/folded") return void res.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync("y".repeat(100_000)))
    if (req.url === "/slow") return void res.writeHead(200).write("a")
    if (req.url === "/silent") return
    received = ""
    req.on("data", (chunk) => (received += chunk))
    req.on("end", () => res.writeHead(201, { "x-kind": "echo" }).end(JSON.stringify(req.headers)))
  })
})

afterAll(async () => {
  await server.stop()
  await authority.remove()
})

const options = (more: Partial<SafeFetchOptions> = {}): SafeFetchOptions => ({
  resolve: async () => ["127.0.0.1"],
  allow: ["127.0.0.0/8"],
  timeoutMs: 5000,
  maxBytes: 64 * 1024,
  ca: authority.ca,
  ...more,
})
const get = (path: string, more: Partial<SafeFetchOptions> = {}, host = name) =>
  safeFetch(`https://${host}:${server.port}${path}`, options(more))

async function failure(work: Promise<unknown>): Promise<SafeFetchError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof SafeFetchError)) throw new Error(`expected a SafeFetchError, got ${String(error)}`)
  return error
}

describe("a request that may be made", () => {
  test("reaches the address under the name of the URL, with method, headers and body", async () => {
    const answer = await get("/hook?a=b", {
      method: "POST",
      headers: { "X-CD-Signature": "sha256=ab", Host: "evil.test" },
      body: '{"ä":1}',
    })
    expect(answer.status).toBe(201)
    expect(answer.headers.get("x-kind")).toBe("echo")
    expect(answer.address).toBe("127.0.0.1")
    expect(answer.truncated).toBe(false)
    expect(received).toBe('{"ä":1}')
    const sent = JSON.parse(Buffer.from(answer.body).toString())
    expect(sent).toMatchObject({ host: `${name}:${server.port}`, "x-cd-signature": "sha256=ab", "content-length": "8" })
  })

  test("goes past an address where nobody listens", async () => {
    const answer = await get("/", { resolve: async () => ["127.99.99.99", "127.0.0.1"] })
    expect(answer.address).toBe("127.0.0.1")
  })

  test("may name an address, when the certificate is good for it", async () => {
    expect((await get("/", {}, "127.0.0.1")).status).toBe(201)
  })

  test("does not follow a redirect", async () => {
    const answer = await get("/moved")
    expect(answer.status).toBe(302)
    expect(answer.headers.get("location")).toBe("https://127.0.0.1/secret")
  })

  test("reads no more than its bound", async () => {
    const answer = await get("/large", { maxBytes: 1000 })
    expect([answer.body.length, answer.truncated]).toEqual([1000, true])
    expect(Buffer.from(answer.body).toString()).toBe("x".repeat(1000))
  })

  test("takes exactly as much as its bound as whole", async () => {
    const answer = await get("/large", { maxBytes: 300_000 })
    expect([answer.body.length, answer.truncated]).toEqual([300_000, false])
  })

  test("does not unfold what is compressed", async () => {
    expect((await get("/folded")).body.length).toBeLessThan(2000)
  })
})

describe("what ends without an answer", () => {
  test("a certificate of an authority that is not trusted", async () => {
    const { ca: _, ...trusting } = options()
    const error = await failure(safeFetch(`https://${name}:${server.port}/untrusted`, trusting))
    expect([error.reason, error.message]).toEqual([
      "unreachable",
      `${name}:${server.port} could not be asked: its certificate is not valid for it`,
    ])
    expect(server.requests.some((line) => line.endsWith("/untrusted"))).toBe(false)
  })

  test("a certificate for another name", async () => {
    const error = await failure(get("/misnamed", {}, "other.example.test"))
    expect([error.reason, error.message]).toEqual([
      "unreachable",
      `other.example.test:${server.port} could not be asked: its certificate is not valid for it`,
    ])
    expect(server.requests.some((line) => line.endsWith("/misnamed"))).toBe(false)
  })

  test.each(["/silent", "/slow"])("an answer that does not come to its end (%s)", async (path) => {
    expect((await failure(get(path, { timeoutMs: 300 }))).reason).toBe("timeout")
  })

  test("a name that is not resolved in time, or not at all", async () => {
    expect((await failure(get("/", { timeoutMs: 100, resolve: () => new Promise(() => {}) }))).reason).toBe("timeout")
    expect((await failure(get("/", { resolve: async () => [] }))).reason).toBe("unresolved")
    expect((await failure(get("/", { resolve: () => Promise.reject(new Error("SERVFAIL")) }))).reason).toBe("unresolved")
  })

  test("a caller who gives up", async () => {
    const giveUp = new AbortController()
    const asked = failure(get("/silent", { signal: giveUp.signal }))
    giveUp.abort()
    expect((await asked).reason).toBe("timeout")
  })

  test("a port where nobody listens", async () => {
    const error = await failure(safeFetch(`https://${name}:1/`, options()))
    expect([error.reason, error.message]).toEqual(["unreachable", `${name}:1 could not be asked: no connection`])
  })
})

describe("what is refused before anything is sent", () => {
  test.each(["http://example.com/", "ftp://example.com/", "https://user:word@example.com/", "file:///etc/passwd", "nonsense"])(
    "%s",
    async (url) => {
      expect((await failure(safeFetch(url, options()))).reason).toBe("refused")
    },
  )

  test("a name that leads into the machine, also where another of its addresses is allowed", async () => {
    const before = server.requests.length
    const error = await failure(get("/inside", { allow: [] }))
    expect([error.reason, error.message]).toEqual(["refused", `${name}:${server.port} leads to an address that is not allowed`])
    const mixed = await failure(get("/inside", { allow: ["127.99.0.0/16"], resolve: async () => ["127.0.0.1", "127.99.99.99"] }))
    expect(mixed.reason).toBe("unreachable")
    expect(server.requests.length).toBe(before)
  })

  test.each(["127.0.0.1", "0x7f.1", "2130706433", "[::1]", "[::ffff:127.0.0.1]", "169.254.169.254"])(
    "the address %s in a URL",
    async (host) => {
      const error = await failure(safeFetch(`https://${host}:${server.port}/`, options({ allow: [] })))
      expect(error.reason).toBe("refused")
    },
  )
})

test.each([
  ["93.184.215.14", true],
  ["2606:2800:21f:cb07:6820:80da:af6b:8b2c", true],
  ["0.0.0.0", false],
  ["10.1.2.3", false],
  ["100.64.0.1", false],
  ["127.3.4.5", false],
  ["169.254.169.254", false],
  ["172.31.255.255", false],
  ["172.32.0.1", true],
  ["192.168.1.1", false],
  ["198.19.0.1", false],
  ["224.0.0.1", false],
  ["255.255.255.255", false],
  ["::", false],
  ["::1", false],
  // Another writing of an IPv4 address, and weighed as that.
  ["::ffff:8.8.8.8", true],
  ["::ffff:10.0.0.1", false],
  ["::7f00:1", false],
  ["64:ff9b::a00:1", false],
  ["2002:a00:1::", false],
  ["2001:0:1::", false],
  ["2001:db8::1", false],
  ["fc00::1", false],
  ["fe80::1", false],
  ["fe80::1%eth0", false],
  ["2606::1%eth0", false],
  ["ff02::1", false],
  ["example.com", false],
])("whether %s is an address of the Internet: %p", (address, isIt) => {
  expect(isReachableAddress(address, [])).toBe(isIt)
})

// Both are read at the start of a process, so this takes one of its own.
test("neither a proxy nor a switched-off check in the environment changes anything", async () => {
  let proxied = 0
  const proxy = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: () => {}, open: (socket) => (proxied++, void socket.end()) } })
  const script = `
    import { safeFetch } from ${JSON.stringify(join(import.meta.dir, "safe-fetch.ts"))}
    const ask = (host, ca) => safeFetch("https://" + host + ":${server.port}/", { resolve: async () => ["127.0.0.1"], allow: ["127.0.0.0/8"], timeoutMs: 5000, maxBytes: 1000, ca })
    const ca = ${JSON.stringify(authority.ca)}
    console.log((await ask("${name}", ca)).status)
    for (const [host, trusted] of [["${name}", undefined], ["other.example.test", ca]]) await ask(host, trusted).then((answer) => console.log(answer.status), (error) => console.log(error.message))`
  const address = `http://127.0.0.1:${proxy.port}`
  const child = Bun.spawn([process.execPath, "-e", script], {
    env: {
      ...process.env,
      HTTPS_PROXY: address,
      https_proxy: address,
      HTTP_PROXY: address,
      NO_PROXY: "",
      NODE_TLS_REJECT_UNAUTHORIZED: "0",
    },
    stderr: "ignore",
  })
  const said = (await new Response(child.stdout).text()).trim().split("\n")
  await child.exited
  proxy.stop(true)
  const invalid = (host: string) => `${host}:${server.port} could not be asked: its certificate is not valid for it`
  expect(said).toEqual(["201", invalid(name), invalid("other.example.test")])
  expect(proxied).toBe(0)
})

test("allowed ranges open only themselves", () => {
  expect(isReachableAddress("10.1.2.3", ["10.1.0.0/16"])).toBe(true)
  expect(isReachableAddress("10.2.2.3", ["10.1.0.0/16"])).toBe(false)
  expect(isReachableAddress("fd00::1", ["fd00::/8", "nonsense"])).toBe(true)
})
