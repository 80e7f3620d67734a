import { Link } from "@tanstack/react-router"
import { UserPlus, UsersRound } from "lucide-react"
import { type ReactNode, useState } from "react"
import { useSession } from "../../data/session"
import { useUrlState } from "../../data/url-state"
import { Button } from "../../parts/button"
import { SearchBox } from "../../parts/field"
import { Loaded } from "../../parts/loaded"
import { LongList } from "../../parts/long-list"
import { Badge, Empty } from "../../parts/status"
import { Time } from "../../parts/time"
import { administration } from "../../words/administration"
import { type OneTimeLink, type Person, usePeople } from "./data"
import { AdminPage } from "./frame"
import { NewPerson } from "./new-person"
import { OnceShown } from "./once-shown"

const words = administration.people

/** Everybody with an account here. */
export function People() {
  const [isAdding, setAdding] = useState(false)
  const [link, setLink] = useState<OneTimeLink>()
  const add = (
    <Button kind="primary" icon={<UserPlus aria-hidden className="size-4" />} onClick={() => setAdding(true)}>
      {words.add}
    </Button>
  )
  return (
    <AdminPage part="people" actions={add}>
      {() => (
        <>
          <PeopleList add={add} />
          <NewPerson isOpen={isAdding} onClose={() => setAdding(false)} onLink={setLink} />
          <OnceShown link={link} onClose={() => setLink(undefined)} />
        </>
      )}
    </AdminPage>
  )
}

function PeopleList({ add }: { add: ReactNode }) {
  const query = usePeople()
  const [text, setText] = useUrlState("q")
  const wanted = text.trim().toLowerCase()
  return (
    <Loaded query={query}>
      {(people) => {
        const found = people.filter(({ username, display_name: name }) => `${username} ${name}`.toLowerCase().includes(wanted))
        return (
          <>
            <div className="flex flex-wrap items-center gap-3">
              <SearchBox label={words.search} value={text} onChange={setText} className="max-w-72" />
              <span role="status" className="text-dim">
                {words.found(found.length, people.length)}
              </span>
            </div>
            {found.length === 0 ? (
              <p className="py-6 text-center text-dim">{words.none}</p>
            ) : (
              <LongList key={wanted} label={words.list} items={found} idOf={({ user_id: id }) => id} rowHeight={53}>
                {(person) => <Row person={person} />}
              </LongList>
            )}
            {people.length === 1 && (
              <Empty title={words.empty} icon={<UsersRound aria-hidden className="size-6" />} action={add}>
                {words.emptyWhy}
              </Empty>
            )}
          </>
        )
      }}
    </Loaded>
  )
}

function Row({ person }: { person: Person }) {
  const { user_id: self } = useSession()
  const { user_id: id, username, display_name: name, is_admin: isAdmin, disabled, created_at: createdAt } = person
  return (
    <Link to={`/administration/people/${id}`} className="flex min-h-[52px] flex-wrap items-center gap-x-3 gap-y-1 px-4 py-2">
      <span className="min-w-0 flex-1 basis-48">
        <span className="font-medium [overflow-wrap:anywhere]">{name}</span>
        {name !== username && <span className="ml-2 text-dim [overflow-wrap:anywhere]">{username}</span>}
      </span>
      {id === self && <Badge>{words.you}</Badge>}
      {disabled && <Badge tone="bad">{words.disabled}</Badge>}
      {isAdmin && <Badge tone="accent">{words.admin}</Badge>}
      <span className="text-sm text-dim">
        {words.since} <Time at={createdAt} />
      </span>
    </Link>
  )
}
