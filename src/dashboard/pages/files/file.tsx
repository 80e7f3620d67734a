import { useQuery } from "@tanstack/react-query"
import { useNavigate, useParams } from "@tanstack/react-router"
import { ChevronLeft, ChevronRight, Download, ExternalLink, Share2, Trash2 } from "lucide-react"
import { useState } from "react"
import { ask } from "../../data/api"
import { refresh } from "../../data/queries"
import { useUrlState } from "../../data/url-state"
import { Button, ButtonLink } from "../../parts/button"
import { Code } from "../../parts/copy"
import { Confirm } from "../../parts/dialog"
import { Loaded } from "../../parts/loaded"
import { Menu } from "../../parts/menu"
import { Fact, Facts, Page, Section } from "../../parts/page"
import { Skeleton } from "../../parts/status"
import { bytes, Time } from "../../parts/time"
import { toast } from "../../parts/toasts"
import { files } from "../../words/files"
import { removeFile } from "./delete-files"
import { FileVersions, type Version } from "./file-versions"
import { Folders } from "./folder"
import { LinkAway } from "./link-away"
import { addressOf, folderOf, lastPart, listFiles, namespaceQuery, type FileEntry } from "./model"
import { Preview } from "./preview"
import { ShareDialog } from "./share-dialog"

const words = files.file

/** One file: what it looks like, what is known of it, and what can be done with it. */
export function File() {
  const { namespace = "" } = useParams({ strict: false }) as { namespace?: string }
  const [name] = useUrlState("name")
  const [dialog, setDialog] = useState<"share" | "delete">()
  const navigate = useNavigate()
  const prefix = folderOf(name)
  const owner = useQuery(namespaceQuery(namespace))
  const query = useQuery({
    queryKey: ["files", "versions", namespace, name],
    queryFn: ({ signal }) =>
      ask<Version[]>("GET", `/storage/files/versions?${new URLSearchParams({ namespace, name })}`, undefined, { signal }),
  })
  const inFolder = {
    to: "/files/in/$namespace" as string,
    params: { namespace } as never,
    search: (prefix === "" ? {} : { prefix }) as never,
  }
  const remove = async () => {
    await removeFile(namespace, name)
    await navigate(inFolder)
    await refresh("files")
    toast(files.removing.done(1))
  }
  const current = query.data?.[0]
  const isThere = current !== undefined && !current.is_delete_marker
  return (
    <Page
      title={lastPart(name)}
      crumbs={[{ label: files.title, to: "/files" }]}
      actions={
        isThere && (
          <>
            <Neighbours namespace={namespace} name={name} />
            <LinkAway href={addressOf(namespace, name, "download/")} isDownload icon={<Download aria-hidden className="size-4" />}>
              {words.download}
            </LinkAway>
            <Button icon={<Share2 aria-hidden className="size-4" />} onClick={() => setDialog("share")}>
              {words.share}
            </Button>
            <Menu
              label={files.actionsOf(lastPart(name))}
              items={[
                {
                  label: words.remove,
                  icon: <Trash2 aria-hidden className="size-4" />,
                  isDanger: true,
                  onSelect: () => setDialog("delete"),
                },
              ]}
            />
          </>
        )
      }
    >
      <Folders namespace={namespace} prefix={name} />
      <Loaded query={query} skeleton={<Skeleton className="h-96" />}>
        {(versions) => (
          <div className="grid items-start gap-5 lg:grid-cols-[minmax(0,1fr)_20rem]">
            <Section title={files.file.previewTitle} actions={isThere && <Opener namespace={namespace} name={name} />}>
              <div className="flex justify-center">
                {isThere ? (
                  <Preview
                    key={current.etag}
                    namespace={namespace}
                    name={name}
                    type={current.content_type}
                    size={current.size}
                    etag={current.etag}
                  />
                ) : (
                  <div className="flex flex-col items-center gap-3">
                    <p className="text-dim">{words.gone}</p>
                    <ButtonLink {...inFolder}>{words.back}</ButtonLink>
                  </div>
                )}
              </div>
            </Section>
            <div className="flex flex-col gap-5">
              {isThere && <FileFacts current={current} address={owner.data?.visibility === 1 ? addressOf(namespace, name) : undefined} />}
              {(versions.length > 1 || !isThere) && <FileVersions versions={versions} />}
            </div>
          </div>
        )}
      </Loaded>
      {dialog === "share" && <ShareDialog namespace={namespace} name={name} onClose={() => setDialog(undefined)} />}
      <Confirm
        isOpen={dialog === "delete"}
        onClose={() => setDialog(undefined)}
        title={files.removing.titleOne(lastPart(name))}
        action={words.remove}
        onConfirm={remove}
      >
        {(owner.data?.versioning === "enabled" ? files.removing.versioned : files.removing.what)(1, bytes(current?.size ?? 0))}
      </Confirm>
    </Page>
  )
}

const Opener = ({ namespace, name }: { namespace: string; name: string }) => (
  <LinkAway href={addressOf(namespace, name)} isNewTab isSmall icon={<ExternalLink aria-hidden className="size-4" />}>
    {words.open}
  </LinkAway>
)

const FileFacts = ({ current, address }: { current: Version; address: string | undefined }) => (
  <Section title={words.facts}>
    <Facts>
      <Fact name={words.size}>
        {bytes(current.size)}
        {current.size >= 1024 && <span className="text-sm text-dim tabular-nums"> ({files.exactBytes(current.size)})</span>}
      </Fact>
      <Fact name={words.type}>{current.content_type}</Fact>
      <Fact name={words.modified}>
        <Time at={current.created_at} />
      </Fact>
      <Fact name={words.etag}>
        <Code text={current.etag.replaceAll('"', "")} />
      </Fact>
      <Fact name={words.hash}>
        {current.sha256 === null ? <span className="text-dim">{words.noHash}</span> : <Code text={current.sha256} />}
      </Fact>
      {address !== undefined && (
        <Fact name={words.publicAddress}>
          <Code text={new URL(address, location.origin).href} />
        </Fact>
      )}
    </Facts>
  </Section>
)

/** The files that stand before and after it in its folder, as far as one page of the folder tells. */
function Neighbours({ namespace, name }: { namespace: string; name: string }) {
  const prefix = folderOf(name)
  const { data = [] } = useQuery({
    queryKey: ["files", "beside", namespace, prefix],
    queryFn: ({ signal }) => listFiles({ namespace, prefix, delimiter: "/" }, signal),
  })
  const all = data.filter((entry): entry is FileEntry => !entry.is_folder)
  const at = all.findIndex((entry) => entry.name === name)
  if (at < 0 || all.length < 2) return null
  const to = (entry: FileEntry | undefined, label: string, icon: React.ReactNode) =>
    entry !== undefined && (
      <ButtonLink
        kind="quiet"
        to={"/files/in/$namespace/file" as string}
        params={{ namespace } as never}
        search={{ name: entry.name } as never}
        icon={icon}
        className="min-w-9 px-0!"
      >
        <span className="sr-only">{`${label}: ${lastPart(entry.name)}`}</span>
      </ButtonLink>
    )
  return (
    <>
      {to(all[at - 1], words.before, <ChevronLeft aria-hidden className="size-5" />)}
      {to(all[at + 1], words.after, <ChevronRight aria-hidden className="size-5" />)}
    </>
  )
}
