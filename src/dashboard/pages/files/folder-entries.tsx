import { ArrowDown, ArrowUp, FolderInput, FolderOpen, Trash2 } from "lucide-react"
import { useEffect, useEffectEvent, useRef, useState } from "react"
import { useUrlState } from "../../data/url-state"
import { Button, IconButton } from "../../parts/button"
import { SearchBox, SelectField } from "../../parts/field"
import { LongList } from "../../parts/long-list"
import { Empty, FaultNotice, SkeletonRows } from "../../parts/status"
import { files } from "../../words/files"
import { moving as movingWords } from "../../words/files-moving"
import { DeleteFiles } from "./delete-files"
import { type Sort, useEntries } from "./entries"
import { EntryRow } from "./entry-row"
import { type Entry, lastPart, type Namespace } from "./model"
import { MoveFiles } from "./move-files"
import { useSelection } from "./selection"

const words = files.folder
const sorts: Sort[] = ["name", "size", "modified"]

/** What lies in a folder: searched, sorted, selected, deleted. */
export function FolderEntries({ namespace, prefix }: { namespace: Namespace; prefix: string }) {
  const [text, setText] = useUrlState("q")
  const [sort, setSort] = useUrlState("sort", "name")
  const [down, setDown] = useUrlState("down")
  const { name } = namespace
  const found = useEntries(name, prefix + text, sort as Sort, down !== "")
  const { entries, error, isLoading, isWhole, isReadingMore } = found
  const [isDeleting, setDeleting] = useState(false)
  const [renaming, setRenaming] = useState<string>()
  const [moving, setMoving] = useState<Entry[]>()
  const list = useRef<HTMLDivElement>(null)
  const selection = useSelection(entries, () => setDeleting(true), setRenaming)
  const { names } = selection
  const isAll = names.size > 0 && names.size === entries.length
  const renamed = (to: string) => {
    setRenaming(undefined)
    // When the row is there again: who goes by the keyboard goes on from it.
    requestAnimationFrame(() =>
      list.current?.querySelector<HTMLElement>(`input[aria-label="${CSS.escape(words.select(lastPart(to)))}"]`)?.focus(),
    )
  }
  const isBare = !isLoading && entries.length === 0
  if (isBare && text === "" && error === null)
    return (
      <Empty title={words.emptyTitle} icon={<FolderOpen aria-hidden className="size-8" />}>
        {words.empty}
      </Empty>
    )
  return (
    <div className="flex flex-col gap-3">
      <div className="flex flex-wrap items-end gap-2">
        <SearchBox label={words.search} value={text} onChange={setText} className="sm:max-w-72" />
        <div className="flex flex-1 items-end justify-end gap-1">
          <SelectField
            label={words.sort}
            value={sort}
            onChange={(event) => setSort(event.target.value)}
            className="flex-row! items-center gap-2! *:first:shrink-0 *:first:font-normal"
          >
            {sorts.map((one) => (
              <option key={one} value={one}>
                {words.sorts[one]}
              </option>
            ))}
          </SelectField>
          <IconButton label={words.reverse} aria-pressed={down !== ""} onClick={() => setDown(down === "" ? "1" : "")}>
            {down === "" ? <ArrowUp aria-hidden className="size-4" /> : <ArrowDown aria-hidden className="size-4" />}
          </IconButton>
        </div>
      </div>
      {error !== null && <FaultNotice error={error} onRetry={found.retry} />}
      {isLoading && error === null && (
        <>
          {entries.length > 0 && <p className="text-dim">{words.reading(entries.length)}</p>}
          <SkeletonRows rows={8} className="h-10" />
        </>
      )}
      {isBare && text !== "" && (
        <Empty title={words.noneTitle} action={<Button onClick={() => setText("")}>{words.clearSearch}</Button>}>
          {words.none(text)}
        </Empty>
      )}
      {!isLoading && entries.length > 0 && (
        <div ref={list} className="flex flex-col gap-2" onKeyDown={selection.onKeyDown}>
          <div className="sticky top-14 z-10 flex min-h-9 flex-wrap items-center gap-3 bg-paper px-3 lg:top-0">
            <input
              type="checkbox"
              aria-label={words.selectAll}
              title={words.keysHint}
              checked={isAll}
              ref={(box) => {
                if (box !== null) box.indeterminate = names.size > 0 && !isAll
              }}
              onChange={(event) => selection.setAll(event.target.checked)}
              className="size-4 accent-(--color-accent)"
            />
            <span role="status" className="flex-1 text-sm text-dim tabular-nums">
              {names.size > 0 ? words.selected(names.size) : words.shown(entries.length, isWhole)}
            </span>
            {names.size > 0 && (
              <>
                <Button small kind="quiet" onClick={selection.clear}>
                  {words.clear}
                </Button>
                <Button
                  small
                  icon={<FolderInput aria-hidden className="size-4" />}
                  onClick={() => setMoving(entries.filter((entry) => names.has(entry.name)))}
                >
                  {movingWords.moveSelected}
                </Button>
                <Button small kind="danger" icon={<Trash2 aria-hidden className="size-4" />} onClick={() => setDeleting(true)}>
                  {words.deleteSelected}
                </Button>
              </>
            )}
          </div>
          <LongList label={words.list(`${name}/${prefix}`)} items={entries} idOf={(entry) => entry.name} rowHeight={41}>
            {(entry) => (
              <EntryRow
                namespace={name}
                entry={entry}
                isSelected={names.has(entry.name)}
                onSelect={(isOn, extends_) => selection.set(entry.name, isOn, extends_)}
                acts={{
                  isRenaming: renaming === entry.name,
                  onRename: () => setRenaming(entry.name),
                  onRenamed: renamed,
                  onMove: () => setMoving([entry]),
                }}
              />
            )}
          </LongList>
          {!isWhole && <More onReach={found.readMore} isBusy={isReadingMore} />}
        </div>
      )}
      {moving !== undefined && (
        <MoveFiles namespace={namespace} entries={moving} onClose={() => setMoving(undefined)} onDone={selection.clear} />
      )}
      {isDeleting && (
        <DeleteFiles
          namespace={namespace}
          entries={entries.filter((entry) => names.has(entry.name))}
          onClose={() => setDeleting(false)}
          onDone={selection.clear}
        />
      )}
    </div>
  )
}

/** Reads on when it comes near the screen, and when it is pressed. */
function More({ onReach, isBusy }: { onReach: () => void; isBusy: boolean }) {
  const place = useRef<HTMLDivElement>(null)
  const reach = useEffectEvent(() => {
    if (!isBusy) onReach()
  })
  useEffect(() => {
    const watcher = new IntersectionObserver(([seen]) => seen?.isIntersecting === true && reach(), { rootMargin: "800px" })
    if (place.current !== null) watcher.observe(place.current)
    return () => watcher.disconnect()
  }, [])
  return (
    <div ref={place} className="flex justify-center py-2">
      <Button isBusy={isBusy} onClick={onReach}>
        {words.more}
      </Button>
    </div>
  )
}
