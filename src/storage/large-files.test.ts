import { afterAll, beforeAll, expect, test } from "bun:test"
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

const gigabyte = 1024 ** 3
/** What a server takes that has served nothing yet is 60 to 90 MB. */
const boundBytes = 260 * 1024 ** 2

let folder: string
let server: Bun.Subprocess<"pipe", "pipe", "inherit">
let origin: string
let token: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "freehold-large-"))
  await Bun.$`truncate -s ${gigabyte} ${folder}/large`.quiet()
  await Bun.$`truncate -s ${gigabyte / 2} ${folder}/half`.quiet()
  server = Bun.spawn([process.execPath, join(import.meta.dir, "large-files.fixture.ts")], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  })
  const { value } = await server.stdout.getReader().read()
  ;({ origin, token } = JSON.parse(new TextDecoder().decode(value)) as { origin: string; token: string })
}, 30_000)
afterAll(async () => {
  await server.stdin.end()
  await server.exited
  rmSync(folder, { recursive: true })
})

const curl = async (...args: string[]) => {
  const command = [
    "curl",
    "-sS",
    "--noproxy",
    "*",
    "-H",
    `Authorization: Bearer ${token}`,
    "-o",
    "/dev/null",
    "-w",
    "%{http_code} %{size_download}",
  ]
  const run = Bun.spawn([...command, ...args], { stdout: "pipe" })
  return (await new Response(run.stdout).text()).trim()
}
/** The most memory that the server had. */
const peak = () => Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${server.pid}/status`, "utf8"))?.[1]) * 1024

// Where there is no /proc nothing is measured.
test.skipIf(!existsSync("/proc/self/status"))(
  "a gigabyte goes in and out in memory that does not grow with it",
  async () => {
    const [large, half] = [`${folder}/large`, `${folder}/half`]
    const tus = [
      "-X",
      "PATCH",
      "-H",
      "Tus-Resumable: 1.0.0",
      "-H",
      "Upload-Offset: 0",
      "-H",
      "Content-Type: application/offset+octet-stream",
    ]
    const begun = await fetch(`${origin}/storage/uploads`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${token}`,
        "tus-resumable": "1.0.0",
        "upload-length": String(gigabyte / 2),
        "upload-metadata": `namespace ${btoa("photos")},filename ${btoa("c")}`,
      },
    })
    const steps: [string, string[], string][] = [
      ["raw up", ["-T", large, `${origin}/storage/photos/a`], "200"],
      ["form up", ["-F", `file=@${half};filename=b`, `${origin}/storage/upload?namespace=photos`], "200"],
      ["tus up", [...tus, "-T", half, `${origin}${begun.headers.get("location")}`], "204"],
      ["down", [`${origin}/storage/photos/a`], `200 ${gigabyte}`],
      ["down, watched", [`${origin}/storage/photos/a?id=t`], `200 ${gigabyte}`],
    ]
    for (const [what, args, expected] of steps) {
      const answer = await curl(...args)
      expect([what, answer]).toEqual([what, expect.stringContaining(expected)])
      const used = peak()
      expect([what, used < boundBytes ? "bounded" : used]).toEqual([what, "bounded"])
    }
  },
  240_000,
)
