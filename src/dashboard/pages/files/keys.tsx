import { useQuery } from "@tanstack/react-query"
import { KeyRound, Plus } from "lucide-react"
import { useState } from "react"
import { ask } from "../../data/api"
import { refresh } from "../../data/queries"
import { useUrlState } from "../../data/url-state"
import { Button } from "../../parts/button"
import { Code } from "../../parts/copy"
import { Confirm } from "../../parts/dialog"
import { Loaded } from "../../parts/loaded"
import { Page } from "../../parts/page"
import { Empty } from "../../parts/status"
import { Cell, Table } from "../../parts/table"
import { Time } from "../../parts/time"
import { toast } from "../../parts/toasts"
import { files } from "../../words/files"
import { CreateKey } from "./create-key"
import { statusQuery } from "./model"
import { FilesTabs } from "./tabs"

const words = files.key

type Key = { id: string; name: string; scopes: Record<string, string[]> | null; created_at: number; last_used_at: number }

/** Access keys of the S3 door. */
export function Keys() {
  const query = useQuery({
    queryKey: ["files", "keys"],
    queryFn: ({ signal }) => ask<Key[]>("GET", "/storage/keys", undefined, { signal }),
  })
  const status = useQuery(statusQuery)
  const [isNew, setNew] = useUrlState("new")
  const [going, setGoing] = useState<Key>()
  const create = (
    <Button kind="primary" icon={<Plus aria-hidden className="size-4" />} onClick={() => setNew("1")}>
      {words.create}
    </Button>
  )
  return (
    <Page title={files.keys} crumbs={[{ label: files.title, to: "/files" }]} lead={words.lead} actions={create}>
      <FilesTabs />
      <div className="flex min-h-7 flex-wrap items-center gap-x-2">
        <span className="text-dim">{words.endpoint}</span>
        {status.data !== undefined && <Code text={status.data.s3_endpoint} />}
      </div>
      <Loaded query={query}>
        {(keys) =>
          keys.length === 0 ? (
            <Empty title={words.emptyTitle} icon={<KeyRound aria-hidden className="size-8" />} action={create}>
              {words.empty}
            </Empty>
          ) : (
            <Table
              label={words.list}
              head={words.columns.map((column) => column || <span className="sr-only">{words.actions}</span>)}
              hasActions
            >
              {keys.map((key) => (
                <tr key={key.id}>
                  <Cell className="min-w-28 font-medium">{key.name}</Cell>
                  <Cell>
                    <Code text={key.id} className="min-w-52" />
                  </Cell>
                  <Cell>{reachOf(key.scopes)}</Cell>
                  <Cell>
                    <Time at={key.created_at} />
                  </Cell>
                  <Cell>{key.last_used_at === 0 ? <span className="text-dim">{words.never}</span> : <Time at={key.last_used_at} />}</Cell>
                  <Cell className="text-right">
                    <Button small kind="danger" onClick={() => setGoing(key)}>
                      {words.remove}
                      <span className="sr-only"> {key.name}</span>
                    </Button>
                  </Cell>
                </tr>
              ))}
            </Table>
          )
        }
      </Loaded>
      {isNew !== "" && <CreateKey onClose={() => setNew("")} />}
      <Confirm
        isOpen={going !== undefined}
        onClose={() => setGoing(undefined)}
        title={words.removeTitle(going?.name ?? "")}
        action={words.remove}
        onConfirm={async () => {
          await ask("DELETE", `/storage/keys/${going?.id}`)
          await refresh("files")
          toast(words.removed(going?.name ?? ""))
        }}
      >
        {words.removeWhat}
      </Confirm>
    </Page>
  )
}

/** What a key may use, in words; of scopes that no picker makes, the scopes. */
function reachOf(scopes: Key["scopes"]): string {
  if (scopes === null) return words.everything
  const paths = Object.keys(scopes)
  const places = new Set(paths.map((path) => path.split(".").slice(3).join(".")))
  const [place = ""] = places
  const actions = new Set(Object.values(scopes).flat())
  if (places.size > 1 || paths.some((path) => path.split(".").length < 3)) return paths.join(", ")
  const where = place === "" ? words.all : place
  return actions.size === 1 && actions.has("read") ? words.onlyRead(where) : where
}
