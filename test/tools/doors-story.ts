import assert from "node:assert/strict"
import { open, rm, stat, writeFile } from "node:fs/promises"
import type { House } from "./house"
import { type Stage, type Story, same } from "./step"

const mib = 1024 * 1024
/** What rclone sends in one part by default. */
const partBytes = 5 * mib

/** One store behind two doors: S3, and the document's API with the binary's own commands. */
export const doorsStory: Story = {
  title: "doors",
  programs: ["rclone", "curl"],
  steps: [
    {
      name: "what rclone put is listed and fetched by the document's API and the binary's own commands",
      async run({ house, middle, sizes }) {
        const letter = house.path("a letter & more.txt")
        await writeFile(letter, "Dear Ada,\n")
        await house.rclone("copy", letter, "home:shared/für Ada").output()
        await house.rclone("copyto", middle, "home:shared/big.bin", "--s3-upload-cutoff", "0").output()
        const listed = JSON.parse(await (await house.freehold("storage", "ls", "shared", "--json")).output()) as Record<string, unknown>[]
        assert.deepEqual(
          listed.map(({ name, size }) => ({ name, size })),
          [
            { name: "big.bin", size: sizes.middleBytes },
            { name: "für Ada/a letter & more.txt", size: 10 },
          ],
        )
        const url = `${house.at("storage")}/storage/download/shared/${encodeURIComponent("für Ada")}/${encodeURIComponent("a letter & more.txt")}`
        const bearer = ["--header", `Authorization: Bearer ${house.token}`]
        assert.equal(await house.run([...curl, "--fail", ...bearer, url]), "Dear Ada,\n")
        assert.match(await house.run([...curl, url]), /"error"/)
        const to = house.path("fetched.bin")
        await (await house.freehold("storage", "get", "shared/big.bin", to)).output()
        await same(house, middle, to)
        await rm(to)
        return 2 * sizes.middleBytes
      },
    },
    {
      name: "`freehold storage get`, killed in the middle, goes on where it was",
      async run({ house, middle, sizes }) {
        const to = house.path("fetched.bin")
        const first = await house.freehold("storage", "get", "shared/big.bin", to)
        await first.wrote(sizes.middleBytes * 0.3)
        assert.ok(await first.kill(), "it had ended before it was killed")
        const { size } = await stat(`${to}.part`)
        assert.ok(size > 0 && size < sizes.middleBytes)
        // A byte of what had come is another now: what is fetched anew would not have it.
        await mark(`${to}.part`, 0x2a)
        await (await house.freehold("storage", "get", "shared/big.bin", to)).output()
        assert.match(await house.run(["sh", "-c", 'cmp -l "$1" "$2" | head -n 2', "sh", to, middle]), /^ *1 +52 +\d+\n$/)
        await rm(to)
        return sizes.middleBytes
      },
    },
    {
      name: "what `freehold storage put` stored is seen by rclone, bit for bit",
      async run({ house, middle, sizes }) {
        await (await house.freehold("storage", "put", middle, "shared/by-command/middle.bin")).output()
        await (await house.freehold("storage", "put", house.path("a letter & more.txt"), "shared/by-command/")).output()
        assert.equal(await house.rclone("cat", "home:shared/by-command/a letter & more.txt").output(), "Dear Ada,\n")
        const { code, err } = await house.rclone("check", middle, "home:shared/by-command", "--one-way").ended
        assert.equal(code, 0, err)
        // By MD5, which is the ETag of what was not sent in parts.
        assert.match(err, / 1 matching files/)
        assert.doesNotMatch(err, /hashes could not be checked/)
        return sizes.middleBytes
      },
    },
    {
      name: "`freehold storage put`, killed in the middle, leaves what was there",
      async run({ house, middle, sizes }) {
        const first = await house.freehold("storage", "put", middle, "shared/by-command/a letter & more.txt", "--overwrite")
        await first.read(sizes.middleBytes * 0.3)
        assert.ok(await first.kill(), "it had ended before it was killed")
        assert.equal(await house.rclone("cat", "home:shared/by-command/a letter & more.txt").output(), "Dear Ada,\n")
      },
    },
    ...(["http1.1", "http2"] as const).map((version) => ({
      name: `an object in parts has a Content-Length by ${version}, whole and in ranges across the bounds of its parts, at both doors`,
      async run({ house, middle, sizes }: Stage) {
        const { middleBytes } = sizes
        const doors = [
          { url: `${house.s3}/shared/big.bin`, args: signing(house) },
          { url: `${house.at("storage")}/storage/shared/big.bin`, args: ["--header", `Authorization: Bearer ${house.token}`] },
        ]
        for (const { url, args } of doors) {
          const ask = async (from: number, to: number, ...more: string[]) => {
            const [head, body] = [house.path("curl-head"), house.path("curl-body")]
            await house.run([...curl, `--${version}`, ...args, ...more, "--dump-header", head, "--output", body, url])
            const text = await Bun.file(head).text()
            const field = (name: string) => new RegExp(`^${name}: (.*)\r$`, "im").exec(text)?.[1]
            assert.match(text, version === "http2" ? /^HTTP\/2 / : /^HTTP\/1\.1 /)
            assert.deepEqual(
              [field("content-length"), field("transfer-encoding"), field("x-freehold-length"), field("content-range")],
              [
                String(to - from),
                undefined,
                undefined,
                more.length === 0 || more[0] === "--head" ? undefined : `bytes ${from}-${to - 1}/${middleBytes}`,
              ],
            )
            if (more[0] === "--head") return
            await house.run(["cmp", "--ignore-initial", `0:${from}`, "--bytes", String(to - from), body, middle])
            assert.equal((await stat(body)).size, to - from)
            await rm(body)
          }
          await ask(0, middleBytes)
          await ask(0, middleBytes, "--head")
          const ranges: [number, number][] = [
            [partBytes - 1, partBytes + 1],
            [partBytes - 100_000, 3 * partBytes + 1],
            [partBytes, 2 * partBytes],
            [middleBytes - partBytes - 7, middleBytes],
          ]
          for (const [from, to] of ranges) await ask(from, to, "--range", `${from}-${to - 1}`)
        }
        return 2 * middleBytes
      },
    })),
  ],
}

/** curl signs the request, without the field that S3 wants to have. */
const signing = ({ key }: House) => [
  "--aws-sigv4",
  "aws:amz:us-east-1:s3",
  "--user",
  `${key.id}:${key.secret}`,
  "--header",
  "x-amz-content-sha256: UNSIGNED-PAYLOAD",
]

const curl = ["curl", "--silent", "--show-error"]

async function mark(path: string, byte: number): Promise<void> {
  const handle = await open(path, "r+")
  await handle.write(Buffer.of(byte), 0, 1, 0)
  await handle.close()
}
