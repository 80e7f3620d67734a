import { afterEach, expect, test } from "bun:test"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { run as containers } from "./containers"
import type { CommandIo } from "./io"
import { run } from "./ssh-keys"

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup()
})

const key = {
  id: 7,
  name: "laptop",
  public_key: "ssh-ed25519 AAAA ann@laptop",
  fingerprint: "SHA256:abc",
  created_at: "2026-11-21T05:10:11Z",
}

/** A tiny server that answers every request with `answer`, and a command's surroundings that point to it. */
async function setup(answer: object, lines: string[] = []) {
  const seen: string[] = []
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      seen.push(`${request.method} ${new URL(request.url).pathname} ${await request.text()}`.trim())
      return Response.json(answer)
    },
  })
  const folder = await mkdtemp(join(tmpdir(), "freehold-cli-"))
  cleanups.push(
    () => server.stop(true),
    () => rm(folder, { recursive: true }),
  )
  const said = { out: "", err: "" }
  const io: CommandIo = {
    out: (text) => void (said.out += text),
    err: (text) => void (said.err += text),
    readLine: async () => lines.shift() ?? "",
    environment: { server: `http://127.0.0.1:${server.port}`, token: "t0", configFolder: join(folder, "freehold") },
    version: "0",
  }
  return { io, said, seen, folder }
}

test("keys are listed with their fingerprints", async () => {
  const { io, said, seen } = await setup({ ssh_keys: [key] })
  expect(await run(["ls"], io)).toBe(0)
  expect(seen).toEqual(["GET /compute/ssh-keys"])
  expect(said.out).toBe("ID  NAME    TYPE         FINGERPRINT  CREATED\n7   laptop  ssh-ed25519  SHA256:abc   2026-11-21T05:10:11Z\n")
})

test.each([
  [["key.pub"], "ann@laptop"],
  [["key.pub", "--name", "mine"], "mine"],
  [["bare.pub"], "bare"],
  [["-"], "ann@laptop"],
])("add %p calls the key %s", async (words, name) => {
  const { io, said, seen, folder } = await setup(key, [key.public_key])
  await writeFile(join(folder, "key.pub"), `${key.public_key}\n`)
  await writeFile(join(folder, "bare.pub"), "ssh-ed25519 AAAA\n")
  const [file = "", ...flags] = words
  expect(await run(["add", file === "-" ? file : join(folder, file), ...flags], io)).toBe(0)
  const public_key = file === "bare.pub" ? "ssh-ed25519 AAAA" : key.public_key
  expect(seen).toEqual([`POST /compute/ssh-keys ${JSON.stringify({ name, public_key })}`])
  expect(said.out).toBe("id:          7\nname:        laptop\nfingerprint: SHA256:abc\n")
})

test("a private key does not leave the machine, and a missing file is named", async () => {
  const { io, said, seen, folder } = await setup(key)
  await writeFile(join(folder, "id"), "-----BEGIN OPENSSH PRIVATE KEY-----\n")
  expect(await run(["add", join(folder, "id")], io)).toBe(2)
  expect(said.err).toContain("is a private key: name the file that ends in .pub")
  expect(await run(["add", join(folder, "none")], io)).toBe(2)
  expect(said.err).toContain("cannot be read (ENOENT)")
  expect(seen).toEqual([])
})

test("a key is removed by its id", async () => {
  const { io, said, seen } = await setup({ status: "ok" })
  expect(await run(["rm", "7"], io)).toBe(0)
  expect([seen, said.out]).toEqual([["DELETE /compute/ssh-keys/7"], "7 removed\n"])
})

test.each([
  [["c1"], "GET /compute/containers/c1/ssh"],
  [["c1", "on"], 'PUT /compute/containers/c1/ssh {"ssh_enabled":true}'],
  [["c1", "off"], 'PUT /compute/containers/c1/ssh {"ssh_enabled":false}'],
])("containers ssh %p", async (words, request) => {
  const { io, said, seen } = await setup({ ssh_enabled: true, ssh_command: "ssh -p 2222 c1@compute.test" })
  expect(await containers(["ssh", ...words], io)).toBe(0)
  expect([seen, said.out]).toEqual([[request], "ssh:     on\ncommand: ssh -p 2222 c1@compute.test\n"])
  expect(await containers(["ssh", "c1", "maybe"], io)).toBe(2)
})
