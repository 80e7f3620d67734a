import { existsSync, statfsSync } from "node:fs"
import { dirname, resolve } from "node:path"
import { roomOn } from "../disk-space"
import type { Verdict } from "./check"

/** A file system as statfs(2) has it; `files` is 0 where inodes are made as they are needed. */
export type Space = { totalBytes: number; freeBytes: number; files: number; freeFiles: number }

/** The disk that a folder is on, or will be on where it is yet to be made. */
export function spaceOf(folder: string): Space {
  let there = resolve(folder)
  while (!existsSync(there)) there = dirname(there)
  const { blocks, bavail, bsize, files, ffree } = statfsSync(there)
  return { totalBytes: blocks * bsize, freeBytes: bavail * bsize, files, freeFiles: ffree }
}

/** Whether few files more can be made, whatever space there is. */
export const inodesLow = ({ files, freeFiles }: Space): boolean => files > 0 && freeFiles < Math.max(1000, files / 50)

/** Space and inodes of the disk that a folder is on; `floorBytes` is what stored files leave free. */
export function checkDisk(folder: string, space: Space, floorBytes: number): Verdict {
  const { totalBytes, freeBytes, files, freeFiles } = space
  const free = `${size(freeBytes)} of ${size(totalBytes)} are free at ${folder}`
  const remedy = "Delete what is not needed, or give the data folder a larger disk."
  const room = roomOn({ totalBytes, freeBytes, floorBytes })
  if (room === "full") return { status: "bad", verdict: `${free}: stored files are refused, and the store itself may stop.`, remedy }
  if (inodesLow(space))
    return {
      status: freeFiles === 0 ? "bad" : "warn",
      verdict: `Only ${freeFiles} of ${files} inodes are free at ${folder}, so hardly any file can be made.`,
      remedy: "Delete small files that are not needed, or make the file system with more inodes.",
    }
  if (room === "little") return { status: "warn", verdict: `${free}, which is little.`, remedy }
  return { status: "ok", verdict: `${free}.` }
}

function size(bytes: number): string {
  const unit = Math.min(Math.floor(Math.log2(Math.max(bytes, 1)) / 10), 4)
  const value = bytes / 1024 ** unit
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${["B", "KiB", "MiB", "GiB", "TiB"][unit]}`
}
