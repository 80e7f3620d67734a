import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { type TOTP, URI } from "otpauth"
import type { CDPSession } from "playwright-core"
import { waitUntil } from "../lab/process"
import { admin } from "../e2e/appliance"
import { hasChromium, startChromium } from "../e2e/chromium"
import { DashboardHouse, looks, Visit, wide } from "./house"
import { soon } from "../e2e/soon"

const base = "freehold.localhost"

/** Somebody with an authenticator app and recovery codes. */
async function personWithApp(house: DashboardHouse, username: string) {
  const person = { username, password: `the password of ${username}` }
  const root = await house.house.login()
  await root.send("POST", "/admin/users", person)
  const session = await house.house.login(person)
  const { uri } = await session.send<{ uri: string }>("POST", "/api/settings/totp/begin")
  const app = URI.parse(uri) as TOTP
  const finish = { code: app.generate() }
  const { recovery_codes: codes } = await session.send<{ recovery_codes: string[] }>("POST", "/api/settings/totp/finish", finish)
  // The code of now is used by that; the one of the next half minute is taken too.
  return { ...person, codes, nextCode: () => app.generate({ timestamp: Date.now() + 30_000 }) }
}

/** Shows the password, and comes to the second step. */
async function showPassword({ page }: Visit, { username, password }: { username: string; password: string }): Promise<void> {
  await page.getByLabel("User name").fill(username)
  await page.getByLabel("Password").fill(password)
  await page.getByRole("button", { name: "Sign in", exact: true }).click()
  await page.getByRole("heading", { level: 1, name: "Confirm that it is you" }).waitFor()
}

describe.skipIf(!hasChromium)("the ways in", () => {
  let house: DashboardHouse
  let tess: Awaited<ReturnType<typeof personWithApp>>
  beforeAll(async () => {
    house = await DashboardHouse.open()
    tess = await personWithApp(house, "tess")
  }, 120_000)
  afterAll(() => house?.stop())

  test("an authenticator code follows the password; a wrong one is told and leaves the way open", async () => {
    const visit = await house.visit()
    const { page } = visit
    await page.goto("/login?next=%2Faccess%2Fsessions%3Fq%3D1")
    await showPassword(visit, tess)
    await soon(() => page.getByText("The password of tess is right").isVisible()).toBe(true)
    const code = page.getByLabel("Six-digit code")
    await code.fill("000000")
    await visit.button("Confirm code").click()
    await soon(() => page.getByRole("alert").innerText()).toContain("did not match")
    await soon(() => code.inputValue()).toBe("000000")
    await code.fill(tess.nextCode())
    await page.keyboard.press("Enter")
    await page.waitForURL("**/access/sessions?q=1")
    await visit.heading("Sessions")
    expect(visit.faults).toEqual([])
    await visit.close()
  })

  test("a recovery code signs in once", async () => {
    const visit = await house.visit()
    const { page } = visit
    const [code = ""] = tess.codes
    await page.goto("/login")
    await showPassword(visit, tess)
    await visit.button("Use a recovery code").click()
    await page.getByLabel("Recovery code").fill(code.toUpperCase())
    await visit.button("Confirm code").click()
    await page.waitForURL(`${house.house.url}/`)
    await page.context().clearCookies()
    await page.goto("/login")
    await showPassword(visit, tess)
    await visit.button("Use a recovery code").click()
    await page.getByLabel("Recovery code").fill(code)
    await visit.button("Confirm code").click()
    await soon(() => page.getByRole("alert").innerText()).toContain("did not match")
    await visit.close()
  })

  test("whoever is signed in already goes on at once", async () => {
    const visit = await house.signedIn()
    await visit.page.goto("/login?next=%2Faccess")
    await visit.heading("Access")
    await visit.close()
  })

  test("away from the base domain there is no button for a passkey, but the way to where it works", async () => {
    const visit = await house.visit()
    await visit.page.goto("/login?next=%2Faccess")
    const link = visit.page.getByRole("link", { name: `https://${base}` })
    await link.waitFor()
    await soon(() => link.getAttribute("href")).toBe(`https://${base}:${house.house.ports.https}/login?next=%2Faccess`)
    expect(await visit.button("Sign in with a passkey").count()).toBe(0)
    await visit.close()
  })

  test.each(looks)("both steps are accessible at $width $scheme", async (look) => {
    const visit = await house.visit(look)
    await visit.page.goto("/login?next=%2Faccess")
    await visit.page.getByRole("link", { name: `https://${base}` }).waitFor()
    await visit.shot("login")
    expect(await visit.complaints()).toEqual([])
    await showPassword(visit, tess)
    await visit.page.getByLabel("Six-digit code").waitFor()
    await visit.shot("login-second-factor")
    expect(await visit.complaints()).toEqual([])
    expect(visit.faults).toEqual([])
    expect(await visit.overflow()).toBe(0)
    await visit.close()
  })

  test("too many attempts are told with the time to wait", async () => {
    const attempt = { username: "nobody", password: "not this one" }
    await Promise.all(Array.from({ length: 10 }, () => house.house.api("POST", "/api/login", { body: attempt })))
    const visit = await house.visit()
    await visit.page.goto("/login")
    await visit.page.getByLabel("User name").fill(attempt.username)
    await visit.page.getByLabel("Password").fill(attempt.password)
    await visit.button("Sign in").click()
    const told = await visit.page.getByRole("alert").innerText()
    expect(told).toContain("Too many login attempts")
    expect(told).toMatch(/Wait 1\d min/)
    await visit.shot("login-wait")
    expect(await visit.complaints()).toEqual([])
    await visit.close()
    await house.house.restart()
  }, 60_000)

  test("a confirmation that came too late begins again, and keeps the name", async () => {
    const visit = await house.visit()
    await visit.page.goto("/login")
    await showPassword(visit, tess)
    // Challenges last five minutes, and no restart.
    await house.house.restart()
    await visit.page.getByLabel("Six-digit code").fill("123456")
    await visit.button("Confirm code").click()
    await visit.heading("Sign in")
    await soon(() => visit.page.getByRole("alert").innerText()).toContain("Sign in again")
    await soon(() => visit.page.getByLabel("User name").inputValue()).toBe(tess.username)
    await soon(() => visit.page.getByLabel("Password").inputValue()).toBe("")
    await visit.close()
  }, 60_000)

  describe("at the base domain over HTTPS", () => {
    let visit: Visit
    let devtools: CDPSession
    let end: () => Promise<void>
    beforeAll(async () => {
      const resolver = `--host-resolver-rules=MAP * 127.0.0.1:${house.house.ports.https}, EXCLUDE 127.0.0.1`
      const browser = await startChromium(resolver)
      end = () => browser.close()
      const context = await browser.newContext({ ignoreHTTPSErrors: true, baseURL: `https://${base}`, reducedMotion: "reduce" })
      visit = new Visit(context, await context.newPage(), wide)
      await waitUntil(async () => (await visit.page.goto("/healthz"))?.status() === 200, { what: "the page of the base domain" })
      devtools = await context.newCDPSession(visit.page)
      await devtools.send("WebAuthn.enable")
    }, 60_000)
    afterAll(() => end?.())

    /** Plugs a key in that answers by itself; gives what unplugs it. */
    async function plugIn(): Promise<() => Promise<unknown>> {
      const { authenticatorId } = await devtools.send("WebAuthn.addVirtualAuthenticator", {
        options: {
          protocol: "ctap2",
          transport: "internal",
          hasResidentKey: true,
          hasUserVerification: true,
          isUserVerified: true,
          automaticPresenceSimulation: true,
        },
      })
      return () => devtools.send("WebAuthn.removeVirtualAuthenticator", { authenticatorId })
    }

    test("a passkey that was added in the dashboard signs in without a password, and follows a password as second factor", async () => {
      const { page } = visit
      await page.goto("/login?next=%2Faccess%2Fsecurity")
      await visit.signIn()
      await visit.heading("Two-factor sign-in")
      const unplug = await plugIn()
      await visit.button("Add a key").click()
      await page.getByRole("dialog").getByLabel("Name").fill("Laptop")
      await page.getByRole("dialog").getByRole("button", { name: "Add a key" }).click()
      await page.getByRole("list", { name: "Your security keys" }).getByText("Laptop").waitFor()
      await page.getByText("Two-factor sign-in is on").waitFor()
      await visit.shot("access-security-key")
      expect(await visit.complaints()).toEqual([])
      const [cookie] = await page.context().cookies()
      expect(cookie).toMatchObject({ name: "__Host-token", httpOnly: true, secure: true, sameSite: "Strict" })

      await page.context().clearCookies()
      await page.goto("/login?next=%2Faccess")
      await visit.button("Sign in with a passkey").click()
      await visit.heading("Access")

      await page.context().clearCookies()
      await page.goto("/login?next=%2Faccess")
      await showPassword(visit, admin)
      await visit.button("Use a security key").click()
      await visit.heading("Access")

      await unplug()
      const emptyHanded = await plugIn()
      await page.context().clearCookies()
      await page.goto("/login")
      await visit.button("Sign in with a passkey").click()
      await soon(() => page.getByRole("alert").innerText()).toContain("The key was not used")
      await emptyHanded()
      expect(visit.faults).toEqual([])
    }, 120_000)
  })
})
