import { expect, test } from "bun:test"
import { startApi } from "../../test/api"

/** A signed-in person, and requests that bring the token as a browser's cookie, from a page of some origin. */
async function browser() {
  const api = await startApi()
  const ada = await api.person("ada")
  const ask = async (method: string, path: string, headers: Record<string, string> = {}) =>
    (await api.send(method, path, { headers: { cookie: `theme=dark; token=${ada.token}`, host: "auth.cloud.example.org", ...headers } }))
      .status
  return { api, ada, ask }
}

const dashboard = "https://cloud.example.org"
const change = ["PUT", "/api/settings/profile"] as const

test("a cookie counts, and a Bearer token in the header before it", async () => {
  const { ask } = await browser()
  expect(await ask("GET", "/api/session")).toBe(200)
  expect(await ask("GET", "/api/session", { authorization: "Bearer wrong" })).toBe(401)
  // Another scheme is none of ours.
  expect(await ask("GET", "/api/session", { authorization: "Basic YTpi" })).toBe(200)
})

test.each([
  ["our dashboard", dashboard, 400],
  ["the host itself", "https://auth.cloud.example.org", 400],
  ["no page at all", undefined, 400],
  ["another page", "https://evil.example", 401],
  ["a page in a sandbox", "null", 401],
  ["a page whose name begins as ours", "https://cloud.example.org.evil.example", 401],
  ["a container", "https://0c0ffee0.compute.cloud.example.org", 401],
])("what a cookie may change from %s (%p) is answered %p", async (_who, origin, status) => {
  const { ask } = await browser()
  // Nothing is sent, so what is let in is told that a name is missing.
  expect(await ask(...change, origin === undefined ? {} : { origin })).toBe(status)
})

test("a container's page, which the CORS policy lets read, reads nothing with the cookie of whoever looks at it", async () => {
  const { api, ada, ask } = await browser()
  const origin = "https://0c0ffee0.compute.cloud.example.org"
  expect([await ask("GET", "/api/session", { origin: dashboard }), await ask("GET", "/api/session", { origin })]).toEqual([200, 401])
  // A token that it has of its own is another matter.
  expect((await api.send("GET", "/api/session", { token: ada.token, headers: { origin } })).status).toBe(200)
})
