import { mkdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { type Appliance, binary, startAppliance } from "../e2e/appliance"
import type { Ending } from "../e2e/program"
import { readMemory } from "../bench/memory"
import { temporaryFolder } from "../lab/process"
import { Tool, type ToolOptions } from "./tool"

const address = "127.0.0.1"
const base = "home.test"

/** The buckets that are there from the start, so that their hosts have names. */
export const buckets = ["photos", "big", "crash", "letters", "vault", "sdk-path", "sdk-virtual", "shared"] as const

/**
 * The compiled binary with its built-in CA, and real programs that are its clients: at `https://s3.home.test` and `https://<bucket>.s3.home.test`, through
 * the edge. They trust the appliance's root and run in a mount namespace of their own, in which /etc/hosts is a file of ours.
 */
export class House {
  private peakKiB = 0

  private constructor(
    readonly appliance: Appliance,
    /** For whatever the tools keep and make; goes with the house. */
    readonly folder: string,
    readonly token: string,
    readonly key: { id: string; secret: string },
    private removeFolder: () => Promise<void>,
  ) {}

  /** Starts it with a person, namespaces and an access key, made by the binary's own commands. */
  static async open(): Promise<House> {
    const folder = await temporaryFolder("tools")
    try {
      const appliance = await startAppliance({ address, settings: { FREEHOLD_BASE_DOMAIN: base } })
      try {
        const { token } = await appliance.login()
        const said = async (...args: string[]) => succeeded(args, await appliance.cli(["storage", ...args, "--json"], { token }))
        for (const name of buckets) await said("create", name)
        const key = JSON.parse(await said("keys", "add", "tools")) as { id: string; secret: string }
        const house = new House(appliance, folder.path, token, key, () => folder.remove())
        await house.furnish()
        return house
      } catch (error) {
        await appliance.stop()
        throw error
      }
    } catch (error) {
      await folder.remove()
      throw error
    }
  }

  /** Where path style has its buckets. */
  get s3(): string {
    return this.at("s3")
  }

  /** A host below the base domain, with the edge's port. */
  at(name: string): string {
    return `https://${name}.${base}:${this.appliance.ports.https}`
  }

  path(...parts: string[]): string {
    return join(this.folder, ...parts)
  }

  /** Starts a program that knows our names and trusts our root. */
  start(command: string[], options: ToolOptions = {}): Tool {
    const root = this.path("root.pem")
    const environment = {
      HOME: this.path("home"),
      LANG: "C.UTF-8",
      TMPDIR: this.path("tmp"),
      SSL_CERT_FILE: root,
      NODE_EXTRA_CA_CERTS: root,
      ...options.environment,
    }
    const own = process.getuid?.() === 0 ? ["unshare", "-m"] : ["unshare", "-rm"]
    const within = ["sh", "-c", 'mount --bind "$1" /etc/hosts && shift && exec "$@"', "sh", this.path("hosts")]
    return new Tool([...own, ...within, ...command], { folder: this.folder, ...options, environment })
  }

  /** Runs one to its end and answers what it printed; throws when it failed. */
  run(command: string[], options: ToolOptions = {}): Promise<string> {
    return this.start(command, options).output()
  }

  /** rclone as STORAGE.md sets it up, with `home:` as its remote. */
  rclone(...args: string[]): Tool {
    return this.start(["rclone", "--config", this.path("rclone.conf"), ...args])
  }

  /** s3cmd as STORAGE.md sets it up. */
  s3cmd(...args: string[]): Promise<string> {
    const host = new URL(this.s3).host
    const keys = [`--access_key=${this.key.id}`, `--secret_key=${this.key.secret}`]
    return this.run([
      "s3cmd",
      `--host=${host}`,
      `--host-bucket=${host}`,
      ...keys,
      `--ca-certs=${this.path("root.pem")}`,
      "--no-progress",
      ...args,
    ])
  }

  /** restic as STORAGE.md sets it up, with a bucket as its repository. */
  restic(...args: string[]): Tool {
    const environment = {
      AWS_ACCESS_KEY_ID: this.key.id,
      AWS_SECRET_ACCESS_KEY: this.key.secret,
      RESTIC_PASSWORD: "correct horse",
      RESTIC_CACHE_DIR: this.path("restic-cache"),
    }
    return this.start(["restic", "-r", `s3:${this.s3}/vault`, "--cacert", this.path("root.pem"), ...args], { environment })
  }

  /** A command of the binary, as the person. */
  async freehold(...args: string[]): Promise<Tool> {
    const environment = { FREEHOLD_SERVER: this.appliance.url, FREEHOLD_TOKEN: this.token }
    return this.start([await binary(), ...args], { environment })
  }

  /** What the document's API says of a namespace. */
  async namespace(name: string): Promise<{ count: number; bytes: number }> {
    const { status, text } = await this.appliance.api("GET", "/storage/namespaces", { token: this.token })
    const found =
      status === 200 ? (JSON.parse(text) as { name: string; count: number; bytes: number }[]).find((one) => one.name === name) : undefined
    if (found === undefined) throw new Error(`${name} is not among the namespaces: ${status} ${text}`)
    return found
  }

  /** The most memory that a server process has held so far. */
  async peakMiB(): Promise<number> {
    const { peakKiB } = await readMemory(this.appliance.pid)
    this.peakKiB = Math.max(this.peakKiB, peakKiB)
    return Math.round(this.peakKiB / 1024)
  }

  /** SIGKILL to the server, in whatever it was doing, and a new start on the same data folder. */
  async crash(): Promise<void> {
    await this.peakMiB()
    await this.appliance.kill()
    await this.appliance.start()
  }

  async stop(): Promise<void> {
    await this.appliance.stop()
    await this.removeFolder()
  }

  private async furnish(): Promise<void> {
    for (const name of ["home", "tmp"]) await mkdir(this.path(name))
    const names = ["s3", "storage", ...buckets.map((name) => `${name}.s3`)].map((name) => `${name}.${base}`)
    await writeFile(this.path("hosts"), `${address} localhost ${names.join(" ")}\n`)
    await writeFile(this.path("root.pem"), (await this.appliance.api("GET", "/ca.pem")).text)
    const remote = {
      type: "s3",
      provider: "Other",
      access_key_id: this.key.id,
      secret_access_key: this.key.secret,
      endpoint: this.s3,
      force_path_style: "true",
    }
    const lines = Object.entries(remote).map(([name, value]) => `${name} = ${value}\n`)
    await writeFile(this.path("rclone.conf"), `[home]\n${lines.join("")}`)
  }
}

function succeeded(args: string[], { code, out, err }: Ending): string {
  if (code !== 0) throw new Error(`freehold storage ${args.join(" ")} ended with ${code}: ${err}`)
  return out
}
