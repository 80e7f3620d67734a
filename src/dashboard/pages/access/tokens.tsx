import { useQuery } from "@tanstack/react-query"
import { Link } from "@tanstack/react-router"
import { ChevronRight, KeyRound } from "lucide-react"
import { useUrlState } from "../../data/url-state"
import { ButtonLink } from "../../parts/button"
import { SearchBox } from "../../parts/field"
import { Loaded } from "../../parts/loaded"
import { LongList } from "../../parts/long-list"
import { Empty, SkeletonRows } from "../../parts/status"
import { access } from "../../words/access"
import { tokens } from "../../words/tokens"
import { AccessFrame } from "./frame"
import { accountsQuery, type ServiceAccount, type Token, tokensQuery } from "./queries"
import { ScopeList, type ThingsOf } from "./scope-list"
import { useThings } from "./things"
import { TokenList } from "./token-list"

const searchFrom = 8

/** API tokens of one's own, and service accounts. */
export function Tokens() {
  const things = useThings()
  const query = useQuery(tokensQuery)
  const own = (query.data ?? []).filter((token) => token.service_account_id === undefined)
  const create = (
    <ButtonLink kind="primary" to="/access/tokens/new">
      {tokens.newToken}
    </ButtonLink>
  )
  return (
    <AccessFrame title={access.tabs.tokens} lead={tokens.lead} actions={own.length > 0 && create}>
      <Loaded query={query} skeleton={<SkeletonRows rows={3} className="h-16" />}>
        {() =>
          own.length === 0 ? (
            <Empty title={tokens.emptyTitle} icon={<KeyRound aria-hidden className="size-6" />} action={create}>
              {tokens.empty}
            </Empty>
          ) : (
            <OwnTokens list={own} things={things} />
          )
        }
      </Loaded>
      <Accounts things={things} />
    </AccessFrame>
  )
}

function OwnTokens({ list, things }: { list: Token[]; things: ThingsOf }) {
  const [text, setText] = useUrlState("q")
  const found = list.filter(({ name, id }) => `${name} ${id}`.toLowerCase().includes(text.trim().toLowerCase()))
  return (
    <section className="flex flex-col gap-3">
      {(list.length > searchFrom || text !== "") && (
        <SearchBox label={tokens.search} value={text} onChange={setText} className="sm:max-w-xs" />
      )}
      {found.length === 0 ? <p className="text-dim">{tokens.none}</p> : <TokenList label={tokens.list} list={found} things={things} />}
    </section>
  )
}

function Accounts({ things }: { things: ThingsOf }) {
  const query = useQuery(accountsQuery)
  return (
    <section className="mt-3 flex flex-col gap-3">
      <div className="flex flex-wrap items-start gap-x-4 gap-y-2">
        <div className="min-w-0 flex-1 basis-64">
          <h2 className="text-lg font-semibold">{tokens.accounts}</h2>
          <p className="text-dim">{tokens.accountsLead}</p>
        </div>
        <ButtonLink to="/access/tokens/new-account">{tokens.newAccount}</ButtonLink>
      </div>
      <Loaded query={query} skeleton={<SkeletonRows rows={2} className="h-16" />}>
        {(accounts) =>
          accounts.length === 0 ? (
            <p className="rounded-lg border border-dashed border-edge px-4 py-6 text-center text-dim">{tokens.accountEmpty}</p>
          ) : (
            <LongList label={tokens.accounts} items={accounts} idOf={({ id }) => id} rowHeight={64}>
              {(account) => <AccountRow account={account} things={things} />}
            </LongList>
          )
        }
      </Loaded>
    </section>
  )
}

const AccountRow = ({ account, things }: { account: ServiceAccount; things: ThingsOf }) => (
  <Link to="/access/tokens/accounts/$id" params={{ id: account.id } as never} className="flex items-center gap-3 px-4 py-3">
    <span className="grid min-w-0 flex-1 gap-x-6 gap-y-1 md:grid-cols-[minmax(0,2fr)_minmax(0,3fr)_minmax(0,2fr)]">
      <span className="min-w-0 font-medium [overflow-wrap:anywhere]">{account.name}</span>
      <span className="min-w-0 text-sm">
        <ScopeList scopes={account.scopes} things={things} />
      </span>
      <span className="text-sm text-dim">{tokens.count(account.token_count)}</span>
    </span>
    <ChevronRight aria-hidden className="size-4 text-dim" />
  </Link>
)
