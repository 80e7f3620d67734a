import { useQuery } from "@tanstack/react-query"
import { useRouter, useSearch } from "@tanstack/react-router"
import { useEffect } from "react"
import { queryClient } from "../../data/queries"
import { type LoginAnswer, type Session, sessionQuery } from "../../data/session"

/** A path of ours out of an address that anybody may have written; the start where it is none. */
export function ownPath(next: string | undefined): string {
  if (next === undefined || !URL.canParse(next, location.origin)) return "/"
  const { origin, pathname, search, hash } = new URL(next, location.origin)
  return origin === location.origin && pathname !== "/login" ? pathname + search + hash : "/"
}

/** Leads whoever is signed in on to where they wanted. */
export function useGoOn(): void {
  const { history } = useRouter()
  const { next } = useSearch({ strict: false }) as { next?: string }
  const { data: session } = useQuery(sessionQuery)
  useEffect(() => {
    if (session) history.replace(ownPath(next))
  }, [session, next, history])
}

/** Keeps who has come in, and forgets what somebody else may have seen here before. */
export async function enter(answer: LoginAnswer): Promise<void> {
  // An answer on its way says that nobody is signed in.
  await queryClient.cancelQueries({ queryKey: sessionQuery.queryKey, exact: true })
  queryClient.removeQueries({ predicate: ({ queryKey: [topic] }) => topic !== "session" })
  queryClient.setQueryData<Session | null>(sessionQuery.queryKey, answer as Session)
}
