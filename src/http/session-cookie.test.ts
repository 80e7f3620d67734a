import { expect, test } from "bun:test"
import { Elysia } from "elysia"
import { presentedToken } from "./guards"
import { sessionCookies } from "./session-cookie"

const app = new Elysia()
  .use(sessionCookies())
  .post("/api/login", () => ({ token: "secret", username: "ada" }))
  .post("/api/login/totp", () => ({ requires_2fa: true, challenge_token: "half" }))
  .post("/api/tokens", () => ({ token: "of-another-kind" }))
  .post("/api/logout", () => ({ status: "ok" }))

const post = (path: string, headers: Record<string, string> = {}) =>
  app.handle(new Request(`http://freehold.test${path}`, { method: "POST", headers }))
const asked = { "x-freehold-session": "cookie" }

test("a script that asks for a token gets it, and no cookie", async () => {
  const answer = await post("/api/login")
  expect(answer.headers.get("set-cookie")).toBeNull()
  expect(await answer.json()).toEqual({ token: "secret", username: "ada" })
})

test("a page that asks for a cookie gets no token", async () => {
  const answer = await post("/api/login", { ...asked, origin: "http://127.0.0.1:8080" })
  expect(answer.headers.get("set-cookie")).toBe("token=secret; Path=/; HttpOnly; SameSite=Strict")
  expect(await answer.json()).toEqual({ username: "ada" })
})

test("over HTTPS the cookie is one that other hosts cannot set", async () => {
  const answer = await post("/api/login", { ...asked, origin: "https://freehold.test" })
  expect(answer.headers.get("set-cookie")).toBe("__Host-token=secret; Path=/; HttpOnly; SameSite=Strict; Secure")
})

test("halfway in, there is nothing to keep", async () => {
  const answer = await post("/api/login/totp", asked)
  expect(answer.headers.get("set-cookie")).toBeNull()
  expect(await answer.json()).toEqual({ requires_2fa: true, challenge_token: "half" })
})

test("tokens that are no session are answered as they are", async () => {
  const answer = await post("/api/tokens", asked)
  expect(answer.headers.get("set-cookie")).toBeNull()
  expect(await answer.json()).toEqual({ token: "of-another-kind" })
})

test("a logout takes both cookies away", async () => {
  const cookies = (await post("/api/logout")).headers.getSetCookie()
  expect(cookies.map((cookie) => cookie.split(";")[0])).toEqual(["__Host-token=", "token="])
  for (const cookie of cookies) expect(cookie).toContain("Max-Age=0")
})

test.each([
  ["token=a", "a"],
  ["token=a; __Host-token=b", "b"],
  ["__Host-token=b; token=a", "b"],
  ["token=; other=x", undefined],
  ["token=first; token=second", "first"],
])("of the cookies %p the token is %p", (cookie, token) => {
  const request = new Request("http://freehold.test/", { headers: { cookie } })
  expect(presentedToken(request)).toEqual({ token, isCookie: token !== undefined })
})
