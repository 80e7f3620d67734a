import { useQuery } from "@tanstack/react-query"
import { CornerLeftUp, Folder } from "lucide-react"
import { type FormEvent, useState } from "react"
import { refresh } from "../../data/queries"
import { Button } from "../../parts/button"
import { Actions, Dialog } from "../../parts/dialog"
import { SelectField, TextField } from "../../parts/field"
import { FaultNotice, Skeleton } from "../../parts/status"
import { moving as words } from "../../words/files-moving"
import { shell } from "../../words/shell"
import { Progress } from "../../parts/meter"
import { type Entry, folderOf, lastPart, listFiles, type Namespace, namespacesQuery, pageSize } from "./model"
import { type Move, moveOne, tellMoved } from "./move"

/** So many pages of names are looked through for folders. */
const mostPages = 5

/** Moves files and folders into a folder of this or of another namespace, which is chosen from those that are there or named. */
export function MoveFiles({
  namespace,
  entries,
  onClose,
  onDone,
}: {
  namespace: Namespace
  entries: Pick<Entry, "name">[]
  onClose: () => void
  onDone: (place: { namespace: string; prefix: string }) => void
}) {
  // As it was when it was asked: the list behind may change.
  const [asked] = useState(entries)
  const [target, setTarget] = useState(namespace.name)
  const [path, setPath] = useState(folderOf(asked[0]?.name ?? ""))
  const [done, setDone] = useState<{ moves: Move[]; canUndo: boolean }>({ moves: [], canUndo: true })
  const [error, setError] = useState<unknown>()
  const [isBusy, setBusy] = useState(false)
  const namespaces = useQuery(namespacesQuery)
  const prefix = path === "" || path.endsWith("/") ? path : `${path}/`
  const place = `${target}/${prefix}`
  const isHere = target === namespace.name && asked.every(({ name }) => folderOf(name) === prefix)
  const [only] = asked
  const close = () => {
    if (done.moves.length > 0) tellMoved(words.moved(done.moves.length, place), done.moves, done.canUndo)
    onClose()
  }
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    if (isBusy || isHere) return
    setBusy(true)
    setError(undefined)
    const moves = done.moves.slice()
    let { canUndo } = done
    try {
      for (const { name } of asked.slice(moves.length)) {
        const slash = name.endsWith("/") ? "/" : ""
        const move = { namespace: namespace.name, name, to_namespace: target, to_name: prefix + lastPart(name) + slash }
        const isUndoable = await moveOne(move)
        canUndo &&= isUndoable
        moves.push(move)
        setDone({ moves: moves.slice(), canUndo })
      }
      await refresh("files")
      tellMoved(words.moved(moves.length, place), moves, canUndo)
      onDone({ namespace: target, prefix })
      onClose()
    } catch (fault) {
      setError(fault)
      setBusy(false)
      await refresh("files")
    }
  }
  const title = asked.length === 1 && only !== undefined ? words.titleOne(lastPart(only.name)) : words.title(asked.length)
  return (
    <Dialog
      isOpen
      onClose={close}
      title={title}
      description={namespace.versioning === "off" ? words.what : `${words.what} ${words.versioned}`}
    >
      <form className="flex flex-col gap-4" onSubmit={(event) => void submit(event)}>
        <SelectField
          label={words.namespace}
          value={target}
          disabled={done.moves.length > 0}
          onChange={(event) => {
            setTarget(event.target.value)
            setPath("")
          }}
        >
          {(namespaces.data ?? [namespace]).map(({ name }) => (
            <option key={name}>{name}</option>
          ))}
        </SelectField>
        <TextField
          label={words.folder}
          hint={words.folderHint}
          value={path}
          readOnly={done.moves.length > 0}
          onChange={(event) => setPath(event.target.value)}
          autoComplete="off"
          isCode
        />
        {done.moves.length === 0 && <FolderList namespace={target} path={path} onChoose={setPath} />}
        {isBusy && asked.length > 1 && (
          <div className="flex flex-col gap-1">
            <p className="text-sm text-dim tabular-nums">{words.progress(done.moves.length, asked.length)}</p>
            <Progress label={title} value={done.moves.length / asked.length} />
          </div>
        )}
        {error !== undefined && (
          <div className="flex flex-col gap-2">
            {asked.length > 1 && <p>{words.stopped(done.moves.length, asked.length)}</p>}
            <FaultNotice error={error} />
          </div>
        )}
        <p className="min-h-5 text-sm text-dim">{isHere && words.here}</p>
        <Actions>
          <Button onClick={close}>{shell.cancel}</Button>
          <Button kind="primary" type="submit" isBusy={isBusy} disabled={isHere} className="max-w-full overflow-hidden text-ellipsis">
            {words.into(place)}
          </Button>
        </Actions>
      </form>
    </Dialog>
  )
}

/** Folders that the typed path may go on with. */
function FolderList({ namespace, path, onChoose }: { namespace: string; path: string; onChoose: (path: string) => void }) {
  const parent = path.slice(0, path.lastIndexOf("/") + 1)
  const query = useQuery({
    queryKey: ["files", "folders", namespace, parent],
    queryFn: ({ signal }) => foldersIn(namespace, parent, signal),
  })
  const found = (query.data?.folders ?? []).filter((name) => name.startsWith(path))
  if (query.error !== null) return <FaultNotice error={query.error} onRetry={() => void query.refetch()} />
  const row = "flex min-h-9 w-full items-center gap-2 px-3 text-left hover:bg-hover"
  return (
    <div className="flex flex-col gap-1">
      <ul aria-label={words.folders} className="h-44 overflow-y-auto rounded-md border border-line">
        {parent !== "" && (
          <li>
            <button type="button" className={row} onClick={() => onChoose(folderOf(parent))}>
              <CornerLeftUp aria-hidden className="size-4 text-dim" />
              {words.up}
            </button>
          </li>
        )}
        {query.data === undefined && (
          <li className="p-2">
            <Skeleton className="h-8" />
          </li>
        )}
        {found.map((name) => (
          <li key={name}>
            <button type="button" className={row} onClick={() => onChoose(name)}>
              <Folder aria-hidden className="size-4 shrink-0 text-accent" />
              <span className="truncate">{lastPart(name)}</span>
            </button>
          </li>
        ))}
        {query.data !== undefined && found.length === 0 && <li className="px-3 py-2 text-sm text-dim">{words.noFolders}</li>}
      </ul>
      {query.data?.isCut === true && <p className="text-sm text-dim">{words.cut(mostPages * pageSize)}</p>}
    </div>
  )
}

async function foldersIn(namespace: string, prefix: string, signal: AbortSignal): Promise<{ folders: string[]; isCut: boolean }> {
  const folders: string[] = []
  let after: string | undefined = ""
  for (let page = 0; page < mostPages && after !== undefined; page++) {
    const found: Entry[] = await listFiles({ namespace, prefix, delimiter: "/", after }, signal)
    folders.push(...found.filter((entry) => entry.is_folder).map(({ name }) => name))
    after = found.length < pageSize ? undefined : found.at(-1)?.name
  }
  return { folders, isCut: after !== undefined }
}
