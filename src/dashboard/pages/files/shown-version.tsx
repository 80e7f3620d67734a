import { Link } from "@tanstack/react-router"
import { Download, ExternalLink, History } from "lucide-react"
import { type ReactNode, useState } from "react"
import { Button } from "../../parts/button"
import { Section } from "../../parts/page"
import { Notice } from "../../parts/status"
import { Time } from "../../parts/time"
import { versions as words } from "../../words/file-versions"
import { files } from "../../words/files"
import { LinkAway } from "./link-away"
import { Preview } from "./preview"
import { type Version, versionAddress } from "./versions"

/** The file as it is now, or as an older version had it; `away` leads on where there is nothing to be seen. */
export function Shown({
  namespace,
  name,
  version,
  isOlder,
  onRestore,
  away,
}: {
  namespace: string
  name: string
  version: Version | undefined
  isOlder: boolean
  onRestore: (version: Version) => Promise<void>
  away: ReactNode
}) {
  const [isBusy, setBusy] = useState(false)
  const id = isOlder ? version?.version_id : undefined
  const isThere = version !== undefined && !version.is_delete_marker
  const restore = async (version: Version) => {
    setBusy(true)
    await onRestore(version).finally(() => setBusy(false))
  }
  return (
    <Section
      title={files.file.previewTitle}
      actions={
        isThere && (
          <LinkAway href={versionAddress(namespace, name, id)} isNewTab isSmall icon={<ExternalLink aria-hidden className="size-4" />}>
            {files.file.open}
          </LinkAway>
        )
      }
    >
      <div className="flex flex-col gap-4">
        {isOlder && (
          <Notice tone="info">
            <div className="flex flex-wrap items-center gap-x-3 gap-y-2">
              <span className="flex-1 basis-56">
                {isThere ? (
                  <>
                    {words.older} <Time at={version.created_at} />.
                  </>
                ) : (
                  words.missing
                )}{" "}
                <Link
                  to={"/files/in/$namespace/file" as string}
                  params={{ namespace } as never}
                  search={{ name } as never}
                  className="text-accent underline"
                >
                  {words.toCurrent}
                </Link>
              </span>
              {isThere && (
                <>
                  <LinkAway
                    href={versionAddress(namespace, name, id, "download/")}
                    isDownload
                    isSmall
                    icon={<Download aria-hidden className="size-4" />}
                  >
                    {words.download}
                  </LinkAway>
                  <Button small isBusy={isBusy} icon={<History aria-hidden className="size-4" />} onClick={() => void restore(version)}>
                    {words.restore}
                  </Button>
                </>
              )}
            </div>
          </Notice>
        )}
        <div className="flex justify-center">
          {isThere ? (
            <Preview
              key={id ?? version.etag}
              namespace={namespace}
              name={name}
              type={version.content_type}
              size={version.size}
              etag={version.etag}
              versionId={id}
            />
          ) : (
            !isOlder && (
              <div className="flex flex-col items-center gap-3">
                <p className="text-dim">{files.file.gone}</p>
                {away}
              </div>
            )
          )}
        </div>
      </div>
    </Section>
  )
}
