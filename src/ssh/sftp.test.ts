import { afterEach, expect, test } from "bun:test"
import { mkdtemp, readdir, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { ContainerFiles, fileKind } from "../engine/archive"
import { SftpServer } from "./sftp-server"
import { attributes, BadPacket, FieldReader, makePacket, number, openFlag, packet, PacketReader, statusCode, text } from "./sftp-wire"
import { type DraftLimits, Drafts } from "./drafts"
import { tarHead, TarReader, tarTail } from "./tar"

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

const goMode = { directory: 2 ** 31, link: 2 ** 27 }
type Node = { contents?: string; link?: string; folder?: boolean }

/** An engine at a Unix socket with these files in its one container, and an SFTP server over it. `unpacked` is what was written there. */
async function setup(nodes: Record<string, Node>, maxFileBytes?: number, draftLimits?: DraftLimits) {
  const folder = await mkdtemp(join(tmpdir(), "freehold-sftp-"))
  const unpacked: { folder: string; name: string; mode: number; uid: number; contents: string }[] = []
  const reads: string[] = []
  const server = Bun.serve({
    unix: join(folder, "engine.sock"),
    async fetch(request) {
      const path = new URL(request.url).searchParams.get("path") ?? ""
      if (request.method === "PUT") {
        const tar = new TarReader(request.body ?? new ReadableStream())
        const entry = await tar.next()
        if (entry === undefined) return new Response("empty", { status: 400 })
        unpacked.push({ folder: path, name: entry.name, mode: entry.mode, uid: entry.uid, contents: (await tar.read(1e6)).toString() })
        return new Response()
      }
      const node = nodes[path]
      if (node === undefined) return Response.json({ message: "no such path" }, { status: 404 })
      const size = node.contents?.length ?? 0
      const mode = 0o644 + (node.folder ? goMode.directory : 0) + (node.link ? goMode.link : 0)
      const stat = { name: path, size, mode, mtime: "2026-11-21T00:00:00Z", linkTarget: node.link ?? "" }
      const headers = { "x-docker-container-path-stat": Buffer.from(JSON.stringify(stat)).toString("base64") }
      if (request.method === "HEAD") return new Response(null, { headers })
      reads.push(path)
      const entry = { name: "f", size, mode: fileKind.regular | 0o644, modifiedAt: 0, uid: 0, gid: 0 }
      return new Response(Buffer.concat([tarHead(entry), Buffer.from(node.contents ?? ""), tarTail(size)]), { headers })
    },
  })
  cleanups.push(
    () => rm(folder, { recursive: true }),
    () => server.stop(true),
    () => sftp.close(),
  )
  const sftp = new SftpServer({
    files: new ContainerFiles({ socketPath: join(folder, "engine.sock") }, "c1"),
    home: "/home",
    owner: { uid: 7, gid: 8 },
    room: new Drafts(folder, draftLimits).roomOf("u1"),
    run: async () => 0,
    now: () => 0,
    maxFileBytes,
  })
  /** One request with the number 9; the answer's kind and the fields behind the number. */
  const ask = async (kind: number, ...fields: Buffer[]) => {
    const reader = new FieldReader((await sftp.answer(makePacket(kind, number(9), ...fields).subarray(4))).subarray(4))
    const answer = { kind: reader.byte(), id: reader.number(), fields: reader }
    expect(answer.id).toBe(9)
    return answer
  }
  const status = async (kind: number, ...fields: Buffer[]) => {
    const answer = await ask(kind, ...fields)
    expect(answer.kind).toBe(packet.status)
    return answer.fields.number()
  }
  const open = async (path: string, flags: number) =>
    (await ask(packet.open, text(path), number(flags), attributes({ mode: 0o600 }))).fields.text()
  const drafts = async () => (await readdir(folder)).filter((name) => name !== "engine.sock")
  return { sftp, ask, status, open, unpacked, reads, drafts }
}

const long = (value: number) => Buffer.concat([number(Math.floor(value / 2 ** 32)), number(value)])

test("packets are cut out of a stream however it comes, and one that is too long is a fault", () => {
  const all = Buffer.concat([makePacket(1, number(3)), makePacket(4, number(5), text("x"))])
  for (const size of [1, 3, 7, 100]) {
    const reader = new PacketReader()
    const found: Buffer[] = []
    for (let at = 0; at < all.length; at += size) found.push(...reader.push(all.subarray(at, at + size)))
    expect(Buffer.concat(found.map((body) => Buffer.concat([number(body.length), body]))).equals(all)).toBe(true)
  }
  for (const length of [0, 256 * 1024 + 1, 2 ** 32 - 1]) expect(() => new PacketReader().push(number(length))).toThrow(BadPacket)
})

test.each([
  ["nothing", Buffer.alloc(0)],
  ["no number", Buffer.from([packet.open])],
  ["half a name", Buffer.concat([Buffer.from([packet.stat]), number(1), number(10), Buffer.from("abc")])],
  ["an offset past all files", Buffer.concat([Buffer.from([packet.read]), number(1), text("1"), Buffer.alloc(8, 0xff), number(1)])],
])("a request with %s is no request", async (_what, bytes) => {
  const { sftp } = await setup({})
  await expect(sftp.answer(bytes)).rejects.toThrow(BadPacket)
})

test("what is not there, not offered or not open is said by its number", async () => {
  const { status } = await setup({ "/home": { folder: true }, "/home/f": { contents: "x" }, "/loop": { link: "/loop" } })
  expect(await status(packet.stat, text("none"))).toBe(statusCode.noSuchFile)
  expect(await status(packet.stat, text("a\0b"))).toBe(statusCode.noSuchFile)
  expect(await status(packet.stat, text("/loop"))).toBe(statusCode.noSuchFile)
  expect(await status(200, text("posix-rename@openssh.com"))).toBe(statusCode.unsupported)
  expect(await status(packet.read, text("1"), long(0), number(10))).toBe(statusCode.failure)
  expect(await status(packet.close, text("1"))).toBe(statusCode.failure)
  expect(await status(packet.opendir, text("f"))).toBe(statusCode.failure)
  expect(await status(packet.open, text("/home"), number(openFlag.read), attributes({}))).toBe(statusCode.failure)
  expect(await status(packet.open, text("f"), number(openFlag.write | openFlag.append), attributes({}))).toBe(statusCode.unsupported)
  expect(await status(packet.open, text("f"), number(openFlag.write), attributes({}))).toBe(statusCode.unsupported)
  expect(await status(packet.open, text("g"), number(openFlag.write), attributes({}))).toBe(statusCode.noSuchFile)
  const exclusive = openFlag.write | openFlag.create | openFlag.exclusive
  expect(await status(packet.open, text("f"), number(exclusive), attributes({}))).toBe(statusCode.failure)
  expect(await status(packet.open, text("/none/f"), number(openFlag.write | openFlag.create), attributes({}))).toBe(statusCode.noSuchFile)
})

test("a file is read through its link from front to back, and a step back begins again", async () => {
  const { ask, open, reads } = await setup({ "/home/link": { link: "../data/f" }, "/data/f": { contents: "0123456789" } })
  const handle = await open("link", openFlag.read)
  const read = async (offset: number, length: number) => {
    const { kind, fields } = await ask(packet.read, text(handle), long(offset), number(length))
    return kind === packet.data ? fields.text() : fields.number()
  }
  expect([await read(0, 4), await read(6, 2), await read(8, 100), await read(10, 1)]).toEqual(["0123", "67", "89", statusCode.eof])
  expect(reads).toEqual(["/data/f"])
  expect(await read(2, 3)).toBe("234")
  expect(reads).toEqual(["/data/f", "/data/f"])
})

test("a file is written in any order, and stands in the container once it is closed", async () => {
  const { status, open, unpacked, drafts } = await setup({ "/home": { folder: true } })
  const handle = await open("new", openFlag.write | openFlag.create | openFlag.truncate)
  expect(await status(packet.write, text(handle), long(3), text("def"))).toBe(statusCode.ok)
  expect(await status(packet.write, text(handle), long(0), text("abc"))).toBe(statusCode.ok)
  expect(unpacked).toEqual([])
  expect(await status(packet.close, text(handle))).toBe(statusCode.ok)
  expect(unpacked).toEqual([{ folder: "/home", name: "new", mode: fileKind.regular | 0o600, uid: 7, contents: "abcdef" }])
  expect(await drafts()).toEqual([])
})

test("what grows too large is refused, and what was not closed leaves nothing behind", async () => {
  const { sftp, status, open, unpacked, drafts } = await setup({ "/home": { folder: true } }, 10)
  const handle = await open("new", openFlag.write | openFlag.create)
  expect(await status(packet.write, text(handle), long(8), text("abc"))).toBe(statusCode.failure)
  expect(await drafts()).toHaveLength(1)
  await sftp.close()
  expect([await drafts(), unpacked]).toEqual([[], []])
})

test("a file that is opened while the client leaves is not kept", async () => {
  const { sftp, status, drafts } = await setup({ "/home": { folder: true } })
  const opening = status(packet.open, text("new"), number(openFlag.write | openFlag.create), attributes({}))
  await sftp.close()
  expect(await opening).toBe(statusCode.failure)
  expect(await drafts()).toEqual([])
})

test("open files have a bound", async () => {
  const { status, open, drafts } = await setup({ "/home": { folder: true } })
  for (let count = 0; count < 32; count++) await open(`f${count}`, openFlag.write | openFlag.create)
  expect(await status(packet.open, text("more"), number(openFlag.write | openFlag.create), attributes({}))).toBe(statusCode.failure)
  expect(await drafts()).toHaveLength(32)
})

test("all that is on its way into containers has a bound for each person, and what was closed makes room", async () => {
  const limits = { bytesPerPerson: 100, bytes: 1_000, leastFreeBytes: 0 }
  const { status, open } = await setup({ "/home": { folder: true } }, undefined, limits)
  const [one, two] = [await open("one", openFlag.write | openFlag.create), await open("two", openFlag.write | openFlag.create)]
  // Ten bytes, and eighty that stand before them as zeros.
  expect(await status(packet.write, text(one), long(80), text("0123456789"))).toBe(statusCode.ok)
  expect(await status(packet.write, text(one), long(0), text("0123456789"))).toBe(statusCode.ok)
  expect(await status(packet.write, text(two), long(0), text("0123456789x"))).toBe(statusCode.failure)
  expect(await status(packet.write, text(two), long(0), text("0123456789"))).toBe(statusCode.ok)
  expect(await status(packet.close, text(one))).toBe(statusCode.ok)
  expect(await status(packet.write, text(two), long(10), text("x".repeat(90)))).toBe(statusCode.ok)
  expect(await status(packet.write, text(two), long(100), text("x"))).toBe(statusCode.failure)
})

test("everybody's drafts together have a bound too, and a disk that is nearly full takes no more", async () => {
  const shared = new Drafts(tmpdir(), { bytesPerPerson: 100, bytes: 150, leastFreeBytes: 0 })
  const [ann, bob] = [shared.roomOf("ann"), shared.roomOf("bob")]
  await ann.take(100)
  await expect(bob.take(51)).rejects.toThrow("too much is on its way")
  await bob.take(50)
  ann.give(100)
  await bob.take(50)
  const full = new Drafts(tmpdir(), { bytesPerPerson: 100, bytes: 100, leastFreeBytes: 1e18 }).roomOf("ann")
  // It is not counted, so the reason stays the same.
  for (let turn = 0; turn < 3; turn++) await expect(full.take(60)).rejects.toThrow("disk is full")
})
