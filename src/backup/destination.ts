/** A file at a destination; `name` is relative to it. */
export type Stored = { name: string; bytes: number; modifiedAt: number }

/** Where backups lie: a folder, or a prefix of a bucket. Faults are AppErrors that name the place and what it said. */
export type Destination = {
  /** As it is shown to people: a path, or `s3://bucket/prefix`. */
  readonly shown: string
  /** Removes what an earlier run of ours left half written; to be called by whoever holds the lock. */
  prepare(): Promise<void>
  /** The files that lie directly in it, or all of those below a folder of it; none where it does not exist. */
  list(folder?: string): AsyncIterable<Stored>
  /** Writes a file that is there whole or not at all, and answers its size. `expectedBytes` may be wrong by a little. Throws `conflict` where one is there already. */
  put(name: string, body: ReadableStream<Uint8Array>, expectedBytes: number): Promise<number>
  /** Reads a file. Throws `not_found`. */
  get(name: string): Promise<ReadableStream<Uint8Array>>
  /** Removes a file, if it is there. */
  remove(name: string): Promise<void>
}

/** Gathers files of a destination by their names. */
export async function listed(files: AsyncIterable<Stored>): Promise<Map<string, Stored>> {
  const found = new Map<string, Stored>()
  for await (const file of files) found.set(file.name, file)
  return found
}

/** The text of a small file of a destination; throws what `get` does. */
export const readText = async (destination: Destination, name: string): Promise<string> => new Response(await destination.get(name)).text()
