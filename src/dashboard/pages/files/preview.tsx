import { useQuery } from "@tanstack/react-query"
import { useState } from "react"
import { Notice, Skeleton, FaultNotice } from "../../parts/status"
import { bytes } from "../../parts/time"
import { ApiFault } from "../../data/api"
import { files } from "../../words/files"
import { addressOf } from "./model"
import { versionAddress } from "./versions"

const words = files.file
/** So much of a text is shown. */
const mostText = 256 * 1024

/** `versionId` is that of an older version; undefined for the file as it is now. */
export type Previewed = { namespace: string; name: string; type: string; size: number; etag: string; versionId?: string | undefined }

type Kind = "image" | "video" | "audio" | "pdf" | "text" | "none"

/** How a type is shown. What could run in a page is shown as its source. */
export function previewOf(type: string): Kind {
  const [mime = ""] = type.toLowerCase().split(";")
  if (/^image\/(png|jpeg|gif|webp|avif|svg\+xml|bmp|x-icon|vnd\.microsoft\.icon)$/.test(mime)) return "image"
  if (/^video\/(mp4|webm|ogg|quicktime)$/.test(mime)) return "video"
  if (mime.startsWith("audio/")) return "audio"
  if (mime === "application/pdf") return "pdf"
  return /^text\/|[/+](json|xml|yaml|toml|javascript|typescript|x-sh|sql|x-yaml|xhtml\+xml)$/.test(mime) ? "text" : "none"
}

/** A file as far as a browser shows it; nothing that it contains runs. */
export function Preview(file: Previewed) {
  const [isBroken, setBroken] = useState(false)
  const kind = previewOf(file.type)
  // The same address with other bytes is another picture.
  const src =
    file.versionId === undefined
      ? `${addressOf(file.namespace, file.name)}?v=${encodeURIComponent(file.etag)}`
      : versionAddress(file.namespace, file.name, file.versionId)
  const label = words.preview(file.name)
  const fail = () => setBroken(true)
  if (isBroken) return <Notice tone="warn">{words.notLoaded}</Notice>
  if (kind === "image") return <img src={src} alt={label} onError={fail} className="max-h-[70dvh] max-w-full rounded-md object-contain" />
  if (kind === "video")
    return <video src={src} aria-label={label} controls preload="metadata" onError={fail} className="max-h-[70dvh] w-full rounded-md" />
  if (kind === "audio") return <audio src={src} aria-label={label} controls preload="metadata" onError={fail} className="w-full" />
  if (kind === "pdf") return <iframe src={src} title={label} className="h-[75dvh] w-full rounded-md border border-line bg-card" />
  if (kind === "text") return <TextPreview {...file} />
  return <p className="py-10 text-dim">{words.noPreview}</p>
}

function TextPreview({ namespace, name, type, size, etag, versionId }: Previewed) {
  const query = useQuery({
    queryKey: ["files", "text", namespace, name, versionId ?? etag],
    queryFn: ({ signal }) => firstText(versionAddress(namespace, name, versionId), size, signal),
    staleTime: Number.POSITIVE_INFINITY,
  })
  if (query.error !== null) return <FaultNotice error={query.error} onRetry={() => void query.refetch()} />
  if (query.data === undefined) return <Skeleton className="h-64" />
  const isSource = /html|svg|xml|javascript/.test(type)
  return (
    <div className="flex w-full flex-col gap-2">
      {(size > mostText || isSource) && (
        <p className="text-sm text-dim">
          {isSource && words.isSource} {size > mostText && words.tooLong(bytes(mostText))}
        </p>
      )}
      <pre
        tabIndex={0}
        aria-label={words.preview(name)}
        className="max-h-[70dvh] overflow-auto rounded-md bg-sunken p-3 whitespace-pre-wrap [overflow-wrap:anywhere]"
      >
        {query.data}
      </pre>
    </div>
  )
}

async function firstText(address: string, size: number, signal: AbortSignal): Promise<string> {
  const range: Record<string, string> = size > mostText ? { range: `bytes=0-${mostText - 1}` } : {}
  const answer = await fetch(address, { credentials: "include", signal, headers: range })
  if (!answer.ok) throw new ApiFault(answer.status, words.gone)
  // The last bytes may be the beginning of a character.
  return new TextDecoder().decode(await answer.arrayBuffer(), { stream: true })
}
