/** Less than this part of the disk is little. */
const littleDisk = 0.1

/** How much room there is above the floor that storage leaves free: a large disk with a tenth free is not full. */
export function roomOn({ totalBytes, freeBytes, floorBytes }: { totalBytes: number; freeBytes: number; floorBytes: number }) {
  if (freeBytes <= floorBytes) return "full"
  return freeBytes > Math.max(Math.min(totalBytes * littleDisk, 20 * 1024 ** 3), 2 * floorBytes) ? "enough" : "little"
}
