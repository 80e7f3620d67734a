import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { type AttackedHouse, houseObstacle, startAttackedHouse } from "./attacked-house"
import { type RawAnswer, rawExchange, rawRequest } from "./raw-exchange"

const base = "cloud.example.org"

/** Pages that are not ours, however much they look like it. */
const foreign = [
  "https://evil.example",
  "null",
  `http://${base}`,
  `https://${base}.evil.example`,
  `https://evil-${base}`,
  `https://${base}:8443`,
  `https://${base}%2eevil.example`,
  `https://${base}\u0009.evil.example`,
  `https://${base}@evil.example`,
  `https://evil.example#.${base}`,
  `https://evil.example?.${base}`,
  `https://evil.example/.${base}`,
  `https://x_y\\.${base}`,
  "file://",
  "https://",
  "",
]

describe.skipIf(houseObstacle !== undefined)(`pages of other sites${houseObstacle ? ` (skipped: ${houseObstacle})` : ""}`, () => {
  let attacked: AttackedHouse

  beforeAll(async () => {
    attacked = await startAttackedHouse({ settings: { FREEHOLD_BASE_DOMAIN: base, FREEHOLD_PRIVATE_ZONES: `${base},home.arpa` } })
  })
  afterAll(() => attacked?.stop())

  const api = (line: string, fields: Record<string, string> = {}, body = ""): Promise<RawAnswer> => {
    const { house } = attacked
    const length: Record<string, string> = body === "" ? {} : { "Content-Length": String(Buffer.byteLength(body)) }
    return rawExchange({ address: house.address, port: house.ports.api }, rawRequest(line, { Host: base, ...length, ...fields }, body))
  }
  const edge = (line: string, fields: Record<string, string> = {}, body = ""): Promise<RawAnswer> => {
    const { house } = attacked
    const length: Record<string, string> = body === "" ? {} : { "Content-Length": String(Buffer.byteLength(body)) }
    const at = { address: house.address, port: house.ports.https, serverName: base }
    return rawExchange(at, rawRequest(line, { Host: base, ...length, ...fields }, body))
  }
  const fieldsOf = ({ head }: RawAnswer, name: string) =>
    head
      .split("\r\n")
      .filter((line) => line.toLowerCase().startsWith(`${name}:`))
      .map((line) => line.slice(name.length + 1).trim())

  test("change nothing with the cookie of whoever looks at them, in whatever form they ask", async () => {
    const { ada } = attacked
    for (const origin of foreign.filter((origin) => origin !== "")) {
      for (const [cookie, type] of [
        [`token=${ada.token}`, "text/plain"],
        [`__Host-token=${ada.token}`, "application/json"],
        [`token=${ada.token}`, "multipart/form-data; boundary=x"],
      ] as const) {
        for (const line of ["PUT /api/settings/profile", "POST /api/tokens", "DELETE /api/settings/sessions"]) {
          const { status } = await edge(line, { Cookie: cookie, Origin: origin, "Content-Type": type }, '{"display_name":"Mallory"}')
          expect([origin, line, status]).toEqual([origin, line, 401])
        }
      }
    }
    expect(await ada.send<object>("GET", "/api/session")).toMatchObject({ display_name: "ada" })
  }, 60_000)

  test("open no WebSocket with it", async () => {
    const { ada } = attacked
    for (const origin of foreign.filter((origin) => origin !== "")) {
      const handshake = {
        Connection: "Upgrade",
        Upgrade: "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": `${"A".repeat(22)}==`,
      }
      const { status } = await edge("GET /compute/ws", { ...handshake, Origin: origin, Cookie: `token=${ada.token}` })
      expect([origin, status]).toEqual([origin, 403])
    }
  })

  test("are told nothing by CORS, not even that there is something", async () => {
    for (const origin of foreign) {
      for (const line of [
        "OPTIONS /api/session",
        "GET /api/session",
        "GET /healthz",
        "POST /api/login",
        "GET /nothing",
        "OPTIONS /v1/connections",
      ]) {
        const answer = await api(line, { Origin: origin, "Access-Control-Request-Method": "PUT" })
        expect([
          origin,
          line,
          fieldsOf(answer, "access-control-allow-origin"),
          fieldsOf(answer, "access-control-allow-credentials"),
        ]).toEqual([origin, line, [], []])
      }
    }
    const own = await api("GET /healthz", { Origin: `https://${base}` })
    expect(fieldsOf(own, "access-control-allow-origin")).toEqual([`https://${base}`])
    expect(fieldsOf(own, "vary").join()).toMatch(/origin/i)
  })

  test("frame neither the dashboard nor the pages that take secrets", async () => {
    for (const path of ["/", "/applications", "/cli-2fa", "/reset/x", "/setup/x"]) {
      const answer = await api(`GET ${path}`)
      const policy = fieldsOf(answer, "content-security-policy").join()
      if (fieldsOf(answer, "content-type").join().startsWith("text/html")) {
        expect([path, /frame-ancestors 'none'/.test(policy) || fieldsOf(answer, "x-frame-options").join() === "DENY"]).toEqual([path, true])
        expect([path, policy]).toEqual([path, expect.stringContaining("default-src 'none'")])
        expect([path, /unsafe-(inline|eval)/.test(policy.replace(/style-src[^;]*/, ""))]).toEqual([path, false])
      }
    }
  })

  describe("cookies", () => {
    const credentials = JSON.stringify({ username: "ada", password: "correct horse battery" })
    const asCookie = { "X-Freehold-Session": "cookie", Origin: `https://${base}` }

    test("over HTTPS a session's is bound to its host, and no script, other site or plain connection has it", async () => {
      const answer = await edge("POST /api/login", asCookie, credentials)
      expect(answer.status).toBe(200)
      const [cookie = ""] = fieldsOf(answer, "set-cookie")
      expect(cookie).toMatch(/^__Host-token=[^;]+; Path=\/; HttpOnly; SameSite=Strict; Secure$/)
      expect(answer.body).not.toContain("token")
    })

    test("a login makes another session, whatever was brought along", async () => {
      const { mallory } = attacked
      const brought = { ...asCookie, Cookie: `__Host-token=${mallory.token}; token=${mallory.token}` }
      const [cookie = ""] = fieldsOf(await edge("POST /api/login", brought, credentials), "set-cookie")
      const token = /^__Host-token=([^;]+)/.exec(cookie)?.[1] ?? ""
      expect(token).not.toBe("")
      expect(token).not.toBe(mallory.token)
    })

    // What was found: an application at <id>.compute.<base> set `token` for the whole of the base domain, and its visitors were signed in as mallory at a
    // dashboard where they then kept their own secrets.
    test("one that an application set for the whole domain signs no browser in", async () => {
      const { mallory, ada } = attacked
      const tossed = { Cookie: `token=${mallory.token}`, "Sec-Fetch-Site": "none" }
      expect((await edge("GET /api/session", tossed)).status).toBe(401)
      expect((await edge("GET /api/session", { ...tossed, Cookie: `token=${mallory.token}; __Host-token=${ada.token}` })).body).toContain(
        '"ada"',
      )
      expect((await edge("GET /api/session", { ...tossed, Cookie: `token=${mallory.token}; token=${mallory.token}` })).status).toBe(401)
      // Programs that send it by themselves, and the dashboard at this machine without TLS, go on.
      expect((await edge("GET /api/session", { Cookie: `token=${ada.token}` })).status).toBe(200)
      expect((await api("GET /api/session", { Cookie: `token=${ada.token}`, "Sec-Fetch-Site": "same-origin" })).status).toBe(200)
    })

    // Browsers let any host set a cookie whose name has a blank of Unicode before our prefix: a server that takes such blanks away reads it as ours.
    test("look-alikes of the name count for nothing", async () => {
      const { ada } = attacked
      const blanks = ["\u00a0", "\u2000", "\u3000", "\ufeff", "\u0085"].map((blank) => Buffer.from(blank).toString("latin1"))
      const names = ["__host-token", "__Secure-token", "__Host-token ", "__Host-token[]", "Token", "\v__Host-token", "\xa0__Host-token"]
      for (const name of [...names, ...blanks.flatMap((blank) => [`${blank}__Host-token`, `a=b; ${blank}__Host-token`, `${blank}token`])]) {
        const { status } = await api("GET /api/session", { Cookie: `${name}=${ada.token}` })
        expect([name, status === 401 || status === 400]).toEqual([name, true])
      }
      expect((await api("GET /api/session", { Cookie: `a=b;  token=${ada.token}` })).status).toBe(200)
    })

    test("a logout takes both away", async () => {
      const gone = fieldsOf(await edge("POST /api/logout", { Origin: `https://${base}` }), "set-cookie")
      expect(gone.map((cookie) => /^([^=]+)=; .*Max-Age=0/.exec(cookie)?.[1]).sort()).toEqual(["__Host-token", "token"])
    })
  })
})
