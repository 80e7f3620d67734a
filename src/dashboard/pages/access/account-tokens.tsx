import { useMutation, useQuery } from "@tanstack/react-query"
import { type FormEvent, useState } from "react"
import { ask } from "../../data/api"
import { refresh } from "../../data/queries"
import { useUrlState } from "../../data/url-state"
import { Button } from "../../parts/button"
import { Actions } from "../../parts/dialog"
import { Loaded } from "../../parts/loaded"
import { shell } from "../../words/shell"
import { tokens } from "../../words/tokens"
import { FormFault } from "../../parts/form-fault"
import { accountTokensQuery, type NewToken, type ServiceAccount } from "./queries"
import { newInput, TokenFields } from "./token-fields"
import { TokenList } from "./token-list"
import { TokenShown } from "./token-shown"

/** The tokens of a service account; a new one is shown here, once. */
export function AccountTokens({ account }: { account: ServiceAccount }) {
  const query = useQuery(accountTokensQuery(account.id))
  const [add, setAdd] = useUrlState("add")
  const [made, setMade] = useState<NewToken>()
  const isAdding = add === "token" && made === undefined
  return (
    <section className="flex flex-col gap-3">
      <div className="flex flex-wrap items-center gap-3">
        <h2 className="flex-1 text-lg font-semibold">{tokens.accountTokens}</h2>
        {!isAdding && made === undefined && <Button onClick={() => setAdd("token")}>{tokens.newToken}</Button>}
      </div>
      {isAdding && (
        <TokenForm
          account={account}
          onCancel={() => setAdd("")}
          onMade={(token) => {
            setAdd("")
            setMade(token)
          }}
        />
      )}
      {made !== undefined && <TokenShown token={made} scopes={account.scopes} onDone={() => setMade(undefined)} />}
      <Loaded query={query}>
        {(list) =>
          list.length === 0 ? (
            <p className="rounded-lg border border-dashed border-edge px-4 py-6 text-center text-dim">{tokens.accountTokensEmpty}</p>
          ) : (
            <TokenList label={tokens.accountTokens} list={list} />
          )
        }
      </Loaded>
    </section>
  )
}

type FormProps = { account: ServiceAccount; onCancel: () => void; onMade: (token: NewToken) => void }

function TokenForm({ account, onCancel, onMade }: FormProps) {
  const [input, setInput] = useState(newInput)
  const create = useMutation({
    mutationFn: () => ask<NewToken>("POST", `/api/service-accounts/${encodeURIComponent(account.id)}/tokens`, input),
    onSuccess: async (token) => {
      onMade(token)
      await refresh("access")
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    create.mutate()
  }
  return (
    <form onSubmit={submit} className="flex flex-col gap-4 rounded-lg border border-line bg-card p-4">
      <TokenFields input={input} onChange={setInput} />
      <FormFault error={create.error} />
      <Actions>
        <Button onClick={onCancel}>{shell.cancel}</Button>
        <Button kind="primary" type="submit" isBusy={create.isPending}>
          {tokens.create}
        </Button>
      </Actions>
    </form>
  )
}
