import { afterAll, beforeAll, expect, test } from "bun:test"
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { TOTP, Secret } from "otpauth"
import { type Browser, type CDPSession, chromium, type Page } from "playwright-core"
import { waitUntil } from "../lab/process"
import { admin, type Appliance, binary, startAppliance } from "./appliance"
import { soon } from "./soon"

const chromiumPath = "/usr/bin/chromium"
const flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-sync", "--no-first-run"]
const hasChromium = await Bun.file(chromiumPath).exists()
const browserTest = test.skipIf(!hasChromium)
const base = "freehold.localhost"
/** Where the tests leave what they saw, for people; nowhere unless it is said. */
const pictures = process.env.FREEHOLD_PICTURES

let appliance: Appliance
let browser: Browser
let page: Page
let devtools: CDPSession
let origin: string
const undo: (() => unknown)[] = []

beforeAll(async () => {
  if (!hasChromium) return
  appliance = await startAppliance({ address: "127.0.0.1", settings: { FREEHOLD_BASE_DOMAIN: base } })
  undo.push(() => appliance.stop())
  origin = `https://${base}:${appliance.ports.https}`
  // Chromium itself leads names below localhost to this machine.
  browser = await chromium.launch({ executablePath: chromiumPath, args: flags })
  undo.push(() => browser.close())
  page = await (await browser.newContext({ ignoreHTTPSErrors: true })).newPage()
  await waitUntil(async () => (await page.goto(`${origin}/healthz`))?.status() === 200, { what: "the page of the base domain" })
  devtools = await page.context().newCDPSession(page)
  await devtools.send("WebAuthn.enable")
}, 200_000)

afterAll(async () => {
  for (const step of undo.reverse()) await step()
})

/** A run of the compiled client, whose standard input stays open for more lines. */
async function runLogin(environment: Record<string, string> = {}) {
  const command = [await binary(), "login", "--username", admin.username, "--password-stdin"]
  const child = Bun.spawn(["setpriv", "--pdeathsig", "KILL", "--", ...command], {
    env: { PATH: process.env.PATH ?? "", HOME: appliance.home, FREEHOLD_SERVER: appliance.url, ...environment },
    stdin: "pipe",
    stdout: "pipe",
    stderr: "pipe",
    timeout: 120_000,
  })
  undo.push(() => child.kill("SIGKILL"))
  let said = ""
  const collect = async (stream: ReadableStream<Uint8Array>) => {
    const decoder = new TextDecoder()
    for await (const chunk of stream) said += decoder.decode(chunk, { stream: true })
  }
  const drained = Promise.all([collect(child.stdout), collect(child.stderr)])
  const type = (line: string) => {
    child.stdin.write(`${line}\n`)
    void child.stdin.flush()
  }
  type(admin.password)
  const ended = async () => {
    const code = await child.exited
    await drained
    return { code, said }
  }
  /** The address of the page, once it is printed. */
  const address = async () => {
    await waitUntil(() => /https:\S+/.test(said), { what: "the address of the page" })
    return /https:\S+/.exec(said)?.[0] ?? ""
  }
  return { type, ended, address, said: () => said }
}

/** Who is logged in by what the client has stored. */
async function stored(): Promise<{ status: number; text: string }> {
  const { token } = JSON.parse(await readFile(join(appliance.home, ".config/freehold/config.json"), "utf8")) as { token: string }
  return appliance.api("GET", "/api/session", { token })
}

async function send<T>(path: string, token: string, body?: object): Promise<T> {
  const { status, text } = await appliance.api("POST", path, { token, body })
  if (status !== 200) throw new Error(`${path} answered ${status}: ${text}`)
  return (text === "" ? {} : JSON.parse(text)) as T
}

/** Plugs in a key that answers by itself and registers it, on a page of our own. */
async function addKey(token: string): Promise<void> {
  const { authenticatorId } = await devtools.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: "usb",
      hasResidentKey: false,
      hasUserVerification: false,
      isUserVerified: false,
      automaticPresenceSimulation: true,
    },
  })
  undo.push(() => devtools.send("WebAuthn.removeVirtualAuthenticator", { authenticatorId }).catch(() => undefined))
  const { options, state } = await send<{ options: { publicKey: unknown }; state: string }>("/api/settings/keys/add/begin", token)
  const credential = await page.evaluate(async (json) => {
    const { PublicKeyCredential, navigator } = globalThis as never as {
      PublicKeyCredential: { parseCreationOptionsFromJSON(json: unknown): unknown }
      navigator: { credentials: { create(options: unknown): Promise<{ toJSON(): unknown }> } }
    }
    return (await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(json) })).toJSON()
  }, options.publicKey)
  await send("/api/settings/keys/add/finish", token, { state, credential })
}

/** The page as it is now: at a phone's width and at a desk's, light and dark. */
async function picture(name: string): Promise<void> {
  if (pictures === undefined) return
  for (const width of [390, 1440]) {
    for (const colorScheme of ["light", "dark"] as const) {
      await page.setViewportSize({ width, height: 844 })
      await page.emulateMedia({ colorScheme })
      await page.screenshot({ path: join(pictures, `${name}-${width}-${colorScheme}.png`) })
    }
  }
}

/** Waits for what follows an attempt, and makes the attempt anew where the network broke under it, as on this machine it may at any time. */
async function until(shown: string, again: () => Promise<unknown>): Promise<void> {
  const isBroken = async () => (await page.locator("#problem").textContent())?.includes("could not be reached") === true
  const ask = async () => {
    if (await page.locator(shown).isVisible()) return true
    if (await isBroken()) await again()
    return false
  }
  await waitUntil(ask, { limitMs: 40_000, everyMs: 100, what: `${shown} to be shown` }).catch(async (error: unknown) => {
    throw new Error(`${String(error)}; the page says: ${await page.locator("body").innerText()}`, { cause: error })
  })
}

const isTooWide = () => page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth") as Promise<boolean>

browserTest(
  "login asks for a security key on a page, which tells the command by itself",
  async () => {
    const { token } = await appliance.login()
    await addKey(token)
    const problems: string[] = []
    page.on("console", (message) => /Content Security Policy/i.test(message.text()) && problems.push(message.text()))
    const login = await runLogin()
    const address = await login.address()
    expect(address).toStartWith(`${origin}/cli-2fa?challenge=`)
    await page.setViewportSize({ width: 360, height: 640 })
    await page.goto(address)
    await until("#use-key", () => page.goto(address))
    expect([await page.locator("#username").textContent(), new URL(page.url()).search, await isTooWide()]).toEqual(["ada", "", false])
    await picture("key")
    // By keyboard alone: the focus is there already.
    await page.keyboard.press("Enter")
    await until("#delivered", () => page.locator("#use-key").click())
    await picture("delivered")
    expect(await login.ended()).toEqual({ code: 0, said: expect.stringContaining("logged in to") as never })
    expect(JSON.parse((await stored()).text)).toMatchObject({ username: "ada" })
    expect(problems).toEqual([])
  },
  120_000,
)

browserTest(
  "by SSH the page shows what to paste",
  async () => {
    const login = await runLogin({ SSH_CONNECTION: "192.0.2.1 50000 192.0.2.2 22" })
    const address = await login.address()
    expect(address).not.toContain("cb=")
    await page.goto(address)
    await until("#use-key", () => page.goto(address))
    await page.locator("#use-key").click()
    await until("#by-hand", () => page.locator("#use-key").click())
    expect(await isTooWide()).toBe(false)
    await picture("by-hand")
    login.type("rubbish")
    login.type(await page.locator("#token").inputValue())
    const { code, said } = await login.ended()
    expect([code, said]).toEqual([0, expect.stringContaining("that is not what the page shows") as never])
    expect((await stored()).status).toBe(200)
    // The link is used up.
    await page.goto(address)
    await page.locator("#problem", { hasText: "older than five minutes" }).waitFor()
    await picture("over")
  },
  120_000,
)

browserTest(
  "with an authenticator app its code is asked for, at the prompt or on the page",
  async () => {
    const { token } = JSON.parse(await readFile(join(appliance.home, ".config/freehold/config.json"), "utf8")) as { token: string }
    const { secret } = await send<{ secret: string }>("/api/settings/totp/begin", token)
    const app = new TOTP({ secret: Secret.fromBase32(secret) })
    // The step before and the one after count too, so that each code here is used once without a wait.
    const code = (steps: number) => app.generate({ timestamp: Date.now() + steps * 30_000 })
    const { recovery_codes } = await send<{ recovery_codes: string[] }>("/api/settings/totp/finish", token, { code: code(-1) })

    const first = await runLogin()
    first.type(code(0))
    expect(await first.ended()).toEqual({ code: 0, said: expect.stringContaining("logged in to") as never })

    const second = await runLogin()
    second.type(recovery_codes[0] ?? "")
    expect((await second.ended()).code).toBe(0)

    const third = await runLogin()
    third.type("")
    const address = await third.address()
    await page.goto(address)
    await until("#code", () => page.goto(address))
    await picture("both")
    await page.locator("#code").fill(recovery_codes[0] ?? "")
    await page.keyboard.press("Enter")
    await page.locator("#problem", { hasText: "That did not match" }).waitFor()
    await picture("wrong")
    await page.locator("#code").fill(recovery_codes[1] ?? "")
    await page.keyboard.press("Enter")
    await until("#delivered", () => page.locator("#use-code").click())
    expect((await third.ended()).code).toBe(0)
    expect((await stored()).status).toBe(200)
  },
  120_000,
)

browserTest(
  "at an address other than the base domain's, the page says where a key can be used",
  async () => {
    const { text } = await appliance.api("POST", "/api/login", { body: admin })
    const { challenge_token } = JSON.parse(text) as { challenge_token: string }
    await page.goto(`${appliance.url}/cli-2fa?challenge=${challenge_token}`)
    await page.locator("#right-page").waitFor()
    await soon(() => page.locator("#right-page").getAttribute("href")).toBe(`${origin}/cli-2fa?challenge=${challenge_token}`)
    expect(await page.locator("#use-key").isVisible()).toBe(false)
    await picture("elsewhere")
  },
  120_000,
)
