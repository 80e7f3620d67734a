import { useQuery } from "@tanstack/react-query"
import { Link } from "@tanstack/react-router"
import { Database, Plus, Settings2, Trash2 } from "lucide-react"
import { useState } from "react"
import { useUrlState } from "../../data/url-state"
import { Button } from "../../parts/button"
import { SearchBox } from "../../parts/field"
import { Loaded } from "../../parts/loaded"
import { LongList } from "../../parts/long-list"
import { Menu } from "../../parts/menu"
import { Page } from "../../parts/page"
import { Badge, Empty } from "../../parts/status"
import { bytes } from "../../parts/time"
import { router } from "../../router"
import { offerCommands } from "../../shell/commands"
import { files } from "../../words/files"
import { CreateNamespace } from "./create-namespace"
import { DeleteNamespace } from "./delete-namespace"
import { Meter } from "../../parts/meter"
import { type Namespace, namespacesQuery } from "./model"
import { NamespaceSettings } from "./namespace-settings"
import { FilesTabs } from "./tabs"
import { UseOfStorage } from "./use-of-storage"

offerCommands((client) => [
  { label: files.newNamespace, kind: files.title, run: () => void router.navigate({ to: "/files", search: { new: "1" } as never }) },
  { label: files.keys, kind: files.title, to: "/files/keys" },
  ...(client.getQueryData<Namespace[]>(namespacesQuery.queryKey) ?? []).map(({ name }) => ({
    label: name,
    kind: files.key.namespace,
    to: `/files/in/${name}`,
  })),
])

/** The person's namespaces, and what they use. */
export function Namespaces() {
  const query = useQuery(namespacesQuery)
  const [filter, setFilter] = useUrlState("q")
  const [isNew, setNew] = useUrlState("new")
  const [dialog, setDialog] = useState<{ kind: "settings" | "delete"; of: Namespace }>()
  const close = () => setDialog(undefined)
  const create = (
    <Button kind="primary" icon={<Plus aria-hidden className="size-4" />} onClick={() => setNew("1")}>
      {files.newNamespace}
    </Button>
  )
  return (
    <Page title={files.title} actions={create}>
      <FilesTabs />
      <UseOfStorage />
      <Loaded query={query}>
        {(all) => {
          const shown = all.filter(({ name }) => name.toLowerCase().includes(filter.toLowerCase()))
          if (all.length === 0)
            return (
              <Empty title={files.emptyTitle} icon={<Database aria-hidden className="size-8" />} action={create}>
                {files.empty}
              </Empty>
            )
          return (
            <div className="flex flex-col gap-3">
              {(all.length > 8 || filter !== "") && (
                <SearchBox label={files.filter} value={filter} onChange={setFilter} className="sm:max-w-72" />
              )}
              {shown.length === 0 ? (
                <p role="status" className="text-dim">
                  {files.noneFound(filter)}
                </p>
              ) : (
                <LongList label={files.namespaces} items={shown} idOf={({ name }) => name} rowHeight={50}>
                  {(namespace) => <Row namespace={namespace} open={(kind) => setDialog({ kind, of: namespace })} />}
                </LongList>
              )}
            </div>
          )
        }}
      </Loaded>
      {isNew !== "" && <CreateNamespace onClose={() => setNew("")} />}
      {dialog?.kind === "settings" && <NamespaceSettings namespace={dialog.of} onClose={close} />}
      {dialog?.kind === "delete" && <DeleteNamespace namespace={dialog.of} onClose={close} />}
    </Page>
  )
}

function Row({ namespace, open }: { namespace: Namespace; open: (kind: "settings" | "delete") => void }) {
  const { name, count, bytes: size, quota_bytes: quota, visibility } = namespace
  const amount = quota === null ? bytes(size) : `${bytes(size)} ${files.use.ofQuota(bytes(quota))}`
  return (
    <div className="flex min-h-12 items-center gap-3 px-4 py-1.5">
      <div className="min-w-0 flex-1">
        <div className="flex items-center gap-2">
          <Link
            to={"/files/in/$namespace" as string}
            params={{ namespace: name } as never}
            className="truncate font-medium hover:underline"
          >
            {name}
          </Link>
          <Badge tone={visibility === 1 ? "info" : "neutral"}>
            {visibility === 1 ? files.visibility.public : files.visibility.private}
          </Badge>
        </div>
        <p className="text-sm text-dim tabular-nums sm:hidden">
          {files.files(count)} · {amount}
        </p>
      </div>
      <span className="hidden w-28 text-right text-dim tabular-nums sm:block">{files.files(count)}</span>
      <span className="hidden w-44 flex-col gap-1 text-right text-dim tabular-nums sm:flex">
        {amount}
        {quota !== null && <Meter label={name} value={quota === 0 ? 1 : size / quota} text={amount} />}
      </span>
      <Menu
        label={files.actionsOf(name)}
        items={[
          { label: files.settings, icon: <Settings2 aria-hidden className="size-4" />, onSelect: () => open("settings") },
          { label: files.remove, icon: <Trash2 aria-hidden className="size-4" />, isDanger: true, onSelect: () => open("delete") },
        ]}
      />
    </div>
  )
}
