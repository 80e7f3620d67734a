import { useMutation } from "@tanstack/react-query"
import { useNavigate } from "@tanstack/react-router"
import { type FormEvent, useState } from "react"
import { ask } from "../../data/api"
import { refresh } from "../../data/queries"
import { useSession } from "../../data/session"
import { Button, ButtonLink } from "../../parts/button"
import { Actions } from "../../parts/dialog"
import { TextField } from "../../parts/field"
import { Page } from "../../parts/page"
import { access } from "../../words/access"
import { shell } from "../../words/shell"
import { tokens } from "../../words/tokens"
import { FormFault } from "../../parts/form-fault"
import type { ServiceAccount } from "./queries"
import { toScopes } from "./scope-grants"
import { ScopePicker } from "./scope-picker"
import { useGrants } from "./use-grants"

const crumbs = [
  { to: "/access", label: access.title },
  { to: "/access/tokens", label: access.tabs.tokens },
]

/** A service account: a name and scopes; its tokens are made on its own page. */
export function NewAccountPage() {
  const { user_id: personId } = useSession()
  const navigate = useNavigate()
  const [name, setName] = useState("")
  const picked = useGrants([])
  const create = useMutation({
    mutationFn: () => ask<ServiceAccount>("POST", "/api/service-accounts", { name, scopes: toScopes(picked.grants, personId) }),
    onSuccess: async ({ id }) => {
      await refresh("access")
      await navigate({ to: "/access/tokens/accounts/$id", params: { id } as never, replace: true })
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (picked.check()) create.mutate()
  }
  return (
    <Page title={tokens.newAccount} lead={tokens.accountsLead} crumbs={crumbs}>
      <form onSubmit={submit} className="flex max-w-3xl flex-col gap-6">
        <TextField
          label={tokens.name}
          hint={tokens.accountHint}
          required
          autoFocus
          maxLength={64}
          autoComplete="off"
          className="sm:max-w-sm"
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
        <ScopePicker {...picked} />
        <FormFault error={create.error} />
        <Actions>
          <ButtonLink to="/access/tokens">{shell.cancel}</ButtonLink>
          <Button kind="primary" type="submit" isBusy={create.isPending}>
            {tokens.createAccount}
          </Button>
        </Actions>
      </form>
    </Page>
  )
}
