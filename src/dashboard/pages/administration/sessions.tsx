import { Link } from "@tanstack/react-router"
import { useState } from "react"
import { ask } from "../../data/api"
import { usePages } from "../../data/pages"
import { refresh } from "../../data/queries"
import { Button } from "../../parts/button"
import { Confirm } from "../../parts/dialog"
import { Loaded } from "../../parts/loaded"
import { More } from "../../parts/more"
import { Badge } from "../../parts/status"
import { Cell, Table } from "../../parts/table"
import { Time } from "../../parts/time"
import { toast } from "../../parts/toasts"
import { administration } from "../../words/administration"
import { AdminPage } from "./frame"
import { UrlSearch } from "./url-search"

const words = administration.sessions

type Session = {
  id: number | string
  user_id: string
  username: string
  ip_address: string
  created_at: number
  expires_at: number
  is_current: boolean
}

type Sessions = { sessions: Session[]; next_cursor: string | null }

/** Who is signed in, from where. */
export const Sessions = () => (
  <AdminPage part="sessions">
    {() => (
      <UrlSearch name="person" label={words.search}>
        {(person) => <List person={person} />}
      </UrlSearch>
    )}
  </AdminPage>
)

function List({ person }: { person: string }) {
  const query = usePages<Sessions>(["sessions", "all"], "/admin/sessions", { person })
  const [asked, setAsked] = useState<Session>()
  const end = async ({ id, username }: Session) => {
    await ask("DELETE", `/admin/sessions/${id}`)
    toast(words.endedNow(username))
    await refresh("sessions")
  }
  return (
    <Loaded query={query}>
      {({ pages }) => {
        const sessions = pages.flatMap((page) => page.sessions)
        if (sessions.length === 0) return <p className="py-6 text-center text-dim">{words.none}</p>
        return (
          <>
            <Table label={words.list} head={words.head} hasActions>
              {sessions.map((session) => (
                <tr key={session.id}>
                  <Cell>
                    <Link to={`/administration/people/${session.user_id}`} className="font-medium hover:text-accent hover:underline">
                      {session.username}
                    </Link>
                  </Cell>
                  <Cell>
                    <code>{session.ip_address}</code>
                  </Cell>
                  <Cell>
                    <Time at={session.created_at} />
                  </Cell>
                  <Cell>
                    <Time at={session.expires_at} />
                  </Cell>
                  <Cell className="h-11">
                    {session.is_current ? (
                      <Badge tone="accent">{words.current}</Badge>
                    ) : (
                      <Button
                        small
                        kind="danger"
                        aria-label={words.endNamed(session.username, session.ip_address)}
                        onClick={() => setAsked(session)}
                      >
                        {words.end}
                      </Button>
                    )}
                  </Cell>
                </tr>
              ))}
            </Table>
            <More query={query} label={administration.older} end={administration.everything} />
            {asked !== undefined && (
              <Confirm
                isOpen
                onClose={() => setAsked(undefined)}
                title={words.endTitle(asked.username)}
                action={words.endAction}
                onConfirm={() => end(asked)}
              >
                {words.endWhat(asked.ip_address)}
              </Confirm>
            )}
          </>
        )
      }}
    </Loaded>
  )
}
