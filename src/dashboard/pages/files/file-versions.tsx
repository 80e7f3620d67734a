import { Section } from "../../parts/page"
import { Badge } from "../../parts/status"
import { bytes, Time } from "../../parts/time"
import { files } from "../../words/files"

export type Version = {
  version_id: string
  is_latest: boolean
  is_delete_marker: boolean
  size: number
  created_at: number
  etag: string
  content_type: string
  sha256: string | null
}

/** What the file was before, the newest first. */
export const FileVersions = ({ versions }: { versions: Version[] }) => (
  <Section title={files.file.versions}>
    <ol className="flex flex-col gap-2">
      {versions.map(({ version_id: id, is_latest: isLatest, is_delete_marker: isMark, size, created_at: at }) => (
        <li key={id} className="flex flex-wrap items-center gap-x-3">
          <span className="flex-1">
            <Time at={at} />
          </span>
          <span className="text-dim tabular-nums">{isMark ? files.file.deletedMark : bytes(size)}</span>
          {isLatest && !isMark && <Badge tone="accent">{files.file.newest}</Badge>}
        </li>
      ))}
    </ol>
    <p className="mt-3 text-sm text-dim">{files.file.versionsHint}</p>
  </Section>
)
