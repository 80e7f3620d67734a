import { type QueryClient, useQuery } from "@tanstack/react-query"
import { ApiFault, ask } from "./api"
import { endLive } from "./live"
import { queryClient } from "./queries"

export type Session = { username: string; display_name: string; user_id: string; is_admin: boolean }

/** The answer of a way in: in, or halfway in. */
export type LoginAnswer = { requires_2fa?: true; challenge_token?: string; username?: string }

/** Asks for the session to be kept in a cookie that no script can read. */
export const sessionHeaders = { "x-freehold-session": "cookie" }

export const sessionQuery = {
  queryKey: ["session"],
  queryFn: async (): Promise<Session | null> => {
    try {
      return await ask<Session>("GET", "/api/session")
    } catch (error) {
      if (error instanceof ApiFault && error.status === 401) return null
      throw error
    }
  },
  staleTime: 60_000,
}

/** The person who is signed in; only for pages within the shell, which is not shown to anybody else. */
export function useSession(): Session {
  const { data } = useQuery(sessionQuery)
  if (!data) throw new Error("nobody is signed in")
  return data
}

/** Forgets all that was shown, so that the next person on this device sees none of it. */
export async function signOut(): Promise<void> {
  endLive()
  await ask("POST", "/api/logout").catch(() => {})
  queryClient.clear()
}

/** Whether an administrator is signed in, for those who are no component. */
export const isAdminNow = (client: QueryClient): boolean => client.getQueryData<Session | null>(sessionQuery.queryKey)?.is_admin ?? false
