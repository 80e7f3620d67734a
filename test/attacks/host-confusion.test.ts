import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { type AttackedHouse, houseObstacle, newPerson, startAttackedHouse } from "./attacked-house"
import { rawExchange, rawRequest } from "./raw-exchange"
import type { Mapping } from "../e2e/person"
import { waitUntil } from "../lab/process"

const mine = "mine.home.arpa"
const victim = "victim.home.arpa"
const wild = "wild.home.arpa"

describe.skipIf(houseObstacle !== undefined)(
  `hosts that are taken for others${houseObstacle ? ` (skipped: ${houseObstacle})` : ""}`,
  () => {
    let attacked: AttackedHouse
    const upstreams: Bun.Server<undefined>[] = []
    const seen: { app: string; url: string; headers: Record<string, string> }[] = []
    const mappings: Record<string, Mapping> = {}
    let containers: Record<string, string> = {}

    const application = (app: string) => {
      const server = Bun.serve({
        hostname: "127.0.0.1",
        port: 0,
        fetch: (request) => {
          seen.push({ app, url: request.url, headers: Object.fromEntries(request.headers) })
          // As careless as applications are: what a visitor says of the host goes into the page, which may be cached.
          return new Response(`${app} ${request.headers.get("x-forwarded-host")} ${request.headers.get("x-forwarded-proto")}`, {
            headers: { "cache-control": "public, max-age=3600" },
          })
        },
      })
      upstreams.push(server)
      return server.port ?? 0
    }

    beforeAll(async () => {
      attacked = await startAttackedHouse({ settings: { FREEHOLD_ALLOW_UPSTREAMS: "127.0.0.0/8" } })
      const { ada } = attacked
      containers = {
        mine: await ada.external("mine", { "8080": application("mine") }),
        victim: await ada.external("victim", { "8080": application("victim") }),
      }
      for (const [domain, container] of [
        [mine, "mine"],
        [victim, "victim"],
        [`*.${wild}`, "mine"],
      ] as const) {
        mappings[domain] = await ada.map(domain, containers[container]!)
        await ada.certified(mappings[domain]!.id)
      }
    })
    afterAll(async () => {
      await attacked?.stop()
      for (const server of upstreams) await server.stop(true)
    })

    const tls = (serverName: string, bytes: string) =>
      rawExchange({ address: attacked.house.address, port: attacked.house.ports.https, serverName }, bytes)
    const plain = (bytes: string) => rawExchange({ address: attacked.house.address, port: attacked.house.ports.http }, bytes)

    test("a connection for one host gets nothing of another's, whatever Host says", async () => {
      for (const host of [
        victim,
        victim.toUpperCase(),
        `${victim}.`,
        `${victim}:443`,
        "auth.freehold.localhost",
        "freehold.localhost",
        "nobody.home.arpa",
      ]) {
        const { status, body } = await tls(mine, rawRequest("GET /", { Host: host }))
        expect([host, status, body.includes("victim")]).toEqual([host, 421, false])
      }
      expect((await tls(`a.${wild}`, rawRequest("GET /", { Host: mine }))).status).toBe(421)
      expect((await tls(mine, rawRequest("GET /", { Host: `a.${wild}` }))).status).toBe(421)
    })

    test("the same host by other letters, a trailing dot or a port is the same host", async () => {
      for (const [name, host] of [
        [mine, mine.toUpperCase()],
        [mine, `${mine}.`],
        [mine, `${mine}:443`],
        [mine, `MiNe.HoMe.ArPa.:8443`],
        [mine.toUpperCase(), mine],
      ] as const) {
        const { status, body } = await tls(name, rawRequest("GET /", { Host: host }))
        expect([host, status, body.split(" ")[0]]).toEqual([host, 200, "mine"])
      }
    })

    test("a host said twice, or in several places, is refused", async () => {
      const twice = `GET / HTTP/1.1\r\nHost: ${mine}\r\nHost: ${victim}\r\nConnection: close\r\n\r\n`
      for (const [what, bytes] of [
        ["two Host fields", twice],
        ["two of one name", twice.replace(victim, mine)],
        ["another host in the target", rawRequest(`GET https://${victim}/`, { Host: mine })],
        ["a list", rawRequest("GET /", { Host: `${mine}, ${victim}` })],
        ["a user", rawRequest("GET /", { Host: `${mine}@${victim}` })],
        ["a path", rawRequest("GET /", { Host: `${mine}/${victim}` })],
        ["a blank", rawRequest("GET /", { Host: `${mine} ${victim}` })],
        ["a folded line", `GET / HTTP/1.1\r\nHost: ${mine}\r\n ${victim}\r\nConnection: close\r\n\r\n`],
        ["a blank before the colon", `GET / HTTP/1.1\r\nHost : ${victim}\r\nHost: ${mine}\r\nConnection: close\r\n\r\n`],
        ["a line feed alone", `GET / HTTP/1.1\nHost: ${victim}\n\n`],
        ["a zero byte", rawRequest("GET /", { Host: `${mine}\0.${victim}` })],
        ["no host", "GET / HTTP/1.1\r\nConnection: close\r\n\r\n"],
      ] as const) {
        const before = seen.length
        const { status } = await tls(mine, bytes)
        expect([what, status, seen.length - before]).toEqual([what, 400, 0])
      }
    })

    test("a name in another script is its own name, and no look-alike", async () => {
      const { ada, mallory } = attacked
      // A Cyrillic letter, a full-width one, a soft hyphen and a sharp s: each is another name or none.
      for (const domain of ["mіne.home.arpa", "ｍine.home.arpa", "mi\u00adne.home.arpa", "mine。home.arpa", "minE.HOME.arpa."]) {
        const { status, text } = await ada.ask("POST", "/api/domain-mappings", {
          container_id: containers.victim,
          domain,
          target_port: 8080,
        })
        const made = status === 201 ? (JSON.parse(text) as Mapping) : undefined
        // Either it is the name that is mapped already, or another one in ASCII.
        expect([domain, made?.domain === mine, status]).toEqual([domain, false, made === undefined ? 409 : 201])
        if (made !== undefined) expect(made.domain).toMatch(/^xn--[a-z0-9-]+\.home\.arpa$/)
      }
      for (const domain of [
        "xn--\u0000.home.arpa",
        "xn--zzzzzzzzzzzzzzzzz.home.arpa",
        "127.0.0.1",
        "mine.home.arpa/x",
        "mine.home.arpa:443",
        "*.arpa",
        "*.com",
        "*.co.uk",
        "*.*.home.arpa",
        "freehold.localhost",
        "x.freehold.localhost",
        "ingress.freehold.localhost",
      ]) {
        const asked = { container_id: containers.victim, domain, target_port: 8080 }
        expect([domain, (await ada.ask("POST", "/api/domain-mappings", asked)).status]).toEqual([domain, 400])
        expect([domain, [400, 403, 404].includes((await mallory.ask("POST", "/api/domain-mappings", asked)).status)]).toEqual([
          domain,
          true,
        ])
      }
    })

    test("what a visitor says of itself is replaced by what the edge saw", async () => {
      const claims = {
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "gopher",
        "X-Forwarded-For": "127.0.0.1, 10.0.0.1",
        "X-Forwarded-Port": "1",
        "X-Forwarded-Server": "evil.example",
        "X-Forwarded-Prefix": "/evil",
        "X-Real-IP": "127.0.0.1",
        "X-Original-URL": "/admin",
        "X-Rewrite-URL": "/admin",
        Forwarded: "for=127.0.0.1;host=evil.example;proto=gopher",
        "X-Request-ID": "evil",
        X_Forwarded_Host: "evil.example",
        "CF-Connecting-IP": "127.0.0.1",
        "True-Client-IP": "127.0.0.1",
      }
      const { status, body } = await tls(mine, rawRequest("GET /claims", { Host: mine, ...claims }))
      expect([status, body]).toEqual([200, `mine ${mine} https`])
      const got = seen.at(-1)?.headers ?? {}
      expect(got["x-forwarded-for"]).toMatch(/^127\.[\d.]+$/)
      expect(got["x-forwarded-proto"]).toBe("https")
      expect(got["x-forwarded-host"]).toBe(mine)
      expect(got["x-request-id"]).not.toBe("evil")
      for (const name of ["forwarded", "x-forwarded-server", "x-forwarded-port", "x-forwarded-prefix"])
        expect([name, got[name] ?? ""]).toEqual([name, ""])
    })

    test("fields that Connection names cannot take away what the edge adds", async () => {
      const connection = "close, X-Forwarded-For, X-Forwarded-Proto, X-Forwarded-Host, X-Request-ID, Host, Cookie, Authorization"
      await tls(mine, `GET /hop HTTP/1.1\r\nHost: ${mine}\r\nConnection: ${connection}\r\nX-Forwarded-For: 6.6.6.6\r\n\r\n`)
      const got = seen.at(-1)?.headers ?? {}
      expect(got["x-forwarded-for"]).toBeDefined()
      expect(got["x-forwarded-for"]).not.toContain("6.6.6.6")
      expect([got["x-forwarded-host"], got["x-forwarded-proto"]]).toEqual([mine, "https"])
    })

    // The edge keeps no copies, so that nothing of one visitor's answer can become another's.
    test("poisoned, nothing stays: each request is answered by the application itself", async () => {
      const before = seen.length
      for (let n = 0; n < 3; n++)
        await tls(mine, rawRequest("GET /style.css", { Host: mine, "X-Forwarded-Host": "evil.example", Cookie: "session=1" }))
      const { body } = await tls(mine, rawRequest("GET /style.css", { Host: mine }))
      expect([seen.length - before, body]).toEqual([4, `mine ${mine} https`])
    })

    test("addresses in our own answers come from settings and names that are mapped, not from what a visitor says", async () => {
      const claims = { Host: mine, "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http" }
      const moved = await plain(rawRequest("GET /a?b", claims))
      expect(moved.head).toContain(`Location: https://${mine}:${attacked.house.ports.https}/a?b\r\n`)
      for (const [host, line] of [
        ["evil.example", "GET /"],
        [`${mine}.evil.example`, "GET /"],
        [mine, "GET //evil.example/"],
        [mine, "GET /\\evil.example"],
        [mine, "GET https://evil.example/"],
      ] as const) {
        const { head, status } = await plain(rawRequest(line, { Host: host }))
        const location = /^location: (.*)$/im.exec(head)?.[1]?.trim()
        expect([host, line, location === undefined || new URL(location).hostname === mine, [301, 400, 404].includes(status)]).toEqual([
          host,
          line,
          true,
          true,
        ])
      }
      // The answer to a login, a reset link and a set-up link say nothing of the host that was asked.
      const { house, ada, mallory } = attacked
      const reset = await rawExchange(
        { address: house.address, port: house.ports.api },
        rawRequest(`POST /admin/users/${mallory.id}/reset`, {
          Host: "evil.example",
          "X-Forwarded-Host": "evil.example",
          Authorization: `Bearer ${ada.token}`,
          "Content-Length": "0",
        }),
      )
      expect([reset.status, reset.body.includes("evil.example")]).toEqual([200, false])
    })

    test("a handshake for a name that is not ours is refused before anything is said", async () => {
      for (const name of ["evil.example", `x.${mine}`, `a.b.${wild}`, wild, "localhost", "home.arpa", `${mine}.evil.example`])
        expect([name, (await tls(name, rawRequest("GET /", { Host: name }))).status]).toEqual([name, 0])
    })

    test("a name that is given up is served to nobody, on connections that are open neither, until somebody proves it anew", async () => {
      const { ada, house } = attacked
      const temporary = "temporary.home.arpa"
      const mapping = await ada.map(temporary, containers.mine!)
      await ada.certified(mapping.id)
      expect((await tls(temporary, rawRequest("GET /", { Host: temporary }))).status).toBe(200)
      await ada.unmap(mapping.id)
      // The certificate is gone with the claim: nobody gets a handshake, and nothing is answered in clear.
      await waitUntil(async () => (await tls(temporary, rawRequest("GET /", { Host: temporary }))).status === 0, {
        what: "the handshake to be refused",
      })
      expect(await house.certificate(temporary)).toBeUndefined()
      expect((await plain(rawRequest("GET /", { Host: temporary }))).status).toBe(404)
      expect((await tls(mine, rawRequest("GET /", { Host: temporary }))).status).toBe(421)
      // A private name is not for everybody to take.
      const mallory = await newPerson(ada, "mallory2")
      const { status } = await mallory.ask("POST", "/api/domain-mappings", {
        container_id: "0c0ffee0",
        domain: temporary,
        target_port: 8080,
      })
      expect([403, 404]).toContain(status)
    })
  },
)
