import { Link } from "@tanstack/react-router"
import { File, FileArchive, FileText, Film, Folder, FolderInput, Image, Music, Pencil } from "lucide-react"
import { Menu } from "../../parts/menu"
import { bytes, Time } from "../../parts/time"
import { files } from "../../words/files"
import { moving } from "../../words/files-moving"
import { type Entry, lastPart } from "./model"
import { RenameField } from "./rename-field"

export type EntryActs = {
  isRenaming: boolean
  onRename: () => void
  /** With the name that it has then, also where that is the old one. */
  onRenamed: (name: string) => void
  onMove: () => void
}

/** A file or a folder in a list. */
export function EntryRow({
  namespace,
  entry,
  isSelected,
  onSelect,
  acts,
}: {
  namespace: string
  entry: Entry
  isSelected: boolean
  /** Undefined where nothing may be selected. */
  onSelect: ((isOn: boolean, extends_: boolean) => void) | undefined
  acts: EntryActs
}) {
  const shown = lastPart(entry.name)
  const Icon = entry.is_folder ? Folder : iconOf(entry.content_type)
  const to = entry.is_folder
    ? { to: "/files/in/$namespace" as string, search: { prefix: entry.name } as never }
    : { to: "/files/in/$namespace/file" as string, search: { name: entry.name } as never }
  return (
    <div className="flex min-h-10 items-center gap-3 px-3">
      {onSelect !== undefined && (
        <input
          type="checkbox"
          aria-label={files.folder.select(shown)}
          checked={isSelected}
          onChange={(event) => onSelect(event.target.checked, (event.nativeEvent as MouseEvent).shiftKey === true)}
          className="size-4 shrink-0 accent-(--color-accent)"
        />
      )}
      <Icon aria-hidden className={entry.is_folder ? "size-4 shrink-0 text-accent" : "size-4 shrink-0 text-dim"} />
      {acts.isRenaming ? (
        <RenameField namespace={namespace} name={entry.name} onDone={acts.onRenamed} onCancel={() => acts.onRenamed(entry.name)} />
      ) : (
        <Link {...to} params={{ namespace } as never} className="min-w-0 flex-1 truncate py-2 hover:underline" title={shown}>
          {shown}
        </Link>
      )}
      {acts.isRenaming ? null : entry.is_folder ? (
        <span className="text-sm text-dim">{files.folder.folder}</span>
      ) : (
        <>
          <span className="w-20 shrink-0 text-right text-sm text-dim tabular-nums">{bytes(entry.size)}</span>
          <span className="hidden w-32 shrink-0 text-right text-sm text-dim sm:block">
            <Time at={entry.modified_at} />
          </span>
        </>
      )}
      {!acts.isRenaming && (
        <Menu
          label={files.actionsOf(shown)}
          items={[
            { label: moving.rename, icon: <Pencil aria-hidden className="size-4" />, onSelect: acts.onRename },
            { label: moving.move, icon: <FolderInput aria-hidden className="size-4" />, onSelect: acts.onMove },
          ]}
        />
      )}
    </div>
  )
}

function iconOf(type: string): typeof File {
  if (type.startsWith("image/")) return Image
  if (type.startsWith("video/")) return Film
  if (type.startsWith("audio/")) return Music
  if (/zip|tar|gzip|zstd|7z|rar/.test(type)) return FileArchive
  return /^text\/|json|xml|pdf/.test(type) ? FileText : File
}
