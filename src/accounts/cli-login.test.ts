import { describe, expect, test } from "bun:test"
import { createHash } from "node:crypto"
import { startApi } from "../../test/api"
import { callbackOrigin } from "./cli-login-routes"

const open = async (query: string) => (await startApi()).send("GET", `/cli-2fa${query}`)
const policyOf = (response: Response) =>
  Object.fromEntries(
    (response.headers.get("content-security-policy") ?? "").split("; ").map((part) => {
      const [name = "", ...sources] = part.split(" ")
      return [name, sources.join(" ")]
    }),
  )

describe("the page of the command line's logins", () => {
  test("runs its own script and style and no other, and reaches nobody but us and the callback", async () => {
    const res = await open("?challenge=a.b.c&cb=http://127.0.0.1:49152?state=nonce")
    expect([res.status, res.headers.get("cache-control"), res.headers.get("referrer-policy")]).toEqual([200, "no-store", "no-referrer"])
    const html = await res.text()
    const hash = (tag: string) => {
      const text = new RegExp(`<${tag}>([^]*?)</${tag}>`).exec(html)?.[1] ?? ""
      return `'sha256-${createHash("sha256").update(text).digest("base64")}'`
    }
    expect(policyOf(res)).toEqual({
      "default-src": "'none'",
      "script-src": hash("script"),
      "style-src": hash("style"),
      "form-action": "'none'",
      "connect-src": "'self' http://127.0.0.1:49152",
      "base-uri": "'none'",
      "frame-ancestors": "'none'",
    })
    // Neither is written into the page, so that neither can write the page.
    expect(html).not.toContain("a.b.c")
    expect(html).not.toContain("nonce")
  })

  test("without a callback it reaches nobody but us, and without a challenge it says where it comes from", async () => {
    expect(policyOf(await open("?challenge=a.b.c"))["connect-src"]).toBe("'self'")
    const res = await open("")
    expect([res.status, await res.text()]).toEqual([400, expect.stringContaining("freehold login")])
  })

  test("a callback that is not this machine's is 400", async () => {
    const res = await open(`?challenge=a.b.c&cb=${encodeURIComponent("https://evil.example/?state=x")}`)
    expect([res.status, policyOf(res)["script-src"]]).toEqual([400, undefined])
  })

  test.each([
    ["http://127.0.0.1:49152?state=n", "http://127.0.0.1:49152"],
    ["http://127.0.0.1:49152/?state=n", "http://127.0.0.1:49152"],
    ["http://127.0.0.1:49152", "http://127.0.0.1:49152"],
    ["http://127.0.0.1/?state=n", undefined],
    ["https://127.0.0.1:49152?state=n", undefined],
    ["http://localhost:49152?state=n", undefined],
    ["http://127.0.0.1.evil.example:80?state=n", undefined],
    ["http://127.0.0.1:49152@evil.example/", undefined],
    ["http://evil.example:80#http://127.0.0.1:49152", undefined],
    ["http://user@127.0.0.1:49152", undefined],
    ["http://2130706433:49152", undefined],
    ["http://127.1:49152", undefined],
    ["http://0.0.0.0:49152", undefined],
    ["http://127.0.0.1:49152; script-src *", undefined],
    ["http://127.0.0.1:70000", undefined],
    ["javascript:alert(1)", undefined],
    ["", undefined],
  ])("the callback %p leads to %p", (text, origin) => {
    expect(callbackOrigin(text)).toBe(origin as never)
  })
})
