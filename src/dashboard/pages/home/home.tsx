import { Plus } from "lucide-react"
import { ButtonLink } from "../../parts/button"
import { Loaded } from "../../parts/loaded"
import { Page } from "../../parts/page"
import { Skeleton } from "../../parts/status"
import { home } from "../../words/home"
import { shell } from "../../words/shell"
import { AttentionList } from "./attention"
import { type Overview, useOverview } from "./data"
import { Server } from "./server"
import { Start } from "./start"
import { States } from "./states"
import { Traffic } from "./traffic"

/** What needs attention first, then how everything stands. */
export function Home() {
  const query = useOverview()
  const isEmpty = query.data !== undefined && hasNothing(query.data)
  return (
    <Page
      title={shell.nav.home}
      actions={
        !isEmpty && (
          <ButtonLink to="/hostnames/new" icon={<Plus aria-hidden className="size-4" />}>
            {home.addHostname}
          </ButtonLink>
        )
      }
    >
      <Loaded query={query} skeleton={<Waiting />}>
        {(overview) => (
          <>
            {isEmpty && <Start />}
            {(!isEmpty || overview.attention.length > 0) && <AttentionList overview={overview} />}
            {!isEmpty && (
              <div className="grid gap-5 lg:grid-cols-[1fr_18rem]">
                <Traffic traffic={overview.traffic} />
                <div className="flex flex-col gap-5 sm:max-lg:flex-row sm:max-lg:*:flex-1">
                  <States
                    title={home.hostnames}
                    to="/hostnames"
                    counts={overview.hostnames}
                    names={home.hostnameStates}
                    tones={{ live: "good", waiting: "info", failed: "bad", drifted: "warn" }}
                    filters={{ live: "live", waiting: "waiting", failed: "trouble", drifted: "trouble" }}
                  />
                  <States
                    title={home.containers}
                    to="/containers"
                    counts={overview.containers}
                    names={home.containerStates}
                    tones={{ running: "good", starting: "info", stopped: "neutral", failed: "bad" }}
                    filters={{ running: "running", starting: "starting", stopped: "stopped", failed: "failed" }}
                  />
                </div>
              </div>
            )}
            {overview.house !== null && <Server house={overview.house} />}
          </>
        )}
      </Loaded>
    </Page>
  )
}

const hasNothing = ({ hostnames, containers, traffic }: Overview) => hostnames.total + containers.total + traffic.requests === 0

const Waiting = () => (
  <div role="status" className="flex flex-col gap-5">
    <span className="sr-only">{shell.loading}</span>
    <Skeleton className="h-12" />
    <div className="grid gap-5 lg:grid-cols-[1fr_18rem]">
      <Skeleton className="h-96" />
      <Skeleton className="h-96" />
    </div>
  </div>
)
