import { ChevronDown, ChevronUp, X } from "lucide-react"
import { useState, useSyncExternalStore } from "react"
import { Button, IconButton } from "../../../parts/button"
import { Confirm } from "../../../parts/dialog"
import { bytes, duration } from "../../../parts/time"
import { files } from "../../../words/files"
import { Progress } from "../../../parts/meter"
import { ConflictDialog } from "./conflict-dialog"
import { isOpen, type Upload, type UploadState } from "./model"
import { uploads } from "./queue"
import { UploadRow } from "./upload-row"

const words = files.tray
/** Rows that are shown at most; the rest is counted. */
const mostRows = 40
const order: UploadState[] = ["asking", "failed", "sending", "paused", "waiting", "skipped", "done"]

/** All uploads of this page, over whatever page is shown. */
export function Tray() {
  const { list, bytesPerSecond } = useSyncExternalStore(uploads.watch, uploads.current)
  const [isUnfolded, setUnfolded] = useState(() => window.innerWidth >= 640)
  const [isAsking, setAsking] = useState(false)
  const open = list.filter(isOpen)
  const size = list.reduce((sum, upload) => sum + (upload.state === "skipped" ? 0 : upload.size), 0)
  const sent = list.reduce((sum, upload) => sum + (upload.state === "skipped" ? 0 : upload.sent), 0)
  const rows = list.toSorted((a, b) => order.indexOf(a.state) - order.indexOf(b.state) || a.id - b.id)
  const asking = list.find(({ state }) => state === "asking")
  const has = (state: UploadState) => list.some((upload) => upload.state === state)
  return (
    <section
      aria-label={words.label}
      className="fixed inset-x-2 bottom-2 z-20 rounded-lg border border-line bg-card shadow-lg sm:right-auto sm:w-96 lg:left-[calc(14rem+1rem)]"
    >
      <div className="flex items-center gap-1 px-3 py-1.5">
        <div className="min-w-0 flex-1">
          <p role="status" className="truncate font-medium">
            {summaryOf(list)}
          </p>
          {open.length > 0 && (
            <p className="truncate text-sm text-dim tabular-nums">
              {bytes(sent)} / {bytes(size)}
              {bytesPerSecond > 0 &&
                has("sending") &&
                ` · ${words.rate(bytes(bytesPerSecond))} · ${words.left(duration(((size - sent) / bytesPerSecond) * 1000))}`}
            </p>
          )}
        </div>
        <IconButton small label={isUnfolded ? words.fold : words.open} aria-expanded={isUnfolded} onClick={() => setUnfolded(!isUnfolded)}>
          {isUnfolded ? <ChevronDown aria-hidden className="size-4" /> : <ChevronUp aria-hidden className="size-4" />}
        </IconButton>
        <IconButton small label={words.close} onClick={() => (open.length > 0 ? setAsking(true) : uploads.clear())}>
          <X aria-hidden className="size-4" />
        </IconButton>
      </div>
      {open.length > 0 && <Progress label={words.whole} value={size === 0 ? 0 : sent / size} />}
      {isUnfolded && (
        <div className="max-h-[45dvh] overflow-y-auto border-t border-line" tabIndex={0} role="region" aria-label={words.list}>
          <ul>
            {rows.slice(0, mostRows).map((upload) => (
              <UploadRow key={upload.id} upload={upload} />
            ))}
          </ul>
          {rows.length > mostRows && <p className="px-3 py-2 text-sm text-dim">{words.more(rows.length - mostRows)}</p>}
        </div>
      )}
      {isUnfolded && (has("failed") || (open.length > 1 && (has("sending") || has("waiting") || has("paused")))) && (
        <div className="flex flex-wrap gap-2 border-t border-line px-3 py-2">
          {(has("sending") || has("waiting")) && (
            <Button small onClick={uploads.pauseAll}>
              {words.pauseAll}
            </Button>
          )}
          {has("paused") && (
            <Button small onClick={uploads.resumeAll}>
              {words.resumeAll}
            </Button>
          )}
          {has("failed") && (
            <Button small onClick={uploads.retryAll}>
              {words.retryAll}
            </Button>
          )}
        </div>
      )}
      {asking !== undefined && <ConflictDialog key={asking.id} upload={asking} />}
      <Confirm
        isOpen={isAsking}
        onClose={() => setAsking(false)}
        title={words.cancelTitle}
        action={words.cancelAll(open.length)}
        onConfirm={async () => uploads.clear()}
      >
        {words.cancelWhat}
      </Confirm>
    </section>
  )
}

/** What screen readers hear too: it changes with files, not with bytes. */
function summaryOf(list: Upload[]): string {
  const count = (state: UploadState) => list.filter((upload) => upload.state === state).length
  const done = count("done")
  const rest = [count("failed") > 0 && words.failed(count("failed")), count("skipped") > 0 && words.skipped(count("skipped"))]
  const open = list.filter(isOpen)
  const isPaused = open.length > 0 && open.every(({ state }) => state === "paused")
  const first = open.length > 0 ? (isPaused ? words.paused : words.uploading)(done, list.length) : done > 0 && words.done(done)
  return [first, ...rest].filter(Boolean).join(" · ")
}
