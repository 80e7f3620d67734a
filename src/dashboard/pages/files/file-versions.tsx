import { Link } from "@tanstack/react-router"
import { History, Trash2 } from "lucide-react"
import { useState } from "react"
import { refresh } from "../../data/queries"
import { cx } from "../../parts/classes"
import { Confirm } from "../../parts/dialog"
import { Menu } from "../../parts/menu"
import { Section } from "../../parts/page"
import { Badge } from "../../parts/status"
import { bytes, exactTime, Time } from "../../parts/time"
import { toast } from "../../parts/toasts"
import { versions as words } from "../../words/file-versions"
import { mostVersions, removeVersion, type Version } from "./versions"

/** What the file was before, the newest first: each is shown by its link, restored and deleted by its menu. */
export function FileVersions({
  namespace,
  name,
  versions,
  shown,
  onRestore,
}: {
  namespace: string
  name: string
  versions: Version[]
  /** Id of the version that the page shows. */
  shown: string | undefined
  onRestore: (version: Version) => void
}) {
  const [removing, setRemoving] = useState<Version>()
  const remove = async () => {
    if (removing === undefined) return
    await removeVersion(namespace, name, removing.version_id)
    await refresh("files")
    toast(words.removed)
  }
  return (
    <Section title={words.title}>
      <ol className="-mx-2 flex max-h-[60dvh] flex-col overflow-y-auto" aria-label={words.title}>
        {versions.map((version) => {
          const { version_id: id, is_latest: isLatest, is_delete_marker: isMark, size, created_at: at } = version
          const isShown = id === shown
          const time = exactTime(at)
          return (
            <li key={id} className={cx("flex min-h-10 items-center gap-x-2 rounded-md px-2", isShown && "bg-sunken")}>
              <span className="min-w-0 flex-1">
                {isMark ? (
                  <Time at={at} />
                ) : (
                  <Link
                    to={"/files/in/$namespace/file" as string}
                    params={{ namespace } as never}
                    search={(isLatest ? { name } : { name, version: id }) as never}
                    resetScroll={false}
                    aria-current={isShown ? "true" : undefined}
                    className="relative inline-block py-1 text-accent hover:underline"
                  >
                    <span className="sr-only">{words.look(time)}</span>
                    <span aria-hidden>
                      <Time at={at} />
                    </span>
                  </Link>
                )}
              </span>
              {isLatest && !isMark && <Badge tone="accent">{words.newest}</Badge>}
              {isShown && !isLatest && <Badge tone="info">{words.shown}</Badge>}
              <span className="text-sm text-dim tabular-nums">{isMark ? words.deletedMark : bytes(size)}</span>
              <Menu
                label={words.actions(time)}
                items={[
                  ...(isMark || isLatest
                    ? []
                    : [{ label: words.restore, icon: <History aria-hidden className="size-4" />, onSelect: () => onRestore(version) }]),
                  {
                    label: isMark ? words.removeMark : words.remove,
                    icon: <Trash2 aria-hidden className="size-4" />,
                    isDanger: true,
                    onSelect: () => setRemoving(version),
                  },
                ]}
              />
            </li>
          )
        })}
      </ol>
      <p className="mt-3 text-sm text-dim">
        {words.hint} {versions.length >= mostVersions && words.cut(mostVersions)}
      </p>
      {removing !== undefined && (
        <Confirm
          isOpen
          onClose={() => setRemoving(undefined)}
          title={removing.is_delete_marker ? words.removeMarkTitle : words.removeTitle(exactTime(removing.created_at))}
          action={removing.is_delete_marker ? words.removeMark : words.remove}
          onConfirm={remove}
        >
          {consequence(removing, versions)}
        </Confirm>
      )}
    </Section>
  )
}

function consequence({ is_latest: isLatest, is_delete_marker: isMark, size }: Version, all: Version[]): string {
  if (isMark) return isLatest && all[1]?.is_delete_marker === false ? words.removeNewestMark : words.removeOlderMark
  if (!isLatest) return words.removeOlder(bytes(size))
  return all.length === 1 || all[1]?.is_delete_marker === true ? words.removeLast(bytes(size)) : words.removeNewest(bytes(size))
}
