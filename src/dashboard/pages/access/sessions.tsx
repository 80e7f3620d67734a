import { useQuery } from "@tanstack/react-query"
import { Monitor } from "lucide-react"
import { useState } from "react"
import { ask } from "../../data/api"
import { refresh } from "../../data/queries"
import { Button, ButtonLink } from "../../parts/button"
import { Confirm } from "../../parts/dialog"
import { Loaded } from "../../parts/loaded"
import { LongList } from "../../parts/long-list"
import { Badge, SkeletonRows } from "../../parts/status"
import { Time } from "../../parts/time"
import { toast } from "../../parts/toasts"
import { access } from "../../words/access"
import { AccessFrame } from "./frame"
import { type OwnSession, ownSessionsQuery } from "./queries"

const say = access.sessions

/** Where somebody is signed in, and how to end that. */
export function Sessions() {
  const query = useQuery(ownSessionsQuery)
  const [ending, setEnding] = useState<OwnSession | "others">()
  const others = (query.data ?? []).filter(({ is_current: isCurrent }) => !isCurrent)
  const one = ending === "others" ? undefined : ending
  const close = () => setEnding(undefined)
  return (
    <AccessFrame
      title={access.tabs.sessions}
      lead={say.lead}
      actions={
        others.length > 0 && (
          <Button kind="danger" onClick={() => setEnding("others")}>
            {say.endOthers}
          </Button>
        )
      }
    >
      <Loaded query={query} skeleton={<SkeletonRows rows={3} className="h-16" />}>
        {(sessions) => (
          <LongList label={say.list} items={inOrder(sessions)} idOf={({ id }) => String(id)} rowHeight={64}>
            {(session) => <Row session={session} onEnd={() => setEnding(session)} />}
          </LongList>
        )}
      </Loaded>
      {others.length > 0 && (
        <p className="flex flex-wrap items-center gap-x-3 gap-y-2 text-dim">
          {say.unknown}
          <ButtonLink small to="/access">
            {say.changePassword}
          </ButtonLink>
        </p>
      )}
      <Confirm
        isOpen={one !== undefined}
        onClose={close}
        title={say.endTitle(one?.ip_address ?? "")}
        action={say.end}
        onConfirm={async () => {
          if (one === undefined) return
          await ask("DELETE", `/api/settings/sessions/${one.id}`)
          await refresh("sessions")
          toast(say.ended(one.ip_address))
        }}
      >
        {say.endText}
      </Confirm>
      <Confirm
        isOpen={ending === "others"}
        onClose={close}
        title={say.endOthersTitle(others.length)}
        action={say.endOthers}
        onConfirm={async () => {
          const { ended } = await ask<{ ended: number }>("DELETE", "/api/settings/sessions")
          await refresh("sessions")
          toast(say.othersEnded(ended))
        }}
      >
        {say.endOthersText}
      </Confirm>
    </AccessFrame>
  )
}

/** One's own first; the API gives the others newest first. */
const inOrder = (sessions: OwnSession[]) => [...sessions].sort((a, b) => Number(b.is_current) - Number(a.is_current))

const Row = ({ session, onEnd }: { session: OwnSession; onEnd: () => void }) => (
  <div className="flex items-center gap-3 px-4 py-3">
    <Monitor aria-hidden className="size-5 shrink-0 text-dim max-sm:hidden" />
    <div className="min-w-0 flex-1">
      <p className="flex flex-wrap items-center gap-x-2 gap-y-0.5 font-medium">
        <span className="[overflow-wrap:anywhere]">{session.ip_address}</span>
        {session.is_current && <Badge tone="accent">{say.current}</Badge>}
      </p>
      <p className="flex flex-wrap gap-x-4 text-sm text-dim">
        <span>
          {say.from} <Time at={session.created_at} />
        </span>
        <span>
          {say.expires} <Time at={session.expires_at} />
        </span>
      </p>
    </div>
    {!session.is_current && (
      <Button small aria-label={say.endOf(session.ip_address)} onClick={onEnd}>
        {say.end}
      </Button>
    )}
  </div>
)
