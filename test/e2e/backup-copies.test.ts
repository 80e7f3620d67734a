import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { findProgram } from "../lab/dns"
import { startProcess, waitUntil } from "../lab/process"
import { type Appliance, binary, startAppliance } from "./appliance"
import type { Person } from "./person"
import { runProgram } from "./program"

const missing = ["age-keygen", "unshare", "mount"].find((name) => findProgram(name) === undefined)
const mib = 1024 ** 2

type View = {
  is_running: boolean
  runs: { started_at: string; finished_at: string | null; error: string | null; bytes: number | null }[]
  files: { name: string; bytes: number }[]
  files_problem: string | null
  next_at: string | null
}

describe.skipIf(missing !== undefined)(`backups elsewhere${missing ? ` (skipped: ${missing} is not installed)` : ""}`, () => {
  let house: Appliance
  /** A second appliance, whose S3 door takes the backups. */
  let shelf: Appliance
  let ada: Person
  let keeper: Person
  let folder = ""
  let recipient = ""
  let settings: Record<string, string> = {}
  let files: Record<string, string> = {}

  const at = (...parts: string[]) => join(folder, ...parts)
  /** The command on the machine of the house, with the settings of its service. */
  const cli = async (args: string[], more: Record<string, string> = {}, limitMs?: number) =>
    runProgram([await binary(), ...args, "--config", house.configFile], {
      environment: { HOME: house.home, FREEHOLD_DATA_DIR: house.dataDir, ...settings, ...more },
      folder,
      limitMs,
    })
  const admin = (method: "GET" | "POST") => ada.send<View>(method, "/admin/backups")

  beforeAll(async () => {
    shelf = await startAppliance({ address: "127.0.0.1", settings: { FREEHOLD_BASE_DOMAIN: "shelf.localhost" } })
    keeper = await shelf.login()
    await keeper.send("POST", "/storage/namespaces", { name: "backups" })
    const key = await keeper.send<{ id: string; secret: string }>("POST", "/storage/keys", { name: "house" })
    house = await startAppliance({ address: "127.0.0.1" })
    folder = dirname(house.dataDir)
    await runProgram(["age-keygen", "-o", at("key.txt")])
    recipient = /age1\w+/.exec(readFileSync(at("key.txt"), "utf8"))?.[0] ?? ""
    settings = {
      FREEHOLD_BACKUP_TO: "s3://backups/of the house",
      FREEHOLD_BACKUP_RECIPIENT: recipient,
      FREEHOLD_BACKUP_KEEP: "2",
      FREEHOLD_BACKUP_EVERY: "off",
      FREEHOLD_BACKUP_S3_ENDPOINT: `http://s3.shelf.localhost:${shelf.ports.api}`,
      FREEHOLD_BACKUP_S3_STYLE: "virtual",
      FREEHOLD_BACKUP_S3_ACCESS_KEY: key.id,
      FREEHOLD_BACKUP_S3_SECRET_KEY: key.secret,
    }
    await house.restart(settings)
    ada = await house.login()
    await ada.send("POST", "/storage/namespaces", { name: "photos" })
    for (const [name, size] of [
      ["one.bin", 1000],
      ["two.bin", 40 * mib],
    ] as const)
      await keep(name, size)
  }, 60_000)
  afterAll(async () => {
    await house?.stop()
    await shelf?.stop()
  })

  async function keep(name: string, size: number): Promise<void> {
    const bytes = new Uint8Array(size)
    for (let place = 0; place < size; place += 65_536) crypto.getRandomValues(bytes.subarray(place, Math.min(place + 65_536, size)))
    writeFileSync(at(name), bytes)
    const { code, err } = await house.cli(["storage", "put", at(name), `photos/${name}`], { token: ada.token })
    if (code !== 0) throw new Error(err)
    files = { ...files, [name]: new Bun.CryptoHasher("sha256").update(bytes).digest("hex") }
  }

  const isIn = (dataDir: string, name: string) => {
    const hash = files[name] ?? ""
    const path = join(dataDir, "storage/objects", hash.slice(0, 2), hash)
    return existsSync(path) && new Bun.CryptoHasher("sha256").update(readFileSync(path)).digest("hex") === hash
  }

  test("freehold backup without a word does what the settings say, and a second one takes only what is new", async () => {
    const first = await cli(["backup"])
    expect(first).toMatchObject({ code: 0, err: "" })
    expect(first.out).toContain("Stored files beside it: 2 with 40 MiB, of which 2 with 40 MiB are new.")
    await keep("three.bin", 5000)
    const second = await cli(["backup"])
    expect(second.out).toContain("of which 1 with 4.9 KiB are new.")
    const third = await cli(["backup", "--json"])
    const { removed, copies } = JSON.parse(third.out) as { removed: string[]; copies: object }
    expect([removed.length, copies]).toEqual([1, { count: 3, bytes: 40 * mib + 6000, added: 0, addedBytes: 0, missing: [] }])
    const listed = await cli(["restore", "--list", "--json"])
    expect(JSON.parse(listed.out)).toHaveLength(2)
  }, 120_000)

  test("a restore from the bucket brings everything back, and one that lost the line goes on", async () => {
    const checked = await cli(["restore", "--check", "--thorough", "--identity-file", at("key.txt")])
    expect(checked).toMatchObject({ code: 0, err: "" })
    expect(checked.out).toContain("Of the bytes of 3 stored files 3 are there; 3 were compared with their hash.")
    const without = await cli(["restore", "--check"])
    expect(without).toMatchObject({ code: 2 })
    expect(without.err).toContain("--identity-file is missing")

    const target = at("another machine")
    const restored = await cli(["restore", "--identity-file", at("key.txt"), "--data-dir", target])
    expect(restored).toMatchObject({ code: 0, err: "" })
    for (const name of Object.keys(files)) expect(isIn(target, name)).toBe(true)
    // Everybody who was signed in is, and what they had stored is there.
    await house.end()
    await house.start({ ...settings, FREEHOLD_DATA_DIR: target })
    expect((await ada.ask("GET", "/storage/photos/two.bin")).status).toBe(200)
    expect(house.output()).not.toContain("certificate issued")
    await house.end()
    await house.start(settings)
    rmSync(target, { recursive: true })
  }, 120_000)

  test("an administrator sees all of it, and begins one, of which there is one at a time", async () => {
    const { to, started_at: startedAt } = (await admin("POST")) as unknown as { to: string; started_at: string }
    expect(to).toBe("s3://backups/of the house")
    expect((await ada.ask("POST", "/admin/backups")).status).toBe(409)
    await waitUntil(async () => !(await admin("GET")).is_running, { what: "the backup to end" })
    const text = (await ada.ask("GET", "/admin/backups")).text
    expect(text).not.toContain(settings.FREEHOLD_BACKUP_S3_SECRET_KEY ?? "-")
    const view = JSON.parse(text) as View
    expect(view.runs[0]).toMatchObject({ error: null })
    expect((view.runs[0]?.started_at ?? "") >= startedAt).toBe(true)
    expect([view.files.length, view.files_problem]).toEqual([2, null])
    const shown = await house.cli(["backups"], { token: ada.token })
    expect(shown.out).toContain("s3://backups/of the house")
    expect(shown.out).toContain(view.files[0]?.name ?? "-")
    const waited = await house.cli(["backups", "run", "--wait"], { token: ada.token })
    expect(waited).toMatchObject({ code: 0, err: "" })
  }, 60_000)

  test("a bucket that refuses is told on the command line, to administrators and on Home, and the server goes on", async () => {
    await keeper.send("PUT", "/storage/namespaces/backups", { quota_bytes: 1000 })
    const refused = await cli(["backup"])
    expect(refused).toMatchObject({ code: 1, out: "" })
    expect(refused.err).toContain("QuotaExceeded")
    expect((await admin("GET")).runs[0]?.error).toContain("QuotaExceeded")
    const { attention } = await ada.send<{ attention: { kind: string; reason: string }[] }>("GET", "/api/overview")
    expect(attention.find(({ kind }) => kind === "backup_failed")?.reason).toContain("QuotaExceeded")
    await keeper.send("PUT", "/storage/namespaces/backups", { quota_bytes: null })
    expect((await cli(["backup"])).code).toBe(0)
  }, 60_000)

  test("the server makes backups by itself, to a folder with a passphrase out of a file", async () => {
    mkdirSync(at("kept"))
    writeFileSync(at("passphrase"), "correct horse battery staple\n", { mode: 0o600 })
    const own = {
      FREEHOLD_BACKUP_TO: at("kept"),
      FREEHOLD_BACKUP_RECIPIENT: "",
      FREEHOLD_BACKUP_PASSPHRASE_FILE: at("passphrase"),
      FREEHOLD_BACKUP_EVERY: "1s",
    }
    await house.restart(own)
    await waitUntil(async () => readdirSync(at("kept")).some((name) => name.endsWith(".age")), { what: "a backup", limitMs: 60_000 })
    await house.restart({ ...own, FREEHOLD_BACKUP_EVERY: "off" })
    const checked = await cli(["restore", "--check"], own)
    expect(checked).toMatchObject({ code: 0, err: "" })
    await house.restart(settings)
  }, 120_000)

  test("kill -9 in the middle leaves nothing half, and the next one clears away what it left", async () => {
    mkdirSync(at("killed"))
    let whole = 0
    for (const afterMs of [350, 500, 700, 900, 1200, 1600]) {
      const program = [
        await binary(),
        "backup",
        at("killed"),
        "--recipient",
        recipient,
        "--objects",
        "inside",
        "--config",
        house.configFile,
      ]
      const child = Bun.spawn(program, {
        env: { PATH: process.env.PATH ?? "", FREEHOLD_DATA_DIR: house.dataDir },
        stdout: "ignore",
        stderr: "ignore",
      })
      await Promise.race([Bun.sleep(afterMs), child.exited])
      child.kill("SIGKILL")
      await child.exited
      const made = readdirSync(at("killed")).filter((name) => name.endsWith(".age") && !name.startsWith("."))
      whole = made.length
      for (const name of made)
        expect((await cli(["restore", at("killed", name), "--check", "--identity-file", at("key.txt")])).code).toBe(0)
    }
    const made = await cli(["backup", at("killed"), "--recipient", recipient])
    expect(made).toMatchObject({ code: 0, err: "" })
    expect(readdirSync(at("killed")).filter((name) => name.endsWith(".age"))).toHaveLength(whole + 1)
    expect(readdirSync(at("killed")).filter((name) => name.endsWith(".part"))).toEqual([])
    expect(readdirSync(house.dataDir).filter((name) => name.startsWith(".backup"))).toEqual([])
    expect((await admin("GET")).runs.some(({ error }) => error === "it was ended in the middle")).toBe(true)
  }, 120_000)

  test("a full disk at the destination is told as that, and nothing half stays there", async () => {
    mkdirSync(at("small"))
    // In a mount namespace of its own, which ends with the program.
    const script = `mount -t tmpfs -o size=2m tmpfs "$1" && shift && "$@"; code=$?; ls -A ${at("small")}; exit $code`
    const backup = [await binary(), "backup", at("small"), "--recipient", recipient, "--config", house.configFile]
    const full = await runProgram(["unshare", "-m", "sh", "-c", script, "sh", at("small"), ...backup], {
      environment: { FREEHOLD_DATA_DIR: house.dataDir },
      folder,
    })
    expect(full.code).toBe(1)
    expect(full.err).toContain("cannot be written: the disk is full")
    expect(
      full.out
        .trim()
        .split("\n")
        .filter((name) => name !== "freehold-objects" && name !== ""),
    ).toEqual([])
  })

  test("a replicator that holds a read transaction and does the checkpoints, as Litestream does, is in nobody's way", async () => {
    await house.restart({ ...settings, FREEHOLD_STORE_CHECKPOINTS: "off" })
    const store = join(house.dataDir, "freehold.db")
    const script = at("replicator.ts")
    writeFileSync(
      script,
      `import { Database } from "bun:sqlite"
      const reader = new Database(${JSON.stringify(store)}), writer = new Database(${JSON.stringify(store)})
      for (const one of [reader, writer]) { one.run("PRAGMA busy_timeout = 5000"); one.run("PRAGMA wal_autocheckpoint = 0") }
      writer.run("CREATE TABLE IF NOT EXISTS _litestream_seq (id INTEGER PRIMARY KEY, seq INTEGER)")
      const hold = () => { reader.run("BEGIN"); reader.query("SELECT count(*) FROM _litestream_seq").get() }
      hold()
      for (let turn = 1; ; turn++) {
        const mode = turn % 5 === 0 ? "TRUNCATE" : "PASSIVE"
        reader.run("ROLLBACK")
        writer.run("INSERT INTO _litestream_seq (id, seq) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET seq = seq + 1")
        try { writer.query("PRAGMA wal_checkpoint(" + mode + ")").get() } catch {}
        hold()
        console.log("turn " + turn)
        await Bun.sleep(20)
      }`,
    )
    const replicator = await startProcess({
      name: "replicator",
      command: [process.execPath, script],
      folder,
      ready: (output) => output().includes("turn 5\n"),
    })
    try {
      const writes = Array.from({ length: 60 }, (_, n) => () => ada.ask("PUT", `/storage/photos/note-${n}.txt`, `note ${n}`))
      for (const write of writes) {
        const answer = await write()
        if (answer.status > 299) throw new Error(`${answer.status} ${answer.text}\n${house.output().slice(-3000)}`)
      }
      const made = await cli(["backup"], { FREEHOLD_STORE_CHECKPOINTS: "off" })
      expect(made).toMatchObject({ code: 0, err: "" })
      const turns = Number(/turn (\d+)\n$/.exec(replicator.output())?.[1])
      await waitUntil(async () => Number(/turn (\d+)\n$/.exec(replicator.output())?.[1]) > turns + 5, { what: "the replicator to go on" })
    } finally {
      await replicator.stop()
    }
    await house.restart({ ...settings, FREEHOLD_STORE_CHECKPOINTS: "on" })
    for (const n of [0, 59]) expect((await ada.ask("GET", `/storage/photos/note-${n}.txt`)).status).toBe(200)
    expect(house.history()).not.toContain("SQLITE_BUSY")
    expect((await cli(["restore", "--check", "--identity-file", at("key.txt")])).code).toBe(0)
  }, 120_000)
})
