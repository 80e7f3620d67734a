import { House } from "./house"
import type { Stage } from "./step"
import { makeFile, makeTree } from "./tree"

const mib = 1024 * 1024

/** A house, with a tree and two big files beside it. */
export async function openStage({ files, bigMib }: { files: number; bigMib: number }): Promise<Stage> {
  const house = await House.open()
  try {
    const sizes = { files, bigBytes: bigMib * mib, middleBytes: Math.min(bigMib, 512) * mib }
    const [tree, big, middle] = ["tree", "big.bin", "middle.bin"].map((name) => house.path(name)) as [string, string, string]
    const treeBytes = await makeTree(tree, sizes.files, 1)
    await makeFile(big, sizes.bigBytes, 2)
    await makeFile(middle, sizes.middleBytes, 3)
    return { house, sizes, tree, treeBytes, big, middle }
  } catch (error) {
    await house.stop()
    throw error
  }
}
