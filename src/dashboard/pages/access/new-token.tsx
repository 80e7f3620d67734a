import { useMutation } from "@tanstack/react-query"
import { useNavigate } from "@tanstack/react-router"
import { type FormEvent, useState } from "react"
import { ask } from "../../data/api"
import { refresh } from "../../data/queries"
import { useSession } from "../../data/session"
import { Button, ButtonLink } from "../../parts/button"
import { Actions } from "../../parts/dialog"
import { Page } from "../../parts/page"
import { access } from "../../words/access"
import { shell } from "../../words/shell"
import { tokens } from "../../words/tokens"
import { FormFault } from "../../parts/form-fault"
import type { NewToken } from "./queries"
import { toScopes } from "./scope-grants"
import { ScopePicker } from "./scope-picker"
import { newInput, TokenFields } from "./token-fields"
import { TokenShown } from "./token-shown"
import { useGrants } from "./use-grants"

const crumbs = [
  { to: "/access", label: access.title },
  { to: "/access/tokens", label: access.tabs.tokens },
]

/** A token with scopes of its own. */
export function NewTokenPage() {
  const { user_id: personId } = useSession()
  const navigate = useNavigate()
  const [input, setInput] = useState(newInput)
  const picked = useGrants([])
  const scopes = toScopes(picked.grants, personId)
  const create = useMutation({
    mutationFn: () => ask<NewToken>("POST", "/api/tokens", { ...input, scopes }),
    onSuccess: () => refresh("access"),
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (picked.check()) create.mutate()
  }
  return (
    <Page title={tokens.newToken} crumbs={crumbs}>
      {create.data === undefined ? (
        <form onSubmit={submit} className="flex max-w-3xl flex-col gap-6">
          <TokenFields input={input} onChange={setInput} />
          <ScopePicker {...picked} />
          <FormFault error={create.error} />
          <Actions>
            <ButtonLink to="/access/tokens">{shell.cancel}</ButtonLink>
            <Button kind="primary" type="submit" isBusy={create.isPending}>
              {tokens.create}
            </Button>
          </Actions>
        </form>
      ) : (
        <div className="max-w-3xl">
          <TokenShown token={create.data} scopes={scopes} onDone={() => void navigate({ to: "/access/tokens" })} />
        </div>
      )}
    </Page>
  )
}
