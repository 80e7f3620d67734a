import { AppError } from "./errors"

/** For people whose write met a disk that is read-only or faulty; retried in vain until an operator mends it. */
export const diskUnavailable = (cause: unknown): AppError =>
  new AppError("unavailable", "the disk of the data folder cannot be written or read; nothing is certain to be kept until it is mended", {
    retryAfterSeconds: 30,
    cause,
  })

/** Error codes of system calls that met a faulty or read-only disk. */
export const isDiskCode = (code: unknown): boolean => ["EROFS", "EIO"].includes(String(code))

/** Why a start failed, where it is the disk: which folder and what to do. Undefined for everything else. */
export function startFault(error: unknown, folder: string): string | undefined {
  const codes: string[] = []
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) codes.push(String((cause as { code?: unknown }).code))
  const has = (...wanted: string[]) => codes.some((code) => wanted.some((one) => code.startsWith(one)))
  if (has("ENOSPC", "SQLITE_FULL", "out_of_space")) return `the disk of ${folder} is full: free at least 4 MiB there and start again`
  if (has("EROFS", "EIO", "SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_IOERR", "unavailable"))
    return `${folder} cannot be written: its file system is read-only or faulty; see what the kernel says (dmesg), mend it and start again`
  if (has("EACCES", "EPERM"))
    return `${folder} cannot be written by the user that this runs as (${process.getuid?.()}): ${(error as Error).message}`
  return undefined
}
