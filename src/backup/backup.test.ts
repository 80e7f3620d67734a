import { afterEach, beforeEach, describe, expect, test } from "bun:test"
import { Database } from "bun:sqlite"
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { generateX25519Identity, identityToRecipient } from "age-encryption"
import { pack } from "tar-stream"
import { withEarlierStore } from "../db/migrations/earlier-store.fixture"
import { migrations } from "../db/migrations/list"
import { openDatabase } from "../db/open"
import { archive } from "./archive"
import { type BackupOptions, writeBackup } from "./backup"
import { bytesOfFile, hash, makeDataFolder, plainBackup, shard } from "./data-folder.fixture"
import { FolderDestination } from "./folder-destination"
import { restoreBackup } from "./restore"
import { seal } from "./seal"

const known = Object.keys(migrations)
let place = ""
let identity = ""
let key: { recipients: string[] }

beforeEach(async () => {
  place = mkdtempSync(join(tmpdir(), "freehold-backup-"))
  identity = await generateX25519Identity()
  key = { recipients: [await identityToRecipient(identity)] }
  await makeDataFolder(at("data"))
})

afterEach(() => rmSync(place, { recursive: true, force: true }))

const at = (...parts: string[]) => join(place, ...parts)

const options = (more: Partial<BackupOptions> = {}): BackupOptions => ({
  dataDir: at("data"),
  target: at("backup.age"),
  key,
  ...plainBackup,
  objects: "none",
  now: Date.UTC(2026, 10, 30, 1, 2, 3),
  ...more,
})

const restore = (more: Partial<Parameters<typeof restoreBackup>[0]> = {}) =>
  restoreBackup({
    file: at("backup.age"),
    key: { identities: [identity] },
    dataDir: at("back"),
    migrations: known,
    isCheck: false,
    ...more,
  })

/** What somebody else made for our key. */
async function writeSealed(tar: AsyncIterable<unknown>): Promise<void> {
  const chunks: Uint8Array[] = []
  for await (const chunk of tar) chunks.push(chunk as Uint8Array)
  const zipped = Bun.gzipSync(Buffer.concat(chunks))
  writeFileSync(at("backup.age"), await new Response(await seal(new Blob([zipped]).stream(), key)).bytes())
}

/** A backup that could be restored, with more in it. */
async function writeTar(...more: { name: string; text: string }[]): Promise<void> {
  const store = new Database(at("data/freehold.db"))
  store.run("VACUUM INTO ?", [at("copy.db")])
  store.close()
  const tar = pack()
  const about = { freehold: "0.1.0", created_at: "2026-01-01T00:00:00.000Z", base_domain: "home.example", store: known.sort().at(-1) }
  const manifest = { format: 2, ...about, objects: "none", volumes: false, from_settings: [] }
  if (more.every(({ name }) => name !== "manifest.json")) tar.entry({ name: "manifest.json" }, JSON.stringify(manifest))
  tar.entry({ name: "freehold.db" }, readFileSync(at("copy.db")))
  tar.entry({ name: "secrets/store-key" }, "1".repeat(64))
  for (const { name, text } of more) tar.entry({ name }, text)
  tar.finalize()
  await writeSealed(tar)
  rmSync(at("copy.db"))
}

const message = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "it went well",
    (error: Error) => error.message,
  )

describe("a backup", () => {
  test("brings the store and the secrets back as they were, and nothing that was half done", async () => {
    const { bytes, manifest } = await writeBackup(options())
    expect(bytes).toBeGreaterThan(1000)
    expect(manifest).toMatchObject({
      format: 2,
      base_domain: "home.example",
      created_at: "2026-11-30T01:02:03.000Z",
      store: known.sort().at(-1),
    })
    const { facts, dataDir } = await restore()
    expect(dataDir).toBe(at("back"))
    expect(facts.certificates).toBe(1)
    expect(readdirSync(at("back")).sort()).toEqual(["freehold.db", "jwt-secret", "store-key"])
    expect(readFileSync(at("back/store-key"), "utf8")).toBe(`${"1".repeat(64)}\n`)
    expect(statSync(at("back/store-key")).mode & 0o777).toBe(0o600)
    expect(statSync(at("back")).mode & 0o777).toBe(0o700)
    const db = await openDatabase(at("back/freehold.db"))
    expect((await db.selectFrom("certificates").select("hostname").execute()).map(({ hostname }) => hostname)).toEqual(["www.example.com"])
    await db.destroy()
  })

  test("holds files and volumes where that is asked for", async () => {
    await writeBackup(options({ objects: "inside", volumes: true }))
    await restore()
    expect(readFileSync(at("back/storage/objects", shard, hash), "utf8")).toBe(bytesOfFile)
    expect(readFileSync(at("back/volumes/c1/data/note.txt"), "utf8")).toBe("kept by a container")
  })

  test("holds secrets that were settings as files", async () => {
    await writeBackup(options({ secrets: { "encryption-key": "3".repeat(64), "jwt-secret": "4".repeat(64) } }))
    const { manifest } = await restore()
    expect(manifest.from_settings).toEqual(["encryption-key", "jwt-secret"])
    expect(readFileSync(at("back/jwt-secret"), "utf8").trim()).toBe("4".repeat(64))
  })

  test("is consistent while somebody writes", async () => {
    const writer = new Database(at("data/freehold.db"))
    writer.run("PRAGMA journal_mode = WAL")
    writer.run("CREATE TABLE pairs (a INTEGER, b INTEGER)")
    const end = new AbortController()
    const writing = (async () => {
      for (let i = 0; !end.signal.aborted; i++) {
        writer.transaction(() => {
          writer.run("INSERT INTO pairs VALUES (?, ?)", [i, 0])
          writer.run("UPDATE pairs SET b = a WHERE a = ?", [i])
        })()
        await Bun.sleep(0)
      }
    })()
    await writeBackup(options())
    end.abort()
    await writing
    writer.close()
    await restore()
    const copy = new Database(at("back/freehold.db"), { readonly: true })
    expect(copy.query<{ n: number }, []>("SELECT count(*) AS n FROM pairs WHERE a <> b").get()?.n).toBe(0)
    copy.close()
  })

  test("takes along no file that a restore would not take, and one of an earlier version that did is restored without it", async () => {
    for (const name of ["freehold.db.bak", "notes of mine.txt", "ballast", "secrets", "key~"])
      writeFileSync(at("data", name), "not a secret")
    await writeBackup(options())
    await restore()
    expect(readdirSync(at("back")).sort()).toEqual(["freehold.db", "jwt-secret", "store-key"])
    rmSync(at("back"), { recursive: true })
    await writeTar(
      { name: "secrets/freehold.db.bak", text: "not a secret" },
      { name: "secrets/notes of mine.txt", text: "not a secret" },
      { name: "secrets/ballast", text: "not a secret" },
    )
    await restore()
    expect(readdirSync(at("back")).sort()).toEqual(["freehold.db", "store-key"])
  })

  test("shows nothing of what is in it, and leaves nothing beside it", async () => {
    await writeBackup(options())
    const sealed = readFileSync(at("backup.age"))
    for (const secret of ["1".repeat(64), "www.example.com", "SQLite format 3"]) expect(sealed.includes(secret)).toBe(false)
    expect(statSync(at("backup.age")).mode & 0o777).toBe(0o600)
    expect(readdirSync(place).sort()).toEqual(["backup.age", "data"])
    expect(readdirSync(at("data")).filter((name) => name.startsWith("."))).toEqual([])
  })

  test("writes over nothing", async () => {
    writeFileSync(at("backup.age"), "something else")
    expect(await message(writeBackup(options()))).toContain("is there already")
    expect(readFileSync(at("backup.age"), "utf8")).toBe("something else")
  })

  test("is no file where a folder was meant that is not there", async () => {
    expect(await message(writeBackup(options({ target: at("unmounted"), keep: 3 })))).toContain("is no folder that is there")
    expect(readdirSync(place)).toEqual(["data"])
  })

  test("names the file that cannot be read, and not the one that was to be written", async () => {
    const gone = at("data/gone")
    const entries = async function* (isNeeded: boolean) {
      yield { name: "gone", path: gone, isNeeded }
    }
    const put = (isNeeded: boolean) => new FolderDestination(place).put("backup.age", archive(entries(isNeeded)))
    expect(await message(put(true))).toStartWith(`${gone} cannot be read`)
    expect(await message(put(false))).toBe("it went well")
  })

  test.each<[string, () => Partial<BackupOptions>]>([
    ["there is no store at", () => ({ dataDir: at("none") })],
    ["its folder does not exist", () => ({ target: at("nowhere/backup.age") })],
    ["is not a public key of age", () => ({ key: { recipients: ["ssh-ed25519 AAAA"] } })],
    ["at least 10 characters", () => ({ key: { passphrase: "short" } })],
  ])("says that %p", async (expected, more) => {
    expect(await message(writeBackup(options(more())))).toContain(expected)
    expect(readdirSync(place)).toEqual(["data"])
  })
})

describe("a restore", () => {
  test("with --check leaves nothing behind, not even the folder", async () => {
    await writeBackup(options())
    const { facts, dataDir } = await restore({ isCheck: true })
    expect(facts.certificates).toBe(1)
    expect(dataDir).toBeUndefined()
    expect(readdirSync(place).sort()).toEqual(["backup.age", "data"])
  })

  test("fills a folder that is empty, and no other", async () => {
    await writeBackup(options())
    mkdirSync(at("back"))
    await restore()
    expect(await message(restore())).toContain("is not empty")
  })

  test("opens with the passphrase, and with no other", async () => {
    await writeBackup(options({ key: { passphrase: "correct horse battery" } }))
    expect(await message(restore({ key: { passphrase: "wrong horse battery" } }))).toBe("the passphrase does not open this backup")
    await restore({ key: { passphrase: "correct horse battery" } })
  }, 60_000)

  test("says that another's key does not open it", async () => {
    await writeBackup(options())
    const other = await generateX25519Identity()
    expect(await message(restore({ key: { identities: [other] } }))).toBe("none of the secret keys opens this backup")
    expect(await message(restore({ key: { identities: ["no key"] } }))).toContain("AGE-SECRET-KEY-1")
  })

  test("takes nothing that was changed or cut off, and leaves no folder", async () => {
    const { bytes } = await writeBackup(options())
    const whole = readFileSync(at("backup.age"))
    for (const spot of [bytes - 1, bytes >> 1, 400]) {
      const changed = Uint8Array.from(whole)
      changed[spot] = (changed[spot] ?? 0) ^ 1
      writeFileSync(at("backup.age"), changed)
      expect(await message(restore())).not.toBe("it went well")
    }
    for (const length of [bytes - 1, bytes - 100, 500, 10, 0]) {
      writeFileSync(at("backup.age"), whole)
      truncateSync(at("backup.age"), length)
      expect(await message(restore())).not.toBe("it went well")
    }
    expect(readdirSync(place).sort()).toEqual(["backup.age", "data"])
  })

  test("refuses the store of a newer Freehold, and says which", async () => {
    await writeBackup(options({ version: "9.9.9" }))
    expect(await message(restore({ migrations: known.slice(0, 3) }))).toContain("made by Freehold 9.9.9, whose store is newer")
  })

  test("takes one of an older Freehold, of the first format and with a store of before there were files", async () => {
    await withEarlierStore(
      "0010",
      (sqlite) =>
        sqlite.run(
          "INSERT INTO people (id, username, display_name, password_hash, is_admin, created_at) VALUES ('p', 'ada', 'Ada', '', 1, 1)",
        ),
      async (store) => {
        const tar = pack()
        const manifest = {
          format: 1,
          freehold: "0.0.9",
          created_at: "2026-01-01T00:00:00.000Z",
          base_domain: "home.example",
          store: "0009-timeline",
          objects: false,
          volumes: false,
          from_settings: [],
        }
        tar.entry({ name: "manifest.json" }, JSON.stringify(manifest))
        tar.entry({ name: "freehold.db" }, readFileSync(store))
        tar.entry({ name: "secrets/store-key" }, "1".repeat(64))
        tar.finalize()
        await writeSealed(tar)
      },
    )
    const { manifest, facts } = await restore()
    expect(manifest).toMatchObject({ objects: "none", store: "0009-timeline" })
    expect(facts).toMatchObject({ people: 1, files: 0, connections: 0 })
    const db = await openDatabase(at("back/freehold.db"))
    expect((await db.selectFrom("people").select("username").execute()).map(({ username }) => username)).toEqual(["ada"])
    await db.destroy()
  })

  test("brings volumes back with modes, folders and links, and follows none", async () => {
    const volume = at("data/volumes/c1/data")
    writeFileSync(join(volume, "run.sh"), "#!/bin/sh\n", { mode: 0o755 })
    mkdirSync(join(volume, "empty"), { mode: 0o750 })
    symlinkSync("/etc", join(volume, "way-out"))
    mkdirSync(join(volume, "closed"))
    writeFileSync(join(volume, "closed/inside"), "x")
    chmodSync(join(volume, "closed"), 0o500)
    if (process.getuid?.() === 0) chownSync(join(volume, "run.sh"), 1234, 2345)
    await writeBackup(options({ volumes: true }))
    await restore()
    const back = at("back/volumes/c1/data")
    const { mode, uid, gid } = statSync(join(back, "run.sh"))
    expect(mode & 0o777).toBe(0o755)
    if (process.getuid?.() === 0) expect([uid, gid]).toEqual([1234, 2345])
    expect(statSync(join(back, "empty")).mode & 0o777).toBe(0o750)
    expect(statSync(join(back, "closed")).mode & 0o777).toBe(0o500)
    expect(readFileSync(join(back, "closed/inside"), "utf8")).toBe("x")
    expect(readlinkSync(join(back, "way-out"))).toBe("/etc")
    for (const one of [volume, back]) chmodSync(join(one, "closed"), 0o700)
  })

  test("fills an empty folder, which others could look into, with the store at the end, and removes what was given up", async () => {
    await writeBackup(options())
    mkdirSync(at("back/.restore-0123456789ab/storage"), { recursive: true })
    chmodSync(at("back"), 0o755)
    await restore()
    expect(readdirSync(at("back")).sort()).toEqual(["freehold.db", "jwt-secret", "store-key"])
    expect(statSync(at("back")).mode & 0o777).toBe(0o700)
  })

  test("works in no folder that somebody else has put where it would", async () => {
    await writeBackup(options())
    mkdirSync(at("theirs"))
    writeFileSync(at("theirs/kept.txt"), "x")
    const own = new Bun.CryptoHasher("sha256").update(at("backup.age")).digest("hex").slice(0, 12)
    symlinkSync(at("theirs"), at(`.restore-${own}`))
    expect(await message(restore())).toContain("was made by somebody else")
    expect(readdirSync(at("theirs"))).toEqual(["kept.txt"])
    expect(readdirSync(place)).not.toContain("back")
  })

  test("with --check works in a folder whose name nobody can guess", async () => {
    await writeBackup(options())
    const before = process.env.TMPDIR
    process.env.TMPDIR = at("temporary")
    mkdirSync(at("temporary/theirs"), { recursive: true })
    writeFileSync(at("temporary/theirs/kept.txt"), "x")
    const own = new Bun.CryptoHasher("sha256").update(at("backup.age")).digest("hex").slice(0, 12)
    symlinkSync(at("temporary/theirs"), at("temporary", `.restore-${own}-${process.pid}`))
    try {
      await restore({ isCheck: true })
    } finally {
      if (before === undefined) delete process.env.TMPDIR
      else process.env.TMPDIR = before
    }
    expect(readdirSync(at("temporary/theirs"))).toEqual(["kept.txt"])
  })

  test("believes no size that the disk has no room for, and no manifest that is a flood", async () => {
    const header = (name: string, size: number) => {
      const only = pack()
      only.entry({ name, size })
      return new Promise<Uint8Array>((resolve) => only.once("data", (chunk) => resolve(chunk as Uint8Array)))
    }
    for (const [name, size, expected] of [
      ["secrets/huge", 2 ** 52, "has no room"],
      ["manifest.json", 10_000_000, "manifest.json in the backup is larger"],
    ] as const) {
      await writeSealed(
        (async function* () {
          yield await header(name, size)
          yield new Uint8Array(4096)
        })(),
      )
      expect(await message(restore())).toContain(expected)
    }
    expect(readdirSync(place).sort()).toEqual(["backup.age", "data"])
  })

  test("takes nothing twice, and says so", async () => {
    await writeTar({ name: "secrets/twice", text: "a" }, { name: "secrets/twice", text: "b" })
    expect(await message(restore())).toBe("the backup holds something twice")
  })

  test("says that the list of stored files is missing", async () => {
    const about = { freehold: "0.1.0", created_at: "2026-01-01T00:00:00.000Z", base_domain: "home.example", store: known.sort().at(-1) }
    const manifest = { format: 2, ...about, objects: "beside", volumes: false, from_settings: [] }
    await writeTar({ name: "manifest.json", text: JSON.stringify(manifest) })
    expect(await message(restore())).toBe("the backup does not say which stored files belong to it")
  })

  test("refuses a backup whose keys do not open what they sealed", async () => {
    writeFileSync(at("data/store-key"), `${"9".repeat(64)}\n`)
    await writeBackup(options())
    expect(await message(restore())).toContain("its store-key is not in this backup, or is another one")
  })

  test.each([
    "../escape",
    "/etc/passwd",
    "secrets/../../x",
    "freehold.db-wal",
    "storage/objects/ab/not-a-hash",
    "secrets/a/b",
    "secrets/freehold.db",
    "secrets/freehold.db-wal",
    "secrets/storage",
  ])("does not unpack %p", async (name) => {
    const tar = pack()
    tar.entry({ name }, "x")
    tar.finalize()
    await writeSealed(tar)
    expect(await message(restore())).toContain("has no place in one")
    expect(readdirSync(place).sort()).toEqual(["backup.age", "data"])
  })
})
