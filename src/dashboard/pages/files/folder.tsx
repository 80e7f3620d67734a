import { useQuery } from "@tanstack/react-query"
import { Link, useParams } from "@tanstack/react-router"
import { Settings2, Trash2, Upload } from "lucide-react"
import { useState } from "react"
import { useSession } from "../../data/session"
import { useUrlState } from "../../data/url-state"
import { Loaded } from "../../parts/loaded"
import { Menu } from "../../parts/menu"
import { Page } from "../../parts/page"
import { Badge } from "../../parts/status"
import { bytes } from "../../parts/time"
import { files } from "../../words/files"
import { DeleteNamespace } from "./delete-namespace"
import { useDrop } from "./drop"
import { FolderEntries } from "./folder-entries"
import { type Namespace, namespaceQuery } from "./model"
import { NamespaceSettings } from "./namespace-settings"
import { UnfinishedNotice } from "./uploads/unfinished-notice"
import { UploadButtons } from "./uploads/upload-buttons"
import { uploads } from "./uploads/queue"
import type { Chosen } from "./uploads/model"

/** A namespace, or a folder in it: what lies there, and what can be put there. */
export function Folder() {
  const { namespace: name = "" } = useParams({ strict: false }) as { namespace?: string }
  const [prefix] = useUrlState("prefix")
  const query = useQuery(namespaceQuery(name))
  return (
    <Loaded query={query} skeleton={<Page title={name}>{null}</Page>}>
      {(namespace) => <InFolder key={`${name}/${prefix}`} namespace={namespace} prefix={prefix} />}
    </Loaded>
  )
}

function InFolder({ namespace, prefix }: { namespace: Namespace; prefix: string }) {
  const { name, visibility, count, bytes: size } = namespace
  const { user_id: person } = useSession()
  const [dialog, setDialog] = useState<"settings" | "delete">()
  const place = `${name}/${prefix}`
  const add = (chosen: Chosen[]) => uploads.add(person, name, prefix, chosen)
  const isOver = useDrop(add)
  return (
    <Page
      title={name}
      crumbs={[{ label: files.title, to: "/files" }]}
      lead={
        <span className="flex flex-wrap items-center gap-x-2">
          <Badge tone={visibility === 1 ? "info" : "neutral"}>
            {visibility === 1 ? files.visibility.public : files.visibility.private}
          </Badge>
          <span className="tabular-nums">
            {files.files(count)}, {bytes(size)}
          </span>
        </span>
      }
      actions={
        <>
          <UploadButtons onFiles={add} />
          <Menu
            label={files.actionsOf(name)}
            items={[
              { label: files.settings, icon: <Settings2 aria-hidden className="size-4" />, onSelect: () => setDialog("settings") },
              { label: files.remove, icon: <Trash2 aria-hidden className="size-4" />, isDanger: true, onSelect: () => setDialog("delete") },
            ]}
          />
        </>
      }
    >
      <UnfinishedNotice person={person} namespace={name} />
      <Folders namespace={name} prefix={prefix} />
      <FolderEntries namespace={namespace} prefix={prefix} />
      {isOver && (
        <div className="pointer-events-none fixed inset-0 z-40 flex items-center justify-center bg-black/45 p-6">
          <p className="flex items-center gap-3 rounded-lg border-2 border-dashed border-accent bg-card px-6 py-5 text-lg font-medium">
            <Upload aria-hidden className="size-6 text-accent" />
            {files.folder.drop(place)}
          </p>
        </div>
      )}
      {dialog === "settings" && <NamespaceSettings namespace={namespace} onClose={() => setDialog(undefined)} />}
      {dialog === "delete" && <DeleteNamespace namespace={namespace} onClose={() => setDialog(undefined)} />}
    </Page>
  )
}

/** The way down to the folder; each step leads back. */
export function Folders({ namespace, prefix }: { namespace: string; prefix: string }) {
  const parts = prefix.split("/").slice(0, -1)
  if (prefix === "") return null
  const steps = [
    { label: namespace, at: "" },
    ...parts.map((label, index) => ({ label: label || "/", at: `${parts.slice(0, index + 1).join("/")}/` })),
  ]
  return (
    <nav aria-label={files.folder.crumbs} className="flex flex-wrap items-center gap-x-1.5 gap-y-1">
      {steps.map(({ label, at }, index) => {
        const isHere = at === prefix
        return (
          <span key={at} className="flex min-w-0 items-center gap-1.5">
            {index > 0 && (
              <span aria-hidden className="text-dim">
                /
              </span>
            )}
            {isHere ? (
              <span aria-current="page" className="font-medium [overflow-wrap:anywhere]">
                {label}
              </span>
            ) : (
              <Link
                to={"/files/in/$namespace" as string}
                params={{ namespace } as never}
                search={(at === "" ? {} : { prefix: at }) as never}
                className="text-accent [overflow-wrap:anywhere] hover:underline"
              >
                {label}
              </Link>
            )}
          </span>
        )
      })}
    </nav>
  )
}
