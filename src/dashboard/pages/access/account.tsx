import { useMutation, useQuery } from "@tanstack/react-query"
import { useNavigate, useParams } from "@tanstack/react-router"
import { type FormEvent, useState } from "react"
import { ask } from "../../data/api"
import { queryClient, refresh } from "../../data/queries"
import { useSession } from "../../data/session"
import { useUrlState } from "../../data/url-state"
import { Button } from "../../parts/button"
import { Actions, Confirm } from "../../parts/dialog"
import { Loaded } from "../../parts/loaded"
import { Page, Section } from "../../parts/page"
import { toast } from "../../parts/toasts"
import { access } from "../../words/access"
import { shell } from "../../words/shell"
import { tokens } from "../../words/tokens"
import { AccountTokens } from "./account-tokens"
import { FormFault } from "../../parts/form-fault"
import { accountQuery, accountTokensQuery, type ServiceAccount } from "./queries"
import { toGrants, toScopes } from "./scope-grants"
import { ScopeLines, ScopeList } from "./scope-list"
import { ScopePicker } from "./scope-picker"
import { useThings } from "./things"
import { useGrants } from "./use-grants"

const crumbs = [
  { to: "/access", label: access.title },
  { to: "/access/tokens", label: access.tabs.tokens },
]

/** A service account: its scopes, which can be changed, its tokens, and its end. */
export function AccountPage() {
  const { id = "" } = useParams({ strict: false }) as { id?: string }
  const query = useQuery(accountQuery(id))
  const [isDeleting, setDeleting] = useState(false)
  return (
    <Page
      title={query.data?.name ?? tokens.accounts}
      crumbs={crumbs}
      actions={
        query.data && (
          <Button kind="danger" onClick={() => setDeleting(true)}>
            {tokens.deleteAccount}
          </Button>
        )
      }
    >
      <Loaded query={query}>
        {(account) => (
          <>
            <AccountScopes account={account} />
            <AccountTokens account={account} />
            <Deletion account={account} isOpen={isDeleting} onClose={() => setDeleting(false)} />
          </>
        )}
      </Loaded>
    </Page>
  )
}

function AccountScopes({ account }: { account: ServiceAccount }) {
  const things = useThings()
  const [edit, setEdit] = useUrlState("edit")
  const isEditing = edit === "scopes"
  return (
    <Section
      title={tokens.scopes}
      actions={
        !isEditing && (
          <Button small onClick={() => setEdit("scopes")}>
            {tokens.changeScopes}
          </Button>
        )
      }
    >
      {isEditing ? (
        <ScopeForm account={account} onDone={() => setEdit("")} />
      ) : (
        <div className="grid gap-4 lg:grid-cols-2">
          <ScopeList scopes={account.scopes} things={things} />
          <ScopeLines scopes={account.scopes} />
        </div>
      )}
    </Section>
  )
}

function ScopeForm({ account, onDone }: { account: ServiceAccount; onDone: () => void }) {
  const { user_id: personId } = useSession()
  const picked = useGrants(toGrants(account.scopes))
  const save = useMutation({
    mutationFn: () =>
      ask("PUT", `/api/service-accounts/${encodeURIComponent(account.id)}/scopes`, { scopes: toScopes(picked.grants, personId) }),
    onSuccess: async () => {
      await refresh("access")
      onDone()
      toast(tokens.scopesSaved)
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (picked.check()) save.mutate()
  }
  return (
    <form onSubmit={submit} className="flex max-w-3xl flex-col gap-4">
      <ScopePicker {...picked} />
      <FormFault error={save.error} />
      <Actions>
        <Button onClick={onDone}>{shell.cancel}</Button>
        <Button kind="primary" type="submit" isBusy={save.isPending}>
          {tokens.saveScopes}
        </Button>
      </Actions>
    </form>
  )
}

function Deletion({ account, isOpen, onClose }: { account: ServiceAccount; isOpen: boolean; onClose: () => void }) {
  const navigate = useNavigate()
  const { data: list = [] } = useQuery(accountTokensQuery(account.id))
  return (
    <Confirm
      isOpen={isOpen}
      onClose={onClose}
      title={tokens.deleteAccountTitle(account.name)}
      action={tokens.deleteAccount}
      typed={list.length > 0 ? account.name : undefined}
      onConfirm={async () => {
        await ask("DELETE", `/api/service-accounts/${encodeURIComponent(account.id)}`)
        await navigate({ to: "/access/tokens" })
        queryClient.removeQueries({ queryKey: accountQuery(account.id).queryKey })
        await refresh("access")
        toast(tokens.accountDeleted(account.name))
      }}
    >
      <p>{tokens.deleteAccountText(list.length)}</p>
      {list.length > 0 && (
        <ul className="mt-2 list-disc pl-5">
          {list.map(({ id, name }) => (
            <li key={id}>{name}</li>
          ))}
        </ul>
      )}
    </Confirm>
  )
}
