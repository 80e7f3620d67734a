import type { House } from "./house"

/** How much is moved: the big file by rclone and restic, the one of middle size by all others. */
export type Sizes = { files: number; bigBytes: number; middleBytes: number }

/** What the steps of a story share: a house, and the tree and the big file that they send. */
export type Stage = {
  house: House
  sizes: Sizes
  tree: string
  /** Bytes of the tree as it was made. */
  treeBytes: number
  big: string
  middle: string
}

/** What the server may hold of memory at most, whatever is moved. */
export const boundMiB = 450

/** One step of a story; it throws where something is not as it should be, and answers how many bytes went through the door, where that says something. */
export type Step = { name: string; run(stage: Stage): Promise<number | void> }

/** Steps that go one after the other, and the programs they need. */
export type Story = { title: string; programs: string[]; steps: Step[] }

/** Throws where two trees or files are not the same, bit for bit. */
export async function same(house: House, one: string, other: string): Promise<void> {
  await house.run(["diff", "--recursive", "--brief", one, other])
}
