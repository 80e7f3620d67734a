import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import {
  appendFileSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { join } from "node:path"
import { units } from "../../src/install/units"
import { debianObstacle, startDebian } from "../lab/debian"
import { findProgram } from "../lab/dns"
import { temporaryFolder } from "../lab/process"
import { builder, type Ending, runProgram } from "./program"

const repository = join(import.meta.dir, "../..")
const target = process.arch === "arm64" ? "linux-arm64" : "linux-x64"
const architecture = process.arch === "arm64" ? "arm64" : "amd64"
const missing = ["git", "npm", "dpkg-deb", "sha256sum", "shellcheck"].find((name) => findProgram(name) === undefined)
const obstacle = missing && `${missing} is not installed`
const { version } = JSON.parse(readFileSync(join(repository, "package.json"), "utf8")) as { version: string }

describe.skipIf(obstacle !== undefined)(`a release${obstacle ? ` (skipped: ${obstacle})` : ""}`, () => {
  let folder: { path: string; remove(): Promise<void> }
  let made: Ending
  const at = (name: string) => join(folder.path, "release", name)
  const program = `freehold-${version}-${target}`
  const run = (command: string[], environment: Record<string, string> = {}) => runProgram(command, { environment })

  beforeAll(async () => {
    folder = await temporaryFolder("release")
    made = await runProgram([join(repository, "scripts/release"), "--target", target, "--out", at(""), "--check"], {
      environment: builder(),
      limitMs: 580_000,
    })
  }, 600_000)
  afterAll(() => folder.remove())

  test("is made twice with the same bytes, and every file has its checksum", async () => {
    expect(made.err).toContain("made twice, in two folders, with the same bytes")
    expect(made.err).toMatch(new RegExp(`^${target} serves: /livez, [0-9.]+ seconds`, "m"))
    expect(made.code).toBe(0)
    const listed = made.out
      .trim()
      .split("\n")
      .map((line) => line.split("  ")[1])
    expect(listed.sort()).toEqual(
      [program, `freehold-${version}.cdx.json`, `freehold_${version}_${architecture}.deb`, "install.sh"].sort() as never,
    )
    expect((await run(["sh", "-c", `cd ${at("")} && sha256sum -c SHA256SUMS`])).code).toBe(0)
    expect((await run([at(program), "version"])).out).toBe(`freehold ${version}\n`)
  })

  test("its package has the units of install for its own program, one configuration file, and nothing of whoever built it", async () => {
    const deb = at(`freehold_${version}_${architecture}.deb`)
    const unpacked = join(folder.path, "unpacked")
    expect((await run(["dpkg-deb", "--raw-extract", deb, unpacked])).code).toBe(0)
    expect(readdirSync(join(unpacked, "usr/lib/systemd/system")).sort()).toEqual(Object.keys(units).sort())
    const unit = readFileSync(join(unpacked, "usr/lib/systemd/system/freehold.service"), "utf8")
    expect(unit.replaceAll("/usr/bin/freehold", "/usr/local/bin/freehold")).toBe(units["freehold.service"] ?? "")
    const { author } = JSON.parse(readFileSync(join(repository, "package.json"), "utf8")) as { author: string }
    expect(readFileSync(join(unpacked, "DEBIAN/control"), "utf8")).toContain(`\nMaintainer: ${author}\n`)
    expect(readFileSync(join(unpacked, "DEBIAN/conffiles"), "utf8")).toBe("/etc/freehold/freehold.toml\n")
    const { out } = await run(["dpkg-deb", "--contents", deb])
    expect(out.split("\n").filter((line) => line !== "" && !line.includes(" root/root "))).toEqual([])
    expect(out).toMatch(/^-rw-r----- root\/root .*\.\/etc\/freehold\/freehold\.toml$/m)
    const scripts = ["postinst", "prerm", "postrm"].map((name) => join(unpacked, "DEBIAN", name))
    const shells = [...scripts, at("install.sh"), join(repository, "scripts/release"), join(repository, "scripts/build")]
    expect(await run(["shellcheck", ...shells])).toMatchObject({ code: 0, out: "" })
  })

  const noDebian = debianObstacle()
  test.skipIf(noDebian !== undefined)(
    `its package runs Freehold in a Debian, goes on after an upgrade, keeps data when removed and none when purged${noDebian ? ` (skipped: ${noDebian})` : ""}`,
    async () => {
      const debian = await startDebian()
      try {
        copyFileSync(at(`freehold_${version}_${architecture}.deb`), join(debian.root, "opt/freehold.deb"))
        const inside = (command: string) => debian.run(["sh", "-c", command], { limitMs: 120_000 })
        for (const _ of ["installed", "upgraded"]) {
          expect(await inside("dpkg -i /opt/freehold.deb")).toMatchObject({
            code: 0,
            err: expect.not.stringContaining("did not start") as never,
          })
          expect((await inside("systemctl is-active freehold.service freehold-backup.timer")).out).toBe("active\nactive\n")
        }
        expect((await inside("stat -c %U:%G:%a /etc/freehold/freehold.toml /var/lib/freehold")).out).toBe(
          "root:freehold:640\nfreehold:freehold:700\n",
        )
        expect(await inside("freehold install")).toMatchObject({
          code: 1,
          err: expect.stringContaining("installed by its package here") as never,
        })
        expect((await inside("dpkg -r freehold")).code).toBe(0)
        expect((await inside("systemctl is-active freehold.service")).out).toBe("inactive\n")
        expect(existsSync(join(debian.root, "var/lib/freehold/freehold.db"))).toBe(true)
        expect((await inside("dpkg -P freehold")).code).toBe(0)
        expect(existsSync(join(debian.root, "var/lib/freehold"))).toBe(false)
        expect(readFileSync(join(debian.root, "etc/passwd"), "utf8")).not.toContain("freehold")
        expect((await inside("systemctl --failed --no-legend")).out).toBe("")
      } finally {
        await debian.stop()
      }
    },
    400_000,
  )

  test.each([undefined, "Somebody", "Some <a@b> <c@d>", { name: "Somebody" }])(
    "its package is not made for a maintainer that Debian does not take: %p",
    async (author) => {
      // The same sources, and another package.json.
      const copy = join(folder.path, `sources of ${JSON.stringify(author)?.replace(/\W/g, "-")}`)
      mkdirSync(copy)
      for (const name of ["src", "scripts", "systemd", "node_modules", "docs", "README.md", "CHANGELOG.md", "LICENSE", "tsconfig.json"])
        symlinkSync(join(repository, name), join(copy, name))
      rmSync(join(copy, "scripts"))
      cpSync(join(repository, "scripts"), join(copy, "scripts"), { recursive: true })
      writeFileSync(join(copy, "package.json"), JSON.stringify({ name: "freehold", version, author }))
      const { code, err } = await run([process.execPath, join(copy, "scripts/package/stage.ts"), join(copy, "stage"), architecture])
      expect([code, err]).toEqual([1, expect.stringContaining('author must be "Name <address>"') as never])
      expect(existsSync(join(copy, "stage/DEBIAN/control"))).toBe(false)
    },
  )

  test("its bill of materials names every direct dependency with its licence", () => {
    const bill = JSON.parse(readFileSync(at(`freehold-${version}.cdx.json`), "utf8")) as {
      components: { name: string; version: string; licenses: object[]; "bom-ref": string }[]
      dependencies: { ref: string; dependsOn: string[] }[]
    }
    const manifest = JSON.parse(readFileSync(join(repository, "package.json"), "utf8")) as { dependencies: Record<string, string> }
    const named = new Map(bill.components.map((one) => [`${one.name}@${one.version}`, one]))
    for (const [name, of] of Object.entries(manifest.dependencies)) expect(named.get(`${name}@${of}`)?.licenses).toHaveLength(1)
    const refs = new Set(bill.components.map((one) => one["bom-ref"]))
    expect(bill.dependencies.flatMap(({ dependsOn }) => dependsOn).filter((one) => !refs.has(one))).toEqual([])
    // What only tests and the build need is not in the binary.
    expect([...named.keys()].filter((name) => /^(oxlint|playwright-core|@aws-sdk)/.test(name))).toEqual([])
  })

  test("a binary that does not serve is no release", async () => {
    const broken = join(folder.path, "broken")
    writeFileSync(broken, "#!/bin/sh\necho no port is free\nexit 3\n", { mode: 0o755 })
    const { code, err } = await run([process.execPath, join(repository, "scripts/package/trial.ts"), broken])
    expect([code, err]).toEqual([1, `${broken} does not serve: it ended (3)\nno port is free\n\n`])
  })

  test("install.sh runs what its checksum vouches for, and nothing of a file that was changed or is not listed", async () => {
    const script = join(folder.path, "fake")
    mkdirSync(script)
    const ran = join(script, "ran")
    // A program of the right name that leaves a trace.
    writeFileSync(join(script, program), `#!/bin/sh\necho "$@" >${ran}\n`)
    copyFileSync(at("install.sh"), join(script, "install.sh"))
    await run(["sh", "-c", `cd ${script} && sha256sum ${program} >SHA256SUMS`])
    const install = (...words: string[]) => run(["sh", join(script, "install.sh"), ...words])
    expect(await install("--dry-run", "--base-domain", "a b")).toMatchObject({ code: 0 })
    expect(readFileSync(ran, "utf8")).toBe("install --dry-run --base-domain a b\n")
    await run(["rm", ran])
    appendFileSync(join(script, program), "# one byte more\n")
    const tampered = await install()
    expect([tampered.code, tampered.err]).toEqual([1, expect.stringContaining("is not what SHA256SUMS says") as never])
    expect(existsSync(ran)).toBe(false)
    writeFileSync(join(script, "SHA256SUMS"), "")
    expect((await install()).err).toContain(`SHA256SUMS names no file for ${target}`)
    expect((await install("--from", "http://127.0.0.1:9")).err).toContain("only https is safe to install from")
    expect((await install("--from", join(script, "nowhere"))).code).toBe(1)
    expect(existsSync(ran)).toBe(false)
  })
})
