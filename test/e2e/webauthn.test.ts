import { afterAll, beforeAll, expect, test } from "bun:test"
import type { Browser, CDPSession, Page } from "playwright-core"
import { waitUntil } from "../lab/process"
import { admin, type Appliance, startAppliance } from "./appliance"
import { hasChromium, startChromium } from "./chromium"

const browserTest = test.skipIf(!hasChromium)
const base = "freehold.localhost"

type Call = { method?: string; token?: string; body?: unknown }
type Answer = { status: number; body: Record<string, never> }
type Begun = { options: { publicKey: unknown }; state: string }

let appliance: Appliance
let browser: Browser
let page: Page
let devtools: CDPSession
const undo: (() => unknown)[] = []

beforeAll(async () => {
  if (!hasChromium) return
  appliance = await startAppliance({ address: "127.0.0.1", settings: { FREEHOLD_BASE_DOMAIN: base } })
  undo.push(() => appliance.stop())
  const resolver = `--host-resolver-rules=MAP * 127.0.0.1:${appliance.ports.https}, EXCLUDE 127.0.0.1`
  browser = await startChromium(resolver)
  undo.push(() => browser.close())
  // Our own root is not in Chromium's store; for names below localhost it lets pages with such a certificate use WebAuthn all the same.
  page = await (await browser.newContext({ ignoreHTTPSErrors: true })).newPage()
  await waitUntil(async () => (await page.goto(`https://${base}/healthz`))?.status() === 200, { what: "the page of the base domain" })
  devtools = await page.context().newCDPSession(page)
  await devtools.send("WebAuthn.enable")
}, 200_000)

afterAll(async () => {
  for (const step of undo.reverse()) await step()
})

/** Plugs a new key in that answers by itself; gives what unplugs it. */
async function plugIn(options: { verifies: boolean }): Promise<() => Promise<unknown>> {
  const { authenticatorId } = await devtools.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: options.verifies ? "internal" : "usb",
      hasResidentKey: options.verifies,
      hasUserVerification: options.verifies,
      isUserVerified: options.verifies,
      automaticPresenceSimulation: true,
    },
  })
  return () => devtools.send("WebAuthn.removeVirtualAuthenticator", { authenticatorId })
}

/** One request beside the browser, which gives up its own whenever a container anywhere on the machine changes the network. */
async function call(path: string, { method = "POST", token, body }: Call = {}): Promise<Answer> {
  const { status, text } = await appliance.api(method, path, { token, body })
  return { status, body: text === "" ? {} : JSON.parse(text) }
}

/** `navigator.credentials` with options and result as JSON, as the browser itself converts them. */
function ask(what: "create" | "get", begun: Begun): Promise<unknown> {
  return page.evaluate(
    async ([what, options]) => {
      const { PublicKeyCredential, navigator } = globalThis as never as {
        PublicKeyCredential: Record<string, (json: unknown) => unknown>
        navigator: { credentials: Record<string, (options: unknown) => Promise<{ toJSON(): unknown }>> }
      }
      const parse = what === "create" ? "parseCreationOptionsFromJSON" : "parseRequestOptionsFromJSON"
      const publicKey = PublicKeyCredential[parse]?.(options)
      return (await navigator.credentials[what as string]?.({ publicKey }))?.toJSON()
    },
    [what, begun.options.publicKey] as const,
  )
}

async function finish(what: "create" | "get", begun: Answer, path: string, token?: string): Promise<Answer> {
  expect(begun.status).toBe(200)
  const ceremony = begun.body as unknown as Begun
  return call(path, { token, body: { state: ceremony.state, credential: await ask(what, ceremony) } })
}

const logIn = () => call("/api/login", { body: admin })

browserTest(
  "a security key is registered in the browser and asked for at the next login; without it there is no way in",
  async () => {
    const { token } = (await logIn()).body
    const unplug = await plugIn({ verifies: false })
    const added = await finish("create", await call("/api/settings/keys/add/begin", { token }), "/api/settings/keys/add/finish", token)
    expect(added).toEqual({ status: 200, body: {} })

    const challenge = (await logIn()).body
    expect(Object.keys(challenge).sort()).toEqual(["challenge_token", "requires_2fa"])
    const begun = await call("/api/webauthn/login/begin", { token: challenge.challenge_token })
    const done = await finish("get", begun, "/api/webauthn/login/finish")
    expect(done).toEqual({ status: 200, body: expect.objectContaining({ username: "ada", token: expect.any(String) }) as never })
    const again = await call("/api/webauthn/login/begin", { token: challenge.challenge_token })
    expect([again.status, again.body]).toEqual([401, { error: "invalid or expired challenge token" } as never])

    await unplug()
    const other = await plugIn({ verifies: false })
    const lost = await call("/api/webauthn/login/begin", { token: (await logIn()).body.challenge_token })
    expect(await ask("get", lost.body as unknown as Begun).catch((error: Error) => error.message)).toContain("NotAllowedError")
    await other()

    const { keys } = (await call("/api/settings/keys", { method: "GET", token: done.body.token })).body as never as {
      keys: { id: string }[]
    }
    for (const { id } of keys) await call("/api/settings/keys/delete", { token: done.body.token, body: { id } })
    expect((await logIn()).body).toHaveProperty("token")
  },
  60_000,
)

browserTest(
  "a passkey logs in without a password",
  async () => {
    const { token } = (await logIn()).body
    const unplug = await plugIn({ verifies: true })
    await finish("create", await call("/api/settings/keys/add/begin", { token }), "/api/settings/keys/add/finish", token)
    const done = await finish("get", await call("/api/webauthn/passkey/begin"), "/api/webauthn/passkey/finish")
    expect(done).toEqual({ status: 200, body: expect.objectContaining({ username: "ada", token: expect.any(String) }) as never })
    await unplug()
  },
  60_000,
)
