import { afterAll, describe, expect, test } from "bun:test"
import { stat } from "node:fs/promises"
import { join } from "node:path"
import { askServer, findProgram } from "../lab/dns"
import { loopbackBlock } from "../lab/ports"
import { type LabProcess, startProcess, temporaryFolder, waitUntil } from "../lab/process"
import { type Appliance, binary, type Settings, startAppliance } from "./appliance"
import { runProgram } from "./program"

const obstacle = findProgram("setpriv") ? undefined : "setpriv is not installed"
const noNotify = ["systemd-notify", "perl"].map((name) => (findProgram(name) ? undefined : `${name} is not installed`)).find(Boolean)
const credentials = { username: "grace", password: "a long enough password" }

describe.skipIf(obstacle !== undefined)(`freehold serve${obstacle ? ` (skipped: ${obstacle})` : ""}`, () => {
  const undo: (() => Promise<unknown>)[] = []
  afterAll(async () => {
    for (const step of undo.splice(0).reverse()) await step()
  })

  const start = async (options: { withAdmin?: boolean; settings?: Settings } = {}): Promise<Appliance> => {
    const house = await startAppliance({ address: (await loopbackBlock(8080, 1)).address(1), ...options })
    undo.push(() => house.stop())
    return house
  }

  test("the first start prints a set-up link that works once, and later starts print none", async () => {
    const house = await start({ withAdmin: false })
    const link = await house.setupLink()
    expect(link).toStartWith(`${house.url}/setup/`)
    const path = link.slice(house.url.length)
    expect((await house.api("GET", path)).text).toContain('<form method="post">')
    expect((await house.api("GET", "/setup/guessed")).status).toBe(404)
    const weak = await house.api("POST", path, { body: { ...credentials, password: "short" } })
    expect(weak.status).toBe(400)
    const made = await house.api("POST", path, { body: credentials })
    expect(made.status).toBe(200)
    expect(JSON.parse(made.text)).toMatchObject({ username: "grace", is_admin: true })
    expect((await house.api("POST", path, { body: { ...credentials, username: "mallory" } })).status).toBe(404)
    expect((await house.api("GET", path)).status).toBe(404)
    await house.login(credentials)
    await house.restart()
    expect(house.output()).not.toContain("/setup/")
    await house.login(credentials)
  })

  test("a set-up link that nobody used ends with the next start, which prints another", async () => {
    const house = await start({ withAdmin: false })
    const path = async () => new URL(await house.setupLink()).pathname
    const first = await path()
    await house.restart()
    const second = await path()
    expect(second).not.toBe(first)
    expect((await house.api("GET", first)).status).toBe(404)
    expect((await house.api("GET", second)).status).toBe(200)
  })

  const kdigTest = test.skipIf(!findProgram("kdig"))
  kdigTest("the zone of the base domain is served where dns_listen says, at the public addresses", async () => {
    const address = (await loopbackBlock(5300, 1)).address(1)
    const zone = { FREEHOLD_BASE_DOMAIN: "cloud.lan", FREEHOLD_PUBLIC_IPV4: "192.0.2.5", FREEHOLD_PUBLIC_IPV6: "2001:db8::5" }
    await start({ settings: { ...zone, FREEHOLD_DNS_LISTEN: `${address}:5300` } })
    const ask = (name: string, type: string) => askServer(address, name, type, 5300)
    expect(await ask("ingress.cloud.lan", "A")).toBe("192.0.2.5")
    expect(await ask("net.cloud.lan", "AAAA")).toBe("2001:db8::5")
    expect(await ask("cloud.lan", "NS")).toBe("ns.cloud.lan.")
    expect(await ask("nothing.cloud.lan", "A")).toBe("NXDOMAIN")
    expect(await ask("example.com", "A")).toBe("REFUSED")
  })

  test("the data folder is its owner's alone, and so are the secrets in it", async () => {
    const house = await start()
    const mode = async (name: string) => (await stat(join(house.dataDir, name))).mode & 0o777
    expect(await mode(".")).toBe(0o700)
    for (const secret of ["jwt-secret", "encryption-key", "store-key"]) expect(await mode(secret)).toBe(0o600)
  })

  test("SIGTERM ends it with 0, and what listened is free again", async () => {
    const house = await start()
    await house.login()
    expect(await house.end()).toBe(0)
    await expect(house.api("GET", "/healthz")).rejects.toThrow()
    await house.start()
    expect(JSON.parse((await house.api("GET", "/healthz")).text)).toMatchObject({ status: "ok" })
  })

  test.each([
    ["a duration", { FREEHOLD_VERIFY_INTERVAL: "soon" }, [], "FREEHOLD_VERIFY_INTERVAL must be a duration"],
    ["an unknown variable", { FREEHOLD_TYPO: "1" }, [], "FREEHOLD_TYPO is not a setting"],
    ["an unknown flag", {}, ["--no-such-flag", "1"], "--no-such-flag is not a setting"],
    ["an address", {}, ["--https-listen", "example.com:443"], "--https-listen must be [host]:port"],
    ["half of a pair", { FREEHOLD_ADMIN_USERNAME: "ada" }, [], "admin_password is missing"],
    ["a missing file", { FREEHOLD_ACME_CA_FILE: "/no/such/file" }, [], "/no/such/file cannot be read"],
  ])("a bad setting stops the start with its name: %s", async (_what, environment, flags, message) => {
    const folder = await temporaryFolder("bad-setting")
    undo.push(() => folder.remove())
    const data: Record<string, string> = { FREEHOLD_DATA_DIR: join(folder.path, "data"), ...environment }
    const { code, err } = await runProgram([await binary(), "serve", ...flags], { environment: data, folder: folder.path })
    expect(code).toBe(2)
    expect(err).toContain(message)
    await expect(stat(join(folder.path, "data"))).rejects.toThrow()
  })

  test("a secret that is refused is not shown", async () => {
    const environment = { FREEHOLD_JWT_SECRET: "too-short-and-secret" }
    const { code, out, err } = await runProgram([await binary(), "serve"], { environment })
    expect(code).toBe(2)
    expect(err).toContain("FREEHOLD_JWT_SECRET must be at least 32 characters")
    expect(out + err).not.toContain("too-short-and-secret")
  })

  test("a port that is taken stops the start with its name and exit code 1", async () => {
    const house = await start()
    const folder = await temporaryFolder("taken-port")
    undo.push(() => folder.remove())
    const { address, ports } = house
    const environment = {
      FREEHOLD_DATA_DIR: join(folder.path, "data"),
      FREEHOLD_API_LISTEN: `${address}:0`,
      FREEHOLD_HTTP_LISTEN: `${address}:0`,
      FREEHOLD_HTTPS_LISTEN: `${address}:${ports.https}`,
      FREEHOLD_CONTAINER_ENGINE: "none",
    }
    const { code, err } = await runProgram([await binary(), "serve"], { environment, folder: folder.path })
    expect(code).toBe(1)
    expect(err).toContain(`https_listen ${address}:${ports.https}`)
  })

  const notified = "systemd is told when it is ready, that it lives for as long as it does, and when it ends"
  test.skipIf(noNotify !== undefined)(`${notified}${noNotify ? ` (skipped: ${noNotify})` : ""}`, async () => {
    const folder = await temporaryFolder("notify")
    undo.push(() => folder.remove())
    const path = join(folder.path, "notify.sock")
    const manager = await startManager(path)
    undo.push(() => manager.stop())
    const house = await start({ settings: { NOTIFY_SOCKET: path, WATCHDOG_USEC: "600000" } })
    const said = () => manager.output().match(/READY=1|WATCHDOG=1|STOPPING=1/g) ?? []
    await waitUntil(() => said().length >= 4, { what: "signs of life" })
    expect(said().slice(0, 4)).toEqual(["READY=1", "WATCHDOG=1", "WATCHDOG=1", "WATCHDOG=1"])
    expect(await house.end()).toBe(0)
    expect(said()).toContain("STOPPING=1")
  })

  test("the binary tells its version and its help, and knows no other verb", async () => {
    const program = await binary()
    expect((await runProgram([program, "version"])).out).toMatch(/\d+\.\d+\.\d+/)
    expect((await runProgram([program, "help"])).out).toContain("service-accounts")
    expect((await runProgram([program, "fly"])).code).toBe(2)
  })
})

/** Stands where systemd would: prints every message that comes in. */
async function startManager(path: string): Promise<LabProcess> {
  const script = `use Socket; socket(my $s, PF_UNIX, SOCK_DGRAM, 0) or die $!; bind($s, sockaddr_un($ARGV[0])) or die $!;
    $| = 1; print "listening\\n"; while (1) { recv($s, my $m, 4096, 0) // die $!; print "$m\\n" }`
  return startProcess({ name: "notify socket", command: ["perl", "-e", script, path], ready: (output) => output().includes("listening") })
}
