import { useParams } from "@tanstack/react-router"
import { useSession } from "../../data/session"
import { Loaded } from "../../parts/loaded"
import { Fact, Facts, Section } from "../../parts/page"
import { Badge } from "../../parts/status"
import { bytes, count, Time } from "../../parts/time"
import { administration } from "../../words/administration"
import { shell } from "../../words/shell"
import { type Person, usePerson, useUsage } from "./data"
import { AdminSubpage } from "./frame"
import { PersonAccess } from "./person-access"
import { PersonDeletion } from "./person-deletion"
import { PersonQuota } from "./person-quota"

const words = administration.person

/** One person: how they stand, what they may, and what goes when they go. */
export function PersonPage() {
  const { id = "" } = useParams({ strict: false }) as { id?: string }
  const { is_admin: isAdmin } = useSession()
  return isAdmin ? <Found id={id} /> : <AdminSubpage title="" crumbs={[]} children={() => null} />
}

function Found({ id }: { id: string }) {
  const query = usePerson(id)
  const { user_id: self } = useSession()
  return (
    <AdminSubpage
      title={query.data?.display_name ?? administration.parts.people}
      crumbs={[
        { to: "/administration", label: shell.nav.administration },
        { to: "/administration", label: administration.parts.people },
      ]}
    >
      {() => (
        <Loaded query={query}>
          {(person) => (
            <>
              <Account person={person} />
              <PersonAccess person={person} isSelf={person.user_id === self} />
              <PersonQuota person={person} />
              <PersonDeletion person={person} isSelf={person.user_id === self} />
            </>
          )}
        </Loaded>
      )}
    </AdminSubpage>
  )
}

function Account({ person }: { person: Person }) {
  const usage = useUsage(person.user_id).data
  return (
    <Section title={words.account}>
      <Facts>
        <Fact name={words.username}>
          <code>{person.username}</code>
        </Fact>
        <Fact name={words.role}>{person.is_admin ? administration.people.admin : words.user}</Fact>
        <Fact name={words.state}>
          {person.disabled ? <Badge tone="bad">{administration.people.disabled}</Badge> : <Badge tone="good">{words.enabled}</Badge>}
        </Fact>
        <Fact name={words.created}>
          <Time at={person.created_at} />
        </Fact>
        <Fact name={words.used}>
          {usage === undefined ? "…" : `${bytes(usage.used_bytes)}, ${words.usedIn(count(usage.objects), count(usage.namespaces))}`}
        </Fact>
        <Fact name={words.id}>
          <code>{person.user_id}</code>
        </Fact>
      </Facts>
    </Section>
  )
}
