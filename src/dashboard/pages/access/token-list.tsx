import { Trash2 } from "lucide-react"
import { useState } from "react"
import { ask } from "../../data/api"
import { refresh } from "../../data/queries"
import { IconButton } from "../../parts/button"
import { cx } from "../../parts/classes"
import { Confirm } from "../../parts/dialog"
import { LongList } from "../../parts/long-list"
import { Time } from "../../parts/time"
import { toast } from "../../parts/toasts"
import { tokens } from "../../words/tokens"
import type { Token } from "./queries"
import { ScopeList, type ThingsOf } from "./scope-list"
import { Expiry, LastUse } from "./token-time"

/** Tokens with what they may do, when they were used and when they end; each can be deleted. */
export function TokenList({ label, list, things }: { label: string; list: Token[]; things?: ThingsOf }) {
  const [deleting, setDeleting] = useState<Token>()
  return (
    <>
      <LongList label={label} items={list} idOf={({ id }) => id} rowHeight={64}>
        {(token) => <Row token={token} things={things} onDelete={() => setDeleting(token)} />}
      </LongList>
      <Confirm
        isOpen={deleting !== undefined}
        onClose={() => setDeleting(undefined)}
        title={tokens.deleteTitle(deleting?.name ?? "")}
        action={tokens.delete}
        onConfirm={async () => {
          if (deleting === undefined) return
          await ask("DELETE", `/api/tokens/${encodeURIComponent(deleting.id)}`)
          await refresh("access")
          toast(tokens.deleted(deleting.name))
        }}
      >
        <p>{tokens.deleteText}</p>
        {deleting !== undefined && (
          <p className="mt-2 text-dim">
            {deleting.last_used_at === 0 ? (
              `${tokens.unused}.`
            ) : (
              <>
                {tokens.deleteUsed} <Time at={deleting.last_used_at} />.
              </>
            )}
          </p>
        )}
      </Confirm>
    </>
  )
}

const Row = ({ token, things, onDelete }: { token: Token; things: ThingsOf | undefined; onDelete: () => void }) => (
  <div className="flex items-start gap-3 px-4 py-3">
    <div
      className={cx(
        "grid min-w-0 flex-1 gap-x-6 gap-y-1",
        things === undefined ? "md:grid-cols-[minmax(0,5fr)_minmax(0,2fr)]" : "md:grid-cols-[minmax(0,2fr)_minmax(0,3fr)_minmax(0,2fr)]",
      )}
    >
      <p className="min-w-0 [overflow-wrap:anywhere]">
        <span className="font-medium">{token.name}</span>
        <code className="ml-2 text-dim">{token.id}</code>
      </p>
      {things !== undefined && <div className="min-w-0 text-sm">{token.scopes && <ScopeList scopes={token.scopes} things={things} />}</div>}
      <p className="flex min-w-0 flex-wrap content-start items-center gap-x-3 gap-y-0.5 text-sm text-dim md:flex-col md:items-start">
        <Expiry token={token} />
        <LastUse token={token} />
      </p>
    </div>
    <IconButton small label={tokens.deleteOf(token.name)} onClick={onDelete}>
      <Trash2 aria-hidden className="size-4" />
    </IconButton>
  </div>
)
