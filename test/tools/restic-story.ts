import assert from "node:assert/strict"
import { rm } from "node:fs/promises"
import type { House } from "./house"
import { type Story, same } from "./step"
import { changeTree, makeTree } from "./tree"

type Snapshot = { id: string; paths: string[] }

export const resticStory: Story = {
  title: "restic",
  programs: ["restic"],
  steps: [
    {
      name: "killed in the middle of its first backup, makes it whole when it is run again",
      async run({ house, big, sizes }) {
        const documents = house.path("documents")
        const bytes = await makeTree(documents, sizes.files, 3)
        await house.restic("init").output()
        const first = house.restic("backup", documents, big)
        await first.wrote(sizes.bigBytes * 0.5)
        assert.ok(await first.kill(), "restic had ended before it was killed")
        assert.equal((await snapshots(house)).length, 0)
        await house.restic("unlock").output()
        await house.restic("backup", documents, big).output()
        return sizes.bigBytes + bytes
      },
    },
    {
      name: "backs up again what was changed since",
      async run({ house, big, sizes }) {
        const documents = house.path("documents")
        // As it is now, to be compared with what is restored of it later.
        await house.run(["cp", "-r", documents, house.path("first-state")])
        await changeTree(documents, sizes.files, 4)
        await house.restic("backup", documents, big).output()
        assert.equal((await snapshots(house)).length, 2)
      },
    },
    {
      name: "reads all of the repository again and finds nothing wrong",
      async run({ house, sizes }) {
        assert.match(await house.restic("check", "--read-data").output(), /no errors were found/)
        return sizes.bigBytes
      },
    },
    {
      name: "restores both states, bit for bit",
      async run({ house, big, sizes }) {
        const [first, second] = await snapshots(house)
        assert.ok(first !== undefined && second !== undefined)
        await restored(house, first, { [house.path("first-state")]: house.path("documents") }, "--include", house.path("documents"))
        await restored(house, second, { [house.path("documents")]: house.path("documents"), [big]: big })
        return sizes.bigBytes
      },
    },
    {
      name: "forgets the first, prunes, and still restores the second",
      async run({ house, big, sizes }) {
        const before = (await house.namespace("vault")).bytes
        await house.restic("forget", "--keep-last", "1", "--prune").output()
        assert.ok((await house.namespace("vault")).bytes < before)
        assert.match(await house.restic("check").output(), /no errors were found/)
        const [left, ...others] = await snapshots(house)
        assert.ok(left !== undefined && others.length === 0)
        await restored(house, left, { [house.path("documents")]: house.path("documents"), [big]: big })
        return sizes.bigBytes
      },
    },
  ],
}

async function snapshots(house: House): Promise<Snapshot[]> {
  return JSON.parse(await house.restic("snapshots", "--json").output()) as Snapshot[]
}

/** Restores a snapshot and compares; keys are what is expected, values where it stood when it was backed up. */
async function restored(house: House, { id }: Snapshot, expected: Record<string, string>, ...options: string[]): Promise<void> {
  const to = house.path("restored")
  await house.restic("restore", id, "--target", to, ...options).output()
  for (const [now, then] of Object.entries(expected)) await same(house, now, to + then)
  await rm(to, { recursive: true })
}
