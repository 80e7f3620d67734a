import { Check, Pause, Play, RotateCw, X } from "lucide-react"
import type { ReactNode } from "react"
import { IconButton } from "../../../parts/button"
import { cx } from "../../../parts/classes"
import { bytes } from "../../../parts/time"
import { files } from "../../../words/files"
import { Progress } from "../../../parts/meter"
import type { Upload, UploadState } from "./model"
import { uploads } from "./queue"

const words = files.tray

/** One upload: how it stands in words, and what can be done with it now. */
export function UploadRow({ upload: { id, name, namespace, size, sent, state, error } }: { upload: Upload }) {
  const buttons: Partial<Record<UploadState, ReactNode>> = {
    sending: (
      <Act label={words.pause(name)} onClick={() => uploads.pause(id)}>
        <Pause aria-hidden className="size-4" />
      </Act>
    ),
    paused: (
      <Act label={words.resume(name)} onClick={() => uploads.resume(id)}>
        <Play aria-hidden className="size-4" />
      </Act>
    ),
    failed: (
      <Act label={words.retry(name)} onClick={() => uploads.retry(id)}>
        <RotateCw aria-hidden className="size-4" />
      </Act>
    ),
  }
  const isMoving = state === "sending" || state === "paused"
  return (
    <li className="flex items-center gap-1 border-b border-line px-3 py-1.5 last:border-0">
      <div className="min-w-0 flex-1">
        <p className="truncate" title={`${namespace}/${name}`}>
          {name}
        </p>
        <p className={cx("text-sm [overflow-wrap:anywhere] tabular-nums", state === "failed" ? "text-bad" : "text-dim")}>
          {error === undefined ? words.states[state] : `${words.states[state]}: ${error}`}
          {isMoving && ` · ${bytes(sent)} / ${bytes(size)}`}
          {state === "done" && ` · ${bytes(size)}`}
        </p>
        {isMoving && <Progress label={words.progress(name)} value={size === 0 ? 0 : sent / size} />}
      </div>
      {state === "done" && <Check aria-hidden className="mx-1.5 size-4 text-good" />}
      {buttons[state]}
      {state !== "done" && state !== "skipped" && (
        <Act label={words.cancel(name)} onClick={() => uploads.cancel(id)}>
          <X aria-hidden className="size-4" />
        </Act>
      )}
    </li>
  )
}

const Act = ({ label, onClick, children }: { label: string; onClick: () => void; children: ReactNode }) => (
  <IconButton small label={label} onClick={onClick} className="min-w-7">
    {children}
  </IconButton>
)
