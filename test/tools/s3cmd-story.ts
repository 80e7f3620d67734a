import assert from "node:assert/strict"
import { createHash } from "node:crypto"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import type { House } from "./house"
import { type Story, same } from "./step"

/** s3cmd asks one thing after the other, so it gets the folders whose names begin with these letters only. */
const letters = "Grüße aus Köln"

export const s3cmdStory: Story = {
  title: "s3cmd",
  programs: ["s3cmd", "curl"],
  steps: [
    {
      name: "puts, shows, lists, gets and deletes one file",
      async run({ house }) {
        const file = house.path("letter.txt")
        await writeFile(file, "Dear Ada,\n")
        const uri = "s3://letters/für Ada/letter+1.txt"
        await house.s3cmd("put", file, uri)
        const info = await house.s3cmd("info", uri)
        assert.match(info, /File size: +10\n/)
        assert.match(info, /MIME type: +text\/plain/)
        assert.match(info, new RegExp(`MD5 sum: +${createHash("md5").update("Dear Ada,\n").digest("hex")}\n`))
        assert.doesNotMatch(info, /anon/)
        assert.match(await house.s3cmd("ls", "s3://letters/für Ada/"), / 10 +s3:\/\/letters\/für Ada\/letter\+1\.txt/)
        await house.s3cmd("get", uri, house.path("letter-back.txt"))
        await same(house, file, house.path("letter-back.txt"))
        await house.s3cmd("del", uri)
        assert.equal(await house.s3cmd("ls", "--recursive", "s3://letters"), "")
      },
    },
    {
      name: "syncs a folder both ways, and deletes what went",
      async run({ house, tree }) {
        const from = house.path("letters")
        await house.run(["sh", "-c", 'mkdir "$3" && cp -r "$1"/"$2"* "$3"', "sh", tree, letters, from])
        await house.s3cmd("sync", `${from}/`, "s3://letters/tree/")
        await house.s3cmd("sync", "s3://letters/tree/", `${house.path("letters-back")}/`)
        await same(house, from, house.path("letters-back"))
        const [gone = ""] = await files(house, from)
        await house.run(["rm", join(from, gone)])
        await house.s3cmd("sync", "--delete-removed", `${from}/`, "s3://letters/tree/")
        await house.s3cmd("sync", "--delete-removed", "s3://letters/tree/", `${house.path("letters-back")}/`)
        await same(house, from, house.path("letters-back"))
      },
    },
    {
      name: "sends a big file in parts and gets it back",
      async run({ house, middle, sizes }) {
        await house.s3cmd("put", "--multipart-chunk-size-mb=16", middle, "s3://letters/big.bin")
        assert.match(await house.s3cmd("info", "s3://letters/big.bin"), new RegExp(`File size: +${sizes.middleBytes}\n`))
        const to = house.path("big-letters.bin")
        await house.s3cmd("get", "s3://letters/big.bin", to)
        await same(house, middle, to)
        await house.run(["rm", to])
        await house.s3cmd("del", "s3://letters/big.bin")
        return 2 * sizes.middleBytes
      },
    },
    {
      name: "opens a bucket to everybody and shuts it again",
      async run({ house }) {
        const file = house.path("letter.txt")
        await house.s3cmd("put", file, "s3://letters/open.txt")
        const anonymously = async () => {
          const answers = [`${house.s3}/letters/open.txt`, `${house.at("letters.s3")}/open.txt`].map(async (url) => {
            const printed = await house.run(["curl", "--silent", "--show-error", "--write-out", " %{http_code}", url])
            return `${printed.slice(-3)} ${/<Code>\w+/.exec(printed)?.[0] ?? printed.slice(0, -4)}`
          })
          return Promise.all(answers)
        }
        assert.deepEqual(await anonymously(), ["403 <Code>AccessDenied", "403 <Code>AccessDenied"])
        await house.s3cmd("setacl", "--acl-public", "s3://letters")
        assert.match(await house.s3cmd("info", "s3://letters"), /ACL: +\*anon\*: READ/)
        assert.deepEqual(await anonymously(), ["200 Dear Ada,\n", "200 Dear Ada,\n"])
        await house.s3cmd("setacl", "--acl-private", "s3://letters")
        assert.deepEqual(await anonymously(), ["403 <Code>AccessDenied", "403 <Code>AccessDenied"])
      },
    },
    {
      name: "makes a bucket, empties it and removes it",
      async run({ house }) {
        await house.s3cmd("mb", "s3://made-by-s3cmd")
        for (const name of ["one", "two", "three"]) await house.s3cmd("put", house.path("letter.txt"), `s3://made-by-s3cmd/${name}`)
        assert.match(await house.s3cmd("ls"), /s3:\/\/made-by-s3cmd/)
        await assert.rejects(house.s3cmd("rb", "s3://made-by-s3cmd"), /BucketNotEmpty|not empty/)
        await house.s3cmd("del", "--recursive", "--force", "s3://made-by-s3cmd")
        await house.s3cmd("rb", "s3://made-by-s3cmd")
        assert.doesNotMatch(await house.s3cmd("ls"), /made-by-s3cmd/)
      },
    },
  ],
}

async function files(house: House, folder: string): Promise<string[]> {
  const found = await house.run(["find", folder, "-type", "f", "-printf", "%P\\n"])
  return found.trim().split("\n").sort()
}
