import { afterEach, describe, expect, test } from "bun:test"
import type { CommandIo } from "./io"
import { LoginCallback } from "./login-callback"
import { SecondFactor } from "./second-factor"

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup()
})

type House = { factors: string[]; lines?: string[]; isRemote?: boolean; limitMs?: number; over?: boolean }

/** A tiny server with one login that is halfway, and the command's surroundings; lines run out as standard input does. */
function setup({ factors, lines = [], isRemote, limitMs, over = false }: House) {
  const seen: { path: string; token: string | null; body: unknown }[] = []
  const ada = { username: "ada", user_id: "u1" }
  const people: Record<string, object> = { "Bearer ada.session": ada, "Bearer eve.session": { username: "eve", user_id: "u2" } }
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      const { pathname: path } = new URL(request.url)
      const text = await request.text()
      const token = request.headers.get("authorization")
      const body = text === "" ? undefined : (JSON.parse(text) as { code: string })
      seen.push({ path, token, body })
      const refuse = (error: string) => Response.json({ error }, { status: 401 })
      if (path === "/api/session") return token !== null && token in people ? Response.json(people[token]) : refuse("unauthorized")
      if (token !== "Bearer challenge" || over) return refuse("invalid or expired challenge token")
      if (path === "/api/login/factors") return Response.json({ factors, username: "ada", page: "https://cloud.test/cli-2fa" })
      const right = path === "/api/login/totp" ? "123 456" : "abcd-efgh"
      return body?.code === right ? Response.json({ ...ada, token: "ada.session" }) : refuse("invalid code")
    },
  })
  cleanups.push(() => server.stop(true))
  const said = { err: "", prompts: [] as string[] }
  let hear: (page: URL) => void
  /** The address that the person is to open. */
  const page = new Promise<URL>((resolve) => (hear = resolve))
  const io: CommandIo = {
    out: () => undefined,
    err: (text) => {
      said.err += text
      const address = /https:\S+/.exec(text)?.[0]
      if (address !== undefined) hear(new URL(address))
    },
    readLine: async (prompt) => {
      said.prompts.push(prompt)
      return lines.shift() ?? ""
    },
    environment: { configFolder: "/nonexistent", isRemote },
    version: "0",
  }
  const factor = new SecondFactor(`http://127.0.0.1:${server.port}`, "challenge", io, limitMs)
  return { factor, said, seen, page }
}

const session = { username: "ada", user_id: "u1", token: "ada.session" }

/** As the page's script does it. */
const bring = (address: string, token: string, headers: Record<string, string> = { origin: "https://cloud.test" }, method = "POST") =>
  fetch(address, { method, headers, ...(method === "POST" ? { body: token } : {}) })

describe("at the prompt", () => {
  test("six digits are the app's code, and a wrong one may be typed again", async () => {
    const { factor, said, seen } = setup({ factors: ["totp", "recovery_code"], lines: ["000000", "123 456"] })
    expect(await factor.ask()).toEqual(session)
    expect(said.prompts[0]).toBe("Code of your authenticator app, or a recovery code: ")
    expect(said.err).toBe("invalid code\n")
    expect(seen.map(({ path }) => path)).toEqual(["/api/login/factors", "/api/login/totp", "/api/login/totp"])
  })

  test("anything else is a recovery code", async () => {
    const { factor, seen } = setup({ factors: ["totp", "recovery_code"], lines: ["abcd-efgh"] })
    expect(await factor.ask()).toEqual(session)
    expect(seen.at(-1)).toEqual({ path: "/api/login/recovery-code", token: "Bearer challenge", body: { code: "abcd-efgh" } })
  })

  test("three wrong codes end it, and so does no code where there is no key", async () => {
    const wrong = setup({ factors: ["totp"], lines: ["1", "2", "3", "123 456"] })
    await expect(wrong.factor.ask()).rejects.toThrow("3 codes were wrong: log in again")
    await expect(setup({ factors: ["totp"] }).factor.ask()).rejects.toThrow("a code of the authenticator app or a recovery code is needed")
  })

  test("a challenge that is over is said once", async () => {
    await expect(setup({ factors: ["totp"], over: true }).factor.ask()).rejects.toThrow("invalid or expired challenge token")
  })
})

describe("on the page", () => {
  test("the page brings the session to the callback", async () => {
    const { factor, page } = setup({ factors: ["webauthn"] })
    const asked = factor.ask()
    const address = await page
    expect(address.origin + address.pathname).toBe("https://cloud.test/cli-2fa")
    expect(address.searchParams.get("challenge")).toBe("challenge")
    const back = address.searchParams.get("cb") ?? ""
    expect(back).toMatch(/^http:\/\/127\.0\.0\.1:\d+\?state=[\w-]{32}$/)
    const res = await bring(back, "ada.session")
    expect([res.status, res.headers.get("access-control-allow-origin")]).toEqual([200, "https://cloud.test"])
    expect(await asked).toEqual(session)
    // Nobody listens any more.
    await expect(bring(back, "ada.session")).rejects.toThrow()
  })

  test("where there are codes too, an empty answer asks for the key", async () => {
    const { factor, page, said } = setup({ factors: ["webauthn", "recovery_code"], lines: [""] })
    const asked = factor.ask()
    const back = (await page).searchParams.get("cb") ?? ""
    await bring(back, "ada.session")
    expect(await asked).toEqual(session)
    expect(said.prompts[0]).toBe("Recovery code (nothing for the security key): ")
  })

  test("what is not this person's session is refused, by the callback and at the prompt", async () => {
    const called = setup({ factors: ["webauthn"] })
    const answered = called.factor.ask()
    const back = (await called.page).searchParams.get("cb") ?? ""
    expect((await bring(back, "eve.session")).status).toBe(400)
    expect((await bring(back, "ada.session")).status).toBe(200)
    expect(await answered).toEqual(session)

    const pasted = setup({ factors: ["webauthn"], lines: ["eve.session", "rubbish", "ada.session"] })
    expect(await pasted.factor.ask()).toEqual(session)
    expect(pasted.said.err.match(/that is not what the page shows/g)).toHaveLength(2)
  })

  test("by SSH there is no callback, and what the page shows is pasted", async () => {
    const { factor, page } = setup({ factors: ["webauthn"], isRemote: true, lines: ["ada.session"] })
    const asked = factor.ask()
    expect((await page).searchParams.has("cb")).toBe(false)
    expect(await asked).toEqual(session)
    await expect(setup({ factors: ["webauthn"], isRemote: true }).factor.ask()).rejects.toThrow("nothing was pasted")
  })

  test("the wait has an end", async () => {
    await expect(setup({ factors: ["webauthn"], limitMs: 30 }).factor.ask()).rejects.toThrow("nobody confirmed the sign-in")
  })
})

describe("the callback", () => {
  function open() {
    const accepted: string[] = []
    const callback = new LoginCallback("https://cloud.test", async (token) => accepted.push(token) > 0)
    cleanups.push(() => callback.close())
    return { callback, accepted, address: new URL(callback.address) }
  }

  test.each([
    ["without the nonce", (address: URL) => [new URL(address.origin), {}] as const],
    ["with another nonce", (address: URL) => [new URL(`${address.origin}?state=${"x".repeat(32)}`), {}] as const],
    ["from another origin", (address: URL) => [address, { origin: "https://c1.compute.cloud.test" }] as const],
    ["under another name", (address: URL) => [address, { host: `rebound.example:${address.port}` }] as const],
  ])("a POST %s is 403", async (_what, change) => {
    const { accepted, address } = open()
    const [to, headers] = change(address)
    expect((await bring(to.href, "t", headers)).status).toBe(403)
    expect(accepted).toEqual([])
  })

  test("takes POST alone, and no more than a token's length", async () => {
    const { accepted, address } = open()
    expect((await bring(address.href, "", {}, "GET")).status).toBe(405)
    expect((await bring(address.href, "", { origin: "https://cloud.test" }, "OPTIONS")).status).toBe(204)
    expect((await bring(address.href, "x".repeat(20_000))).status).toBe(413)
    expect(accepted).toEqual([])
    expect((await bring(address.href, " token\n")).status).toBe(200)
    expect(accepted).toEqual(["token"])
  })
})
