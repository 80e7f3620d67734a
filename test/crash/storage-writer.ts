// A program: `storage-writer.ts FOLDER JOURNAL NAME`. Opens the core on a data folder, says READY, and writes without end, several writers at once,
// each under keys of its own; every step goes to the journal before it is taken and when it was acknowledged. It is there to be killed.

import type { Core } from "./storage-core"
import { openCore } from "./storage-core"
import { contentOf, randomOf, someSeed } from "./storage-content"
import { type Intent, Journal, type Mark, markField, seedsOf } from "./storage-journal"

const writers = 6
const keysOfWriter = 5
const keptVersions = 4
const chunkBytes = 64 * 1024

async function* body(seed: number) {
  const bytes = contentOf(seed)
  for (let at = 0; at < bytes.byteLength; at += chunkBytes) yield new Uint8Array(bytes.subarray(at, at + chunkBytes))
}

class Writer {
  private count = 0
  private random: () => number

  constructor(
    private core: Core,
    private journal: Journal,
    private process: string,
    private number: number,
  ) {
    this.random = randomOf(Bun.hash.crc32(`${process}/${number}`))
  }

  async run(): Promise<never> {
    for (const { key, headers } of await this.leftUploads()) {
      const mark = markIn(headers)
      if (this.random() < 0.5) await this.sendParts(key, mark)
      else await this.abort(mark)
    }
    for (;;) await this.step()
  }

  private async step(): Promise<void> {
    const { storage, plain, kept } = this.core
    const key = `${this.number}/${Math.floor(this.random() * keysOfWriter)}`
    const choice = this.random()
    if (choice < 0.35) {
      const mark = this.mark([someSeed(this.random)])
      await this.taken({ do: "put", key, mark }, () => storage.objects.put(plain, key, body(seedsOf(mark)[0] ?? 0), { facts: facts(mark) }))
    } else if (choice < 0.45) {
      await this.taken({ do: "delete", key }, () => storage.objects.delete(plain, key))
    } else if (choice < 0.6) {
      const source = await storage.objects.find(plain, `${this.number}/${Math.floor(this.random() * keysOfWriter)}`)
      if (source === undefined) return
      const mark = this.mark(seedsOf(source.headers[markField] ?? ""))
      await this.taken({ do: "put", key, mark }, () => storage.objects.copy(source, plain, key, facts(mark)))
    } else if (choice < 0.75) {
      const mark = this.mark([someSeed(this.random)])
      await this.taken(
        { do: "version", key, mark },
        async () => (await storage.objects.put(kept, key, body(seedsOf(mark)[0] ?? 0), { facts: facts(mark) })).versionId,
      )
      await this.thinOut(key)
    } else if (choice < 0.8) {
      await this.taken({ do: "marker", key }, async () => (await storage.objects.delete(kept, key))?.versionId)
      await this.thinOut(key)
    } else {
      const mark = this.mark(Array.from({ length: 1 + Math.floor(this.random() * 3) }, () => someSeed(this.random)))
      const upload = { personId: "ann", kind: "s3" as const, facts: facts(mark) }
      await this.taken({ do: "begin", key, mark }, () => storage.uploads.begin(plain, key, upload))
      await this.sendParts(key, mark)
    }
  }

  private async sendParts(key: string, mark: Mark): Promise<void> {
    const { storage, plain } = this.core
    const upload = await this.upload(mark)
    if (upload === undefined) throw new Error(`the upload ${mark} has gone`)
    for (const [i, seed] of seedsOf(mark).entries()) {
      const number = i + 1
      const send = (sent: number) =>
        this.taken({ do: "part", mark, number, seed: sent }, () => storage.uploads.part(plain, upload, number, body(sent)))
      // Now and then another part first, to be replaced.
      if (this.random() < 0.2) await send(someSeed(this.random))
      await send(seed)
    }
    if (this.random() < 0.2) return this.abort(mark)
    await this.taken({ do: "complete", key, mark }, () => storage.uploads.complete(plain, upload))
  }

  private async abort(mark: Mark): Promise<void> {
    const upload = await this.upload(mark)
    if (upload !== undefined) await this.taken({ do: "abort", mark }, () => this.core.storage.uploads.abort(upload))
  }

  private async thinOut(key: string): Promise<void> {
    const { storage, kept } = this.core
    const all = await this.core.db
      .selectFrom("objectVersions")
      .select("versionId")
      .where("namespaceId", "=", kept.id)
      .where("key", "=", key)
      .execute()
    if (all.length <= keptVersions) return
    const { versionId } = all[Math.floor(this.random() * all.length)] ?? { versionId: "" }
    await this.taken({ do: "unversion", key, versionId }, () => storage.objects.delete(kept, key, versionId))
  }

  private leftUploads = async () => {
    const all = await this.core.db.selectFrom("storageUploads").selectAll().execute()
    return all.filter(({ key }) => key.startsWith(`${this.number}/`))
  }

  private upload = async (mark: Mark) => (await this.leftUploads()).find(({ headers }) => markIn(headers) === mark)

  private async taken(intent: Intent, step: () => Promise<unknown>): Promise<void> {
    const id = this.journal.intend(intent)
    const answer = await step()
    this.journal.acknowledge(id, typeof answer === "string" ? answer : undefined)
  }

  private mark = (seeds: number[]): Mark => `${this.process}-${this.number}-${++this.count}:${seeds.join("+")}`
}

const facts = (mark: Mark) => ({ headers: { [markField]: mark } })
const markIn = (headers: string | null): Mark =>
  headers === null ? "" : ((JSON.parse(headers) as Record<string, string>)[markField] ?? "")

const [folder = "", file = "", name = ""] = process.argv.slice(2)
const core = await openCore(folder)
console.log("READY")
void core.swept.then(() => console.log("SWEPT"))
const journal = new Journal(file, name)
const all = Array.from({ length: writers }, (_, number) => new Writer(core, journal, name, number).run())
// Bytes are removed all the time, though nothing is read, so that this too is killed.
const collecting = (async () => {
  for (;;) {
    await core.storage.blobs.collect(Date.now(), -1)
    await Bun.sleep(5)
  }
})()
await Promise.race([...all, collecting]).catch((error: unknown) => {
  console.log(`FAILED ${error instanceof Error ? error.stack : String(error)}`)
  process.exit(1)
})
