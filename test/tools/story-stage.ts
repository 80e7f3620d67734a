import { House } from "./house"
import type { Sizes, Stage } from "./step"
import { makeFile, makeTree } from "./tree"

/** A house, with a tree and a big file beside it. */
export async function openStage(sizes: Sizes): Promise<Stage> {
  const house = await House.open()
  try {
    const [tree, big] = [house.path("tree"), house.path("big.bin")]
    const treeBytes = await makeTree(tree, sizes.files, 1)
    await makeFile(big, sizes.bigBytes, 2)
    return { house, sizes, tree, treeBytes, big }
  } catch (error) {
    await house.stop()
    throw error
  }
}
