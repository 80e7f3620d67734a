/** `asking` waits for somebody to say what becomes of it, since a file of its name is there. */
export type UploadState = "waiting" | "sending" | "paused" | "asking" | "failed" | "done" | "skipped"

/** A file on its way, as it is shown. */
export type Upload = { id: number; namespace: string; name: string; size: number; sent: number; state: UploadState; error?: string }

/** What becomes of a file whose name is taken. */
export type Choice = "replace" | "keep" | "skip"

/** A file that somebody chose or dropped; `path` has the folders that it came in. */
export type Chosen = { file: File; path: string }

/** All uploads as they stand; a new value whenever one of them moves. */
export type Uploads = { list: Upload[]; bytesPerSecond: number }

/** Uploads that are not over. */
export const isOpen = ({ state }: Upload): boolean => state !== "done" && state !== "skipped" && state !== "failed"
