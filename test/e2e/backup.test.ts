import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { X509Certificate } from "node:crypto"
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { findProgram } from "../lab/dns"
import type { Person } from "./person"
import { runProgram } from "./program"
import { type Stage, stageObstacle, startStage } from "./stage"

const missing = ["age", "age-keygen", "tar"].find((name) => findProgram(name) === undefined)
const obstacle = (await stageObstacle({ pebble: true })) ?? (missing && `${missing} is not installed`)

describe.skipIf(obstacle !== undefined)(`backups${obstacle ? ` (skipped: ${obstacle})` : ""}`, () => {
  const name = "kept.customer.test"
  let stage: Stage
  let upstream: Bun.Server<undefined>
  let ada: Person
  let folder = ""
  let mapping = ""

  beforeAll(async () => {
    upstream = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("here I am\n") })
    stage = await startStage({ pebble: true })
    folder = dirname(stage.house.dataDir)
    ada = await stage.house.login()
    const container = await ada.external("app", { "8080": upstream.port ?? 0 })
    await stage.point(name)
    const claim = await ada.map(name, container)
    mapping = claim.id
    await stage.dns.publish("both", claim.verify_name, "TXT", claim.verify_token)
    await ada.verify(mapping)
    await ada.certified(mapping)
  })
  afterAll(async () => {
    await stage?.stop()
    await upstream?.stop(true)
  })

  const at = (file: string) => join(folder, file)
  const cli = (...args: string[]) => stage.house.cli([...args, "--config", stage.house.configFile, "--data-dir", stage.house.dataDir])
  const serial = async () => new X509Certificate((await stage.house.certificate(name)) ?? "").serialNumber

  test("a backup taken while it serves brings a whole house back, and no certificate is ordered anew", async () => {
    const { code } = await runProgram(["age-keygen", "-o", at("key.txt")])
    expect(code).toBe(0)
    const recipient = /age1\w+/.exec(readFileSync(at("key.txt"), "utf8"))?.[0] ?? ""
    const before = await serial()

    const made = await cli("backup", at("house.age"), "--recipient", recipient)
    expect(made).toMatchObject({ code: 0, err: "" })
    expect(made.out).toContain(`${at("house.age")} is there: `)
    expect(await stage.house.curl(`https://${name}/`)).toMatchObject({ status: 200 })

    const checked = await cli("restore", at("house.age"), "--check", "--identity-file", at("key.txt"))
    expect(checked).toMatchObject({ code: 0, err: "" })
    expect(checked.out).toContain("it can be restored")

    const refused = await cli("restore", at("house.age"), "--identity-file", at("key.txt"))
    expect(refused).toMatchObject({ code: 1, out: "" })
    expect(refused.err).toContain("is not empty: a restore writes over nothing")

    expect(await stage.house.end()).toBe(0)
    renameSync(stage.house.dataDir, at("burnt"))
    const restored = await cli("restore", at("house.age"), "--identity-file", at("key.txt"))
    expect(restored).toMatchObject({ code: 0, err: "" })
    expect(restored.out).toContain(`Restored to ${stage.house.dataDir}`)

    await stage.house.start()
    expect(await serial()).toBe(before)
    expect(await stage.house.curl(`https://${name}/`)).toMatchObject({ status: 200, text: "here I am\n" })
    // The session from before the fire too.
    expect((await ada.mapping(mapping)).domain).toBe(name)
    expect(stage.house.output()).not.toContain("certificate issued")
  })

  test("the age program and tar open it, without Freehold", async () => {
    mkdirSync(at("opened"))
    const opened = await runProgram(["sh", "-c", `age -d -i ${at("key.txt")} ${at("house.age")} | tar -xz -C ${at("opened")}`])
    expect(opened).toMatchObject({ code: 0, err: "" })
    expect(JSON.parse(readFileSync(at("opened/manifest.json"), "utf8"))).toMatchObject({ format: 2 })
    expect(readFileSync(at("opened/secrets/store-key"), "utf8")).toBe(readFileSync(join(stage.house.dataDir, "store-key"), "utf8"))
    rmSync(at("opened"), { recursive: true })
  })

  test("a folder takes one a day and keeps as many as it is told", async () => {
    mkdirSync(at("backups"))
    writeFileSync(at("passphrase"), "correct horse battery staple\n", { mode: 0o600 })
    const made = await cli("backup", at("backups"), "--passphrase-file", at("passphrase"), "--keep", "3", "--json")
    expect(made.code).toBe(0)
    const { file } = JSON.parse(made.out) as { file: string }
    expect(file).toMatch(/\/backups\/freehold-\d{8}T\d{6}Z\.age$/)
    const checked = await cli("restore", file, "--check", "--passphrase-file", at("passphrase"), "--json")
    expect(JSON.parse(checked.out)).toMatchObject({ facts: { mappings: 1 } })
  })

  test.each<[string, string[], number, string]>([
    ["no file", ["backup"], 2, "since the setting backup_to names none"],
    ["two ways to encrypt", ["backup", "x", "--recipient", "age1x", "--passphrase-file", "y"], 2, "exclude each other"],
    ["an unknown flag", ["backup", "x", "--recipients", "age1x"], 2, "--recipients is not a setting of Freehold"],
    ["a file that is not there", ["restore", "/none.age", "--passphrase-file", "/dev/null"], 1, "there is no file /none.age"],
  ])("%s: exit code and reason", async (_, args, code, reason) => {
    const ending = await stage.house.cli(args)
    expect(ending).toMatchObject({ code, out: "" })
    expect(ending.err).toContain(reason)
  })
})
