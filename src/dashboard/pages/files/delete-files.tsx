import { useQuery } from "@tanstack/react-query"
import { useRef, useState } from "react"
import { ApiFault, ask } from "../../data/api"
import { refresh } from "../../data/queries"
import { Confirm } from "../../parts/dialog"
import { FaultNotice } from "../../parts/status"
import { bytes } from "../../parts/time"
import { toast } from "../../parts/toasts"
import { files } from "../../words/files"
import { Progress } from "../../parts/meter"
import { type Entry, type FileEntry, lastPart, listFiles, type Namespace, pageSize } from "./model"

const words = files.removing
const mostAtOnce = 4

/** Deletes files, and folders with all that is in them: counted first, with a typed name where a folder goes. */
export function DeleteFiles({
  namespace,
  entries,
  onClose,
  onDone,
}: {
  namespace: Namespace
  entries: Entry[]
  onClose: () => void
  onDone: () => void
}) {
  // As it was when it was asked: the list behind may change.
  const [asked] = useState(entries)
  const [done, setDone] = useState<number>()
  const ending = useRef(new AbortController())
  const query = useQuery({
    queryKey: ["deleting", namespace.name, asked.map(({ name }) => name)],
    queryFn: ({ signal }) => filesIn(namespace.name, asked, signal),
    gcTime: 0,
    staleTime: Number.POSITIVE_INFINITY,
    refetchOnWindowFocus: false,
  })
  const all = query.data ?? []
  const size = all.reduce((sum, file) => sum + file.size, 0)
  const [only] = asked
  const folder = asked.find(({ is_folder: isFolder }) => isFolder)
  const title = asked.length === 1 && only !== undefined ? words.titleOne(lastPart(only.name)) : words.title(asked.length)
  const close = () => {
    ending.current.abort()
    onClose()
  }
  const confirm = async () => {
    if (query.data === undefined) return
    const { signal } = ending.current
    let count = 0
    try {
      await inTurns(query.data, signal, async ({ name }) => {
        await removeFile(namespace.name, name)
        setDone(++count)
      })
    } finally {
      setDone(undefined)
      await refresh("files")
    }
    toast(signal.aborted ? words.stopped(count, all.length) : words.done(count))
    if (!signal.aborted) onDone()
  }
  const what = namespace.versioning === "enabled" ? words.versioned : words.what
  return (
    <Confirm
      isOpen
      onClose={close}
      title={title}
      action={query.data === undefined ? words.counting : words.action(all.length)}
      {...(folder === undefined ? {} : { typed: asked.length === 1 ? lastPart(folder.name) : namespace.name })}
      onConfirm={confirm}
    >
      {query.error !== null && <FaultNotice error={query.error} />}
      <p>{query.data === undefined ? words.counting : what(all.length, bytes(size))}</p>
      {asked.length > 1 && (
        <ul className="mt-2 max-h-40 overflow-y-auto rounded-md bg-sunken p-2 text-sm" tabIndex={0} aria-label={title}>
          {asked.slice(0, 100).map(({ name }) => (
            <li key={name}>{name}</li>
          ))}
          {asked.length > 100 && <li className="text-dim">{files.removeMore(asked.length - 100)}</li>}
        </ul>
      )}
      {done !== undefined && (
        <div className="mt-3 flex flex-col gap-1">
          <p className="text-sm text-dim tabular-nums">{words.progress(done, all.length)}</p>
          <Progress label={title} value={all.length === 0 ? 0 : done / all.length} />
        </div>
      )}
    </Confirm>
  )
}

/** Deletes a file; one that has gone already is what was wanted. */
export async function removeFile(namespace: string, name: string): Promise<void> {
  const query = new URLSearchParams({ namespace, name })
  await ask("DELETE", `/storage/delete?${query}`).catch((error: unknown) => {
    if (!(error instanceof ApiFault && error.status === 404)) throw error
  })
}

/** All files that the entries stand for. */
async function filesIn(namespace: string, entries: Entry[], signal: AbortSignal): Promise<FileEntry[]> {
  const found: FileEntry[] = []
  for (const entry of entries) {
    if (!entry.is_folder) {
      found.push(entry)
      continue
    }
    for (let after: string | undefined = ""; after !== undefined;) {
      const page: Entry[] = await listFiles({ namespace, prefix: entry.name, after }, signal)
      found.push(...page.filter((one) => !one.is_folder))
      after = page.length < pageSize ? undefined : page.at(-1)?.name
    }
  }
  return found
}

/** A few at a time; begins no more once the signal is given or one has failed. */
async function inTurns<T>(items: T[], signal: AbortSignal, act: (item: T) => Promise<void>): Promise<void> {
  let next = 0
  const turn = async () => {
    for (let item = items[next++]; item !== undefined && !signal.aborted; item = items[next++]) await act(item)
  }
  await Promise.all(Array.from({ length: mostAtOnce }, turn))
}
