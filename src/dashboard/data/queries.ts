import { QueryCache, QueryClient } from "@tanstack/react-query"
import { ApiFault } from "./api"

/** First word of a query's key: what the event stream says has changed is looked at again, by this word (`/api/events`). */
export type Topic =
  | "session"
  | "hostnames"
  | "domains"
  | "containers"
  | "files"
  | "access"
  | "applications"
  | "people"
  | "sessions"
  | "settings"
  | "audit"
  | "overview"

/** Home sums these up. */
const summedUp: ReadonlySet<Topic> = new Set(["hostnames", "domains", "containers", "files", "settings"])

export const queryClient = new QueryClient({
  queryCache: new QueryCache({
    // A session that was ended elsewhere: the shell leads to the sign-in page when it hears so.
    onError: (error) => {
      if (error instanceof ApiFault && error.status === 401) void refresh("session")
    },
  }),
  defaultOptions: {
    queries: {
      staleTime: 15_000,
      refetchOnWindowFocus: true,
      // What the API has decided it decides again; what did not answer may answer in a moment.
      retry: (count, error) => count < 2 && !(error instanceof ApiFault && error.status >= 400 && error.status < 500),
    },
  },
})

/** Looks at everything under these topics again, where a page shows it. */
export const refresh = (...topics: Topic[]): Promise<unknown> => {
  const all: Topic[] = topics.some((topic) => summedUp.has(topic)) ? [...topics, "overview"] : topics
  return Promise.all(all.map((topic) => queryClient.invalidateQueries({ queryKey: [topic] })))
}
