import { useQueryClient } from "@tanstack/react-query"
import { useNavigate } from "@tanstack/react-router"
import { useState } from "react"
import { ApiFault, ask } from "../../data/api"
import { refresh } from "../../data/queries"
import { Button } from "../../parts/button"
import { Confirm } from "../../parts/dialog"
import { Loaded } from "../../parts/loaded"
import { Section } from "../../parts/page"
import { toast } from "../../parts/toasts"
import { administration } from "../../words/administration"
import { type Person, useDeletion } from "./data"

const words = administration.person
const named = 6

/** What goes along when a person is deleted, counted and named first. */
export function PersonDeletion({ person: { user_id: id, username }, isSelf }: { person: Person; isSelf: boolean }) {
  const query = useDeletion(id)
  const client = useQueryClient()
  const navigate = useNavigate()
  const [isAsking, setAsking] = useState(false)
  const remove = async (digest: string) => {
    try {
      await ask("DELETE", `/admin/users/${id}?confirm=${encodeURIComponent(digest)}`)
    } catch (error) {
      // What they own has changed: what is shown has to be what goes.
      if (error instanceof ApiFault && error.status === 409) await query.refetch()
      throw error
    }
    toast(words.deletedNow(username))
    await navigate({ to: "/administration" })
    client.removeQueries({ queryKey: ["people", id] })
    await refresh("people", "sessions")
  }
  if (isSelf)
    return (
      <Section title={words.delete}>
        <p className="text-dim">{words.deleteSelf}</p>
      </Section>
    )
  return (
    <Section title={words.delete}>
      <Loaded query={query}>
        {({ owns, digest }) => {
          const theirs = owns.filter(({ count }) => count > 0)
          const total = theirs.reduce((sum, { count }) => sum + count, 0)
          return (
            <div className="flex flex-col items-start gap-3">
              {total === 0 ? <p>{words.deleteNothing}</p> : <p>{words.deleteLead}</p>}
              {total > 0 && (
                <ul className="list-disc pl-5">
                  {theirs.map(({ kind, count, items }) => (
                    <li key={kind} className="[overflow-wrap:anywhere]">
                      {count} {words.holdings[kind] ?? kind.replaceAll("_", " ")}:{" "}
                      <span className="text-dim">
                        {items
                          .slice(0, named)
                          .map(({ name }) => name)
                          .join(", ")}
                        {count > named && ` ${words.more(count - named)}`}
                      </span>
                    </li>
                  ))}
                </ul>
              )}
              <Button kind="danger" onClick={() => setAsking(true)}>
                {words.deletePerson}
              </Button>
              <Confirm
                isOpen={isAsking}
                onClose={() => setAsking(false)}
                title={words.deleteTitle(username)}
                action={words.deletePerson}
                typed={username}
                onConfirm={() => remove(digest)}
              >
                {words.deleteWhat(total)}
              </Confirm>
            </div>
          )
        }}
      </Loaded>
    </Section>
  )
}
