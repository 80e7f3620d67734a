import assert from "node:assert/strict"
import { rm } from "node:fs/promises"
import { waitUntil } from "../lab/process"
import type { House } from "./house"
import { type Story, same } from "./step"
import { changeTree } from "./tree"

const many = ["--transfers", "8", "--checkers", "16"]
const inParts = ["--s3-upload-cutoff", "0"]

export const rcloneStory: Story = {
  title: "rclone",
  programs: ["rclone"],
  steps: [
    {
      name: "copies a tree of small files into a bucket",
      async run({ house, tree, treeBytes, sizes }) {
        await house.rclone("copy", tree, "home:photos/tree", ...many).output()
        assert.equal((await house.namespace("photos")).count, sizes.files)
        return treeBytes
      },
    },
    {
      name: "finds every byte there that it sent",
      async run({ house, tree, treeBytes, sizes }) {
        await compare(house, tree, "home:photos/tree", sizes.files)
        return treeBytes
      },
    },
    {
      name: "brings the tree back, bit for bit",
      async run({ house, tree, treeBytes }) {
        await house.rclone("sync", "home:photos/tree", house.path("back"), ...many).output()
        await same(house, tree, house.path("back"))
        return treeBytes
      },
    },
    {
      name: "syncs what was changed, added, moved and deleted, and nothing else",
      async run({ house, tree, sizes }) {
        await changeTree(tree, sizes.files, 7)
        const changed = Math.ceil((sizes.files - 2) / 20)
        const sent = await transferred(house, "sync", tree, "home:photos/tree")
        assert.equal(sent, 2 * changed + 1)
        assert.equal(await transferred(house, "sync", tree, "home:photos/tree"), 0)
        assert.equal(await transferred(house, "sync", "home:photos/tree", house.path("back")), 2 * changed + 1)
        await same(house, tree, house.path("back"))
      },
    },
    {
      name: "killed in the middle of a big file, leaves no object, and sends it whole when it is run again",
      async run({ house, big, sizes }) {
        const first = house.rclone("copyto", big, "home:big/one.bin", ...inParts)
        await first.wrote(sizes.bigBytes * 0.6)
        assert.ok(await first.kill(), "rclone had ended before it was killed")
        assert.equal((await house.namespace("big")).count, 0)
        assert.equal(await uploads(house), 1)
        await house.rclone("copyto", big, "home:big/one.bin", ...inParts).output()
        assert.deepEqual((await house.rclone("lsf", "--format", "ps", "home:big").output()).trim(), `one.bin;${sizes.bigBytes}`)
        await house.rclone("backend", "cleanup", "home:big", "-o", "max-age=1ms").output()
        assert.equal(await uploads(house), 0)
        return sizes.bigBytes * 1.5
      },
    },
    {
      name: "killed in the middle of fetching it, has it whole when it is run again",
      async run({ house, big, sizes }) {
        const to = house.path("big-back.bin")
        const first = house.rclone("copyto", "home:big/one.bin", to)
        await first.wrote(sizes.bigBytes * 0.4)
        assert.ok(await first.kill(), "rclone had ended before it was killed")
        await house.rclone("copyto", "home:big/one.bin", to).output()
        await same(house, big, to)
        await rm(to)
        return sizes.bigBytes * 1.4
      },
    },
    {
      name: "has the tree whole when the server was killed in the middle of a sync and the sync is run again",
      async run({ house, tree, sizes, treeBytes }) {
        // It would go on trying for long by itself.
        const first = house.rclone("sync", tree, "home:crash", ...many, "--retries", "1", "--low-level-retries", "2")
        await waitUntil(async () => (await house.namespace("crash")).count > sizes.files / 4, {
          limitMs: 120_000,
          what: "some of the files",
        })
        await house.crash()
        await first.ended
        await house.rclone("sync", tree, "home:crash", ...many).output()
        await compare(house, tree, "home:crash", (await house.namespace("photos")).count)
        return treeBytes
      },
    },
  ],
}

/** Reads all of both sides and compares. */
async function compare(house: House, from: string, to: string, files: number): Promise<void> {
  const { code, err } = await house.rclone("check", from, to, "--download", ...many).ended
  assert.equal(code, 0, err)
  assert.match(err, / 0 differences found/)
  assert.match(err, new RegExp(` ${files} matching files`))
}

async function transferred(house: House, ...args: string[]): Promise<number> {
  const { code, err } = await house.rclone(...args, ...many, "--stats-log-level", "NOTICE", "--stats", "1h").ended
  assert.equal(code, 0, err)
  return Number(/^Transferred:\s+(\d+) \/ \d+, 100%/m.exec(err)?.[1] ?? 0)
}

async function uploads(house: House): Promise<number> {
  const listed = JSON.parse(await house.rclone("backend", "list-multipart-uploads", "home:big").output()) as Record<
    string,
    unknown[] | null
  >
  return listed.big?.length ?? 0
}
