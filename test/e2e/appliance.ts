import { existsSync } from "node:fs"
import { mkdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { freePort } from "../lab/ports"
import { type LabProcess, startProcess, temporaryFolder, waitUntil } from "../lab/process"
import { parseCurl, type Answer, type CurlEnding } from "./answer"
import { Person } from "./person"
import { builder, type Ending, runProgram } from "./program"

/** `FREEHOLD_*` settings of a run, by their whole names. */
export type Settings = Record<string, string>

export type ApplianceOptions = {
  /** The loopback address of its three listeners. */
  address: string
  ports?: Ports
  settings?: Settings
  /** PEM file of the root that curl trusts, where it is not the built-in CA's. */
  trusted?: string
  /** False: nobody is made by settings, so that the set-up link is printed. */
  withAdmin?: boolean
}

export type Ports = { api: number; http: number; https: number }

const repository = join(import.meta.dir, "../..")
export const admin = { username: "ada", password: "correct horse battery" }

/** The compiled binary: `FREEHOLD_BINARY`, or `dist/freehold`, which is built when it is missing. */
export async function binary(): Promise<string> {
  const given = process.env.FREEHOLD_BINARY
  if (given) return given
  const built = join(repository, "dist/freehold")
  if (!existsSync(built)) {
    const build = await runProgram([join(repository, "scripts/build")], {
      environment: builder(),
      limitMs: 170_000,
    })
    if (build.code !== 0) throw new Error(`scripts/build failed\n${build.out}${build.err}`)
  }
  return built
}

/** Three ports that are free at the address now. */
export async function freePorts(address: string): Promise<Ports> {
  const found = new Set<number>()
  while (found.size < 3) found.add(await freePort(address))
  const [api = 0, http = 0, https = 0] = found
  return { api, http, https }
}

/** Starts `freehold serve` with a data folder of its own and waits until it says that it is up. */
export async function startAppliance(options: ApplianceOptions): Promise<Appliance> {
  const folder = await temporaryFolder("appliance")
  try {
    const appliance = new Appliance(folder, await binary(), options.ports ?? (await freePorts(options.address)), options)
    await mkdir(appliance.home)
    // So that a configuration file of the machine is not read.
    await writeFile(appliance.configFile, "")
    await appliance.start()
    return appliance
  } catch (error) {
    await folder.remove()
    throw error
  }
}

/** A running appliance as its operator, its users and its visitors meet it. */
export class Appliance {
  private running: LabProcess | undefined
  private past = ""
  private settings: Settings
  /** How long the last start took, from the program's first instruction to its word that it is up. */
  startMs = 0
  readonly address: string
  readonly url: string
  readonly dataDir: string
  readonly home: string
  readonly configFile: string

  constructor(
    private folder: { path: string; remove(): Promise<void> },
    private program: string,
    readonly ports: Ports,
    private options: ApplianceOptions,
  ) {
    this.address = options.address
    this.url = `http://${options.address}:${ports.api}`
    this.dataDir = join(folder.path, "data")
    this.home = join(folder.path, "home")
    this.configFile = join(folder.path, "freehold.toml")
    this.settings = {
      FREEHOLD_DATA_DIR: this.dataDir,
      FREEHOLD_API_LISTEN: `${options.address}:${ports.api}`,
      FREEHOLD_HTTP_LISTEN: `${options.address}:${ports.http}`,
      FREEHOLD_HTTPS_LISTEN: `${options.address}:${ports.https}`,
      FREEHOLD_SSH_LISTEN: `${options.address}:0`,
      FREEHOLD_CONTAINER_ENGINE: "none",
      FREEHOLD_ACME_DIRECTORY: "internal",
      FREEHOLD_VERIFY_INTERVAL: "500ms",
      FREEHOLD_ALLOW_UPSTREAMS: "127.0.0.0/8",
      ...(options.withAdmin === false ? {} : { FREEHOLD_ADMIN_USERNAME: admin.username, FREEHOLD_ADMIN_PASSWORD: admin.password }),
      ...options.settings,
    }
  }

  get pid(): number {
    return this.process.pid
  }

  /** Memory that the process holds, and the size of its binary. */
  async sizes(): Promise<{ residentMiB: number; binaryMiB: number }> {
    const status = await Bun.file(`/proc/${this.pid}/status`).text()
    const residentKiB = Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1])
    return { residentMiB: Math.round(residentKiB / 1024), binaryMiB: Math.round(Bun.file(this.program).size / 2 ** 20) }
  }

  /** What the present process wrote, both streams together. */
  output(): string {
    return this.process.output()
  }

  /** What all of its processes wrote, the earlier ones first. */
  history(): string {
    return this.past + this.output()
  }

  /** Starts it, with these settings above those it had; throws with its output when it does not come up within the limit, and kills it then. */
  async start(change: Settings = {}, limitMs?: number): Promise<void> {
    const environment = { ...this.settings, ...change }
    // The tests' own FREEHOLD_BINARY would stop the start, and so it should: it is no setting.
    const foreign = /^(FREEHOLD_.*|NOTIFY_SOCKET|CREDENTIALS_DIRECTORY)$/
    const without = Object.keys(process.env).flatMap((name) => (foreign.test(name) && !(name in environment) ? ["-u", name] : []))
    this.past += this.running?.output() ?? ""
    const began = performance.now()
    this.running = await startProcess({
      name: "freehold",
      command: ["env", ...without, this.program, "serve", "--config", this.configFile],
      environment,
      folder: this.folder.path,
      ready: (output) => output().includes("freehold is up"),
      readyTimeoutMs: limitMs,
    })
    this.startMs = Math.round(performance.now() - began)
  }

  /** SIGTERM; the exit code. */
  async end(): Promise<number> {
    const { process } = this
    await process.stop()
    return process.exited
  }

  /** A plain restart, as an operator does it; throws when the end was not clean. */
  async restart(change: Settings = {}): Promise<void> {
    const { process } = this
    const code = await this.end()
    if (code !== 0) throw new Error(`freehold ended with ${code} at SIGTERM\n${process.output()}`)
    await this.start(change)
  }

  /** SIGKILL, in whatever it was doing. */
  async kill(): Promise<void> {
    await this.process.kill()
  }

  /** Ends it however it stands and deletes its folder. */
  async stop(): Promise<void> {
    await this.running?.stop()
    await this.folder.remove()
  }

  /** One request to the API listener, over a connection of its own, so that none outlives a restart. */
  async api(
    method: string,
    path: string,
    options: { token?: string; body?: unknown; headers?: Record<string, string> } = {},
  ): Promise<Answer> {
    const headers: Record<string, string> = { connection: "close", ...options.headers }
    if (options.token !== undefined) headers.authorization = `Bearer ${options.token}`
    const body = options.body === undefined || typeof options.body === "string" ? options.body : JSON.stringify(options.body)
    const init = { method, headers, body, keepalive: false, redirect: "manual" as const, signal: AbortSignal.timeout(30_000) }
    const res = await fetch(this.url + path, init)
    return { status: res.status, headers: res.headers, text: await res.text() }
  }

  /** A session of the administrator, or of somebody else. */
  async login(who: { username: string; password: string } = admin): Promise<Person> {
    const answer = await this.api("POST", "/api/login", { body: who })
    if (answer.status !== 200) throw new Error(`login answered ${answer.status}: ${answer.text}`)
    const { token, user_id } = JSON.parse(answer.text) as { token: string; user_id: string }
    return new Person(this, token, user_id)
  }

  /** A client verb of the binary against this server, with a home folder of its own. */
  cli(args: string[], options: { token?: string; input?: string } = {}): Promise<Ending> {
    const token: Record<string, string> = options.token === undefined ? {} : { FREEHOLD_TOKEN: options.token }
    const environment = { HOME: this.home, FREEHOLD_SERVER: this.url, ...token }
    return runProgram([this.program, ...args], { environment, input: options.input, folder: this.folder.path })
  }

  /** The real curl at the edge, or at the plain port for `http:`, whatever the DNS says of the name; `code` is curl's own. */
  async curl(url: string, options: { args?: string[]; trusted?: string } = {}): Promise<CurlEnding> {
    const port = url.startsWith("https:") ? this.ports.https : this.ports.http
    const trusted = options.trusted ?? this.options.trusted
    const command = ["curl", "--silent", "--show-error", "--include", "--max-time", "30", "--noproxy", "*"]
    command.push("--connect-to", `::${this.address}:${port}`, ...(trusted === undefined ? [] : ["--cacert", trusted]))
    return parseCurl(await runProgram([...command, ...(options.args ?? []), url]))
  }

  /** The certificate that a visitor of the name gets, as PEM, or undefined when the handshake is refused. */
  async certificate(hostname: string): Promise<string | undefined> {
    const at = `${this.address}:${this.ports.https}`
    const { out } = await runProgram(["openssl", "s_client", "-connect", at, "-servername", hostname], { input: "" })
    return /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/.exec(out)?.[0]
  }

  /** Waits for a line of the log or anything else that the process wrote. */
  async said(text: string | RegExp): Promise<void> {
    const matches = () => (typeof text === "string" ? this.output().includes(text) : text.test(this.output()))
    await waitUntil(matches, { what: `freehold to write ${text}` })
  }

  /** The link for the first administrator, whole; it is printed after the word that all is up. */
  async setupLink(): Promise<string> {
    const link = /http:\/\/\S+\/setup\/[\w-]+(?=\s)/
    await this.said(link)
    return link.exec(this.output())?.[0] ?? ""
  }

  private get process(): LabProcess {
    if (this.running === undefined) throw new Error("freehold was not started")
    return this.running
  }
}
