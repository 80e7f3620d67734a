import { KeyRound, Plus } from "lucide-react"
import { useState } from "react"
import { ask } from "../../data/api"
import { refresh } from "../../data/queries"
import { useUrlState } from "../../data/url-state"
import { Button } from "../../parts/button"
import { Confirm } from "../../parts/dialog"
import { Loaded } from "../../parts/loaded"
import { Badge, Empty } from "../../parts/status"
import { Cell, Table } from "../../parts/table"
import { Time } from "../../parts/time"
import { toast } from "../../parts/toasts"
import { keyWords, words } from "../../words/applications"
import { ApplicationPage } from "./application-page"
import { applicationsPath, useWhole } from "./data"
import type { Application, Key } from "./model"
import { NewKey } from "./new-key"

/** API keys of an application. */
export function Keys() {
  const [asked, setAsked] = useUrlState("open")
  const add = (
    <Button kind="primary" icon={<Plus aria-hidden className="size-4" />} onClick={() => setAsked("new")}>
      {keyWords.new}
    </Button>
  )
  return (
    <ApplicationPage actions={() => add}>
      {(application) => (
        <>
          <p className="text-dim">{keyWords.lead}</p>
          <Listed application={application} />
          {asked === "new" && <NewKey application={application} onClose={() => setAsked("")} />}
        </>
      )}
    </ApplicationPage>
  )
}

function Listed({ application }: { application: Application }) {
  const path = `${applicationsPath}/${application.id}/keys`
  const keys = useWhole<Key>(path)
  const [ending, setEnding] = useState<Key>()
  return (
    <>
      <Loaded query={keys}>
        {(all) => {
          const [valid, revoked] = [all.filter((key) => key.revoked_at === null), all.filter((key) => key.revoked_at !== null)]
          return (
            <>
              {valid.length === 0 ? (
                <Empty title={keyWords.emptyTitle} icon={<KeyRound aria-hidden className="size-8" />}>
                  {keyWords.empty}
                </Empty>
              ) : (
                <KeyTable label={keyWords.list} keys={valid} onRevoke={setEnding} />
              )}
              {revoked.length > 0 && (
                <details>
                  <summary className="mb-2 w-fit text-dim">{keyWords.revokedList(revoked.length)}</summary>
                  <KeyTable label={keyWords.revokedList(revoked.length)} keys={revoked} />
                </details>
              )}
            </>
          )
        }}
      </Loaded>
      <Confirm
        isOpen={ending !== undefined}
        onClose={() => setEnding(undefined)}
        title={keyWords.revokeTitle(ending?.name ?? "")}
        action={keyWords.revokeAction}
        onConfirm={async () => {
          await ask("DELETE", `${path}/${ending?.id}`)
          await refresh("applications")
          toast(keyWords.revoked(ending?.name ?? ""))
        }}
      >
        {keyWords.revokeWhat}
      </Confirm>
    </>
  )
}

function KeyTable({ label, keys, onRevoke }: { label: string; keys: Key[]; onRevoke?: (key: Key) => void }) {
  const { head } = keyWords
  return (
    <Table
      label={label}
      hasActions={onRevoke !== undefined}
      head={[
        head.name,
        head.key,
        head.scopes,
        head.used,
        onRevoke ? head.made : keyWords.revokedAt,
        ...(onRevoke ? [<span className="sr-only">{words.rowActions}</span>] : []),
      ]}
    >
      {keys.map((key) => (
        <tr key={key.id}>
          <Cell className="font-medium">{key.name}</Cell>
          <Cell>
            <code className="whitespace-nowrap">
              sk_{key.environment}_…{key.last4}
            </code>
          </Cell>
          <Cell>
            <span className="flex flex-wrap gap-1">
              {key.scopes.map((scope) => (
                <Badge key={scope}>{scope}</Badge>
              ))}
            </span>
          </Cell>
          <Cell className="text-dim">{key.last_used_at === null ? keyWords.never : <Time at={key.last_used_at} />}</Cell>
          <Cell className="text-dim">
            <Time at={key.revoked_at ?? key.created_at} />
          </Cell>
          {onRevoke && (
            <Cell className="text-right">
              <Button small aria-label={keyWords.revokeName(key.name)} onClick={() => onRevoke(key)}>
                {keyWords.revoke}
              </Button>
            </Cell>
          )}
        </tr>
      ))}
    </Table>
  )
}
