import { useQuery } from "@tanstack/react-query"
import { useNavigate, useParams } from "@tanstack/react-router"
import { Download, FolderInput, Pencil, Share2, Trash2 } from "lucide-react"
import { useState } from "react"
import { ApiFault } from "../../data/api"
import { refresh } from "../../data/queries"
import { useUrlState } from "../../data/url-state"
import { Button, ButtonLink } from "../../parts/button"
import { Confirm, Dialog } from "../../parts/dialog"
import { Loaded } from "../../parts/loaded"
import { Menu } from "../../parts/menu"
import { Page } from "../../parts/page"
import { Skeleton } from "../../parts/status"
import { bytes } from "../../parts/time"
import { toast } from "../../parts/toasts"
import { versions as versionWords } from "../../words/file-versions"
import { files } from "../../words/files"
import { moving } from "../../words/files-moving"
import { removeFile } from "./delete-files"
import { FileFacts } from "./file-facts"
import { FileVersions } from "./file-versions"
import { Folders } from "./folder"
import { LinkAway } from "./link-away"
import { addressOf, folderOf, lastPart, namespaceQuery } from "./model"
import { MoveFiles } from "./move-files"
import { Neighbours } from "./neighbours"
import { RenameField } from "./rename-field"
import { ShareDialog } from "./share-dialog"
import { Shown } from "./shown-version"
import { removeVersion, restoreVersion, type Version, versionsQuery } from "./versions"

const words = files.file

/** One file: what it looks like, what is known of it, and what can be done with it. */
export function File() {
  const { namespace = "" } = useParams({ strict: false }) as { namespace?: string }
  const [name] = useUrlState("name")
  const [versionId] = useUrlState("version")
  const [dialog, setDialog] = useState<"share" | "delete" | "rename" | "move">()
  const navigate = useNavigate()
  const prefix = folderOf(name)
  const owner = useQuery(namespaceQuery(namespace))
  const query = useQuery(versionsQuery(namespace, name))
  const inFolder = {
    to: "/files/in/$namespace" as string,
    params: { namespace } as never,
    search: (prefix === "" ? {} : { prefix }) as never,
  }
  const remove = async () => {
    await removeFile(namespace, name)
    await navigate(inFolder)
    await refresh("files")
    const latest = current?.version_id
    const undo = () => void orTell(() => restoreVersion(namespace, name, latest ?? ""))
    toast(files.removing.done(1), isVersioned && latest !== undefined ? undo : undefined)
  }
  const restore = (version: Version) =>
    orTell(async () => {
      const made = await restoreVersion(namespace, name, version.version_id)
      await navigate({ to: ".", search: { name } as never, replace: true })
      toast(versionWords.restored, isVersioned ? () => void orTell(() => removeVersion(namespace, name, made)) : undefined)
    })
  const current = query.data?.[0]
  const isVersioned = owner.data?.versioning === "enabled"
  const isThere = current !== undefined && !current.is_delete_marker
  return (
    <Page
      title={lastPart(name)}
      crumbs={[{ label: files.title, to: "/files" }]}
      actions={
        isThere && (
          <>
            <Neighbours namespace={namespace} name={name} />
            <LinkAway
              href={addressOf(namespace, name, "download/")}
              isDownload
              icon={<Download aria-hidden className="size-4 max-sm:hidden" />}
            >
              {words.download}
            </LinkAway>
            <Button icon={<Share2 aria-hidden className="size-4 max-sm:hidden" />} onClick={() => setDialog("share")}>
              {words.share}
            </Button>
            <Menu
              label={files.actionsOf(lastPart(name))}
              items={[
                { label: moving.rename, icon: <Pencil aria-hidden className="size-4" />, onSelect: () => setDialog("rename") },
                { label: moving.move, icon: <FolderInput aria-hidden className="size-4" />, onSelect: () => setDialog("move") },
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
        {(versions) => {
          const shown = versionId === "" ? current : versions.find(({ version_id: id }) => id === versionId)
          const isOlder = versionId !== "" && shown?.is_latest !== true
          return (
            <div className="grid items-start gap-5 lg:grid-cols-[minmax(0,1fr)_20rem]">
              <Shown
                namespace={namespace}
                name={name}
                version={shown}
                isOlder={isOlder}
                onRestore={restore}
                away={<ButtonLink {...inFolder}>{words.back}</ButtonLink>}
              />
              <div className="flex flex-col gap-5">
                {shown !== undefined && !shown.is_delete_marker && (
                  <FileFacts current={shown} address={owner.data?.visibility === 1 && !isOlder ? addressOf(namespace, name) : undefined} />
                )}
                {(versions.length > 1 || !isThere) && (
                  <FileVersions
                    namespace={namespace}
                    name={name}
                    versions={versions}
                    shown={shown?.version_id}
                    onRestore={(version) => void restore(version)}
                  />
                )}
              </div>
            </div>
          )
        }}
      </Loaded>
      {dialog === "rename" && (
        <Dialog isOpen onClose={() => setDialog(undefined)} title={moving.renameTitle(lastPart(name))}>
          <RenameField
            namespace={namespace}
            name={name}
            onCancel={() => setDialog(undefined)}
            onDone={(to) => {
              setDialog(undefined)
              void navigate({ to: ".", search: { name: to } as never, replace: true })
            }}
          />
        </Dialog>
      )}
      {dialog === "move" && owner.data !== undefined && (
        <MoveFiles
          namespace={owner.data}
          entries={[{ name }]}
          onClose={() => setDialog(undefined)}
          onDone={(place) =>
            void navigate({
              to: "/files/in/$namespace/file" as string,
              params: { namespace: place.namespace } as never,
              search: { name: place.prefix + lastPart(name) } as never,
              replace: true,
            })
          }
        />
      )}
      {dialog === "share" && <ShareDialog namespace={namespace} name={name} onClose={() => setDialog(undefined)} />}
      <Confirm
        isOpen={dialog === "delete"}
        onClose={() => setDialog(undefined)}
        title={files.removing.titleOne(lastPart(name))}
        action={words.remove}
        onConfirm={remove}
      >
        {(isVersioned ? files.removing.versioned : files.removing.what)(1, bytes(current?.size ?? 0))}
      </Confirm>
    </Page>
  )
}

/** Does it, looks at all files again, and says so where it was refused. */
async function orTell(act: () => Promise<unknown>): Promise<void> {
  try {
    await act()
  } catch (error) {
    if (!(error instanceof ApiFault)) throw error
    toast(files.refused(error.message))
  } finally {
    await refresh("files")
  }
}
