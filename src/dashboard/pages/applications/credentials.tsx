import { Landmark, Plus } from "lucide-react"
import { useState } from "react"
import { ask } from "../../data/api"
import { useProviders } from "../../data/providers"
import { refresh } from "../../data/queries"
import { useUrlState } from "../../data/url-state"
import { Button } from "../../parts/button"
import { Confirm } from "../../parts/dialog"
import { Loaded } from "../../parts/loaded"
import { Badge, Empty } from "../../parts/status"
import { Cell, Table } from "../../parts/table"
import { Time } from "../../parts/time"
import { toast } from "../../parts/toasts"
import { credentialWords, words } from "../../words/applications"
import { ApplicationPage } from "./application-page"
import { applicationsPath, useOne } from "./data"
import type { Application, Credential, List } from "./model"
import { CredentialDialog } from "./credential-form"

/** DNS credentials of an application's customers. */
export function Credentials() {
  const [asked, setAsked] = useUrlState("open")
  return (
    <ApplicationPage
      actions={() => (
        <Button kind="primary" icon={<Plus aria-hidden className="size-4" />} onClick={() => setAsked("new")}>
          {credentialWords.new}
        </Button>
      )}
    >
      {(application) => (
        <>
          <p className="max-w-prose text-dim">{credentialWords.lead}</p>
          <Listed application={application} />
          {asked === "new" && <CredentialDialog application={application} onClose={() => setAsked("")} />}
        </>
      )}
    </ApplicationPage>
  )
}

function Listed({ application }: { application: Application }) {
  const path = `${applicationsPath}/${application.id}/credentials`
  const credentials = useOne<List<Credential>>(path)
  const providers = useProviders()
  const nameOf = (key: string) => providers.data?.find((one) => one.key === key)?.name ?? key
  const [ending, setEnding] = useState<Credential>()
  const [replaced, setReplaced] = useState<Credential>()
  const { head } = credentialWords
  return (
    <>
      <Loaded query={credentials}>
        {({ data: all }) =>
          all.length === 0 ? (
            <Empty title={credentialWords.emptyTitle} icon={<Landmark aria-hidden className="size-8" />}>
              {credentialWords.empty}
            </Empty>
          ) : (
            <Table
              label={credentialWords.list}
              head={[head.provider, head.outcome, head.used, head.made, <span className="sr-only">{words.rowActions}</span>]}
              hasActions
            >
              {all.map((one) => (
                <tr key={one.id}>
                  <Cell className="font-medium">{nameOf(one.provider)}</Cell>
                  <Cell className="max-w-md">
                    {one.last_error !== null ? (
                      <span className="text-bad">{one.last_error}</span>
                    ) : (
                      <Badge tone={one.last_used_at === null ? "neutral" : "good"}>
                        {one.last_used_at === null ? credentialWords.unused : credentialWords.fine}
                      </Badge>
                    )}
                  </Cell>
                  <Cell className="text-dim">{one.last_used_at === null ? credentialWords.never : <Time at={one.last_used_at} />}</Cell>
                  <Cell className="text-dim">
                    <Time at={one.created_at} />
                  </Cell>
                  <Cell>
                    <div className="flex gap-2 max-sm:flex-col sm:justify-end">
                      <Button small aria-label={credentialWords.replaceName(nameOf(one.provider))} onClick={() => setReplaced(one)}>
                        {credentialWords.replaceShort}
                      </Button>
                      <Button small aria-label={credentialWords.deleteName(nameOf(one.provider))} onClick={() => setEnding(one)}>
                        {credentialWords.delete}
                      </Button>
                    </div>
                  </Cell>
                </tr>
              ))}
            </Table>
          )
        }
      </Loaded>
      {replaced !== undefined && <CredentialDialog application={application} replaced={replaced} onClose={() => setReplaced(undefined)} />}
      <Confirm
        isOpen={ending !== undefined}
        onClose={() => setEnding(undefined)}
        title={credentialWords.deleteTitle(nameOf(ending?.provider ?? ""))}
        action={credentialWords.deleteAction}
        onConfirm={async () => {
          await ask("DELETE", `${path}/${ending?.id}`)
          await refresh("applications")
          toast(credentialWords.deleted)
        }}
      >
        {credentialWords.deleteWhat}
      </Confirm>
    </>
  )
}
