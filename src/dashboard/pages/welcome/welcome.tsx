import { useQuery } from "@tanstack/react-query"
import { Link } from "@tanstack/react-router"
import { type ReactNode, useEffect, useRef } from "react"
import { useSession } from "../../data/session"
import { useUrlState } from "../../data/url-state"
import { Button, ButtonLink } from "../../parts/button"
import { cx } from "../../parts/classes"
import { Page } from "../../parts/page"
import { Notice, Skeleton } from "../../parts/status"
import { welcome } from "../../words/welcome"
import { type Status, StatusMark } from "../../parts/check-list"
import { HostnameStep } from "./hostname-step"
import { isLiveName } from "./live-name"
import { baseDomainQuery, hostnameQuery, mappingQuery, serverChecks } from "./queries"
import { ReachStep } from "./reach-step"
import { ServerStep } from "./server-step"

type StepName = "server" | "reach" | "hostname"
type StepState = { name: StepName; title: string; summary?: string | undefined; status?: Status | undefined }

/** The first start: what the server is, whether it is reached, and a first hostname. Nothing of it is kept but in the server itself. */
export function Welcome() {
  const { is_admin: isAdmin } = useSession()
  if (isAdmin) return <Steps />
  return (
    <Page title={welcome.title}>
      <Notice action={<ButtonLink to="/hostnames">{welcome.hostnames}</ButtonLink>}>{welcome.notAdmin}</Notice>
    </Page>
  )
}

function Steps() {
  const steps = useStepStates()
  const [asked, setAsked] = useUrlState("step", "", true)
  // Who comes back with a hostname is beyond the rest.
  const { data: mapping, isPending } = useQuery(mappingQuery)
  const fallback: StepName = mapping ? "hostname" : "server"
  const open = steps.find(({ name }) => name === asked)?.name ?? fallback
  const heading = useFocusOnChange(asked)
  const index = steps.findIndex(({ name }) => name === open)
  const { title, status } = steps[index] ?? { title: "" }
  const [before, after] = [steps[index - 1], steps[index + 1]]
  return (
    <Page title={welcome.title} lead={welcome.lead}>
      <div className="grid items-start gap-4 lg:grid-cols-[17rem_minmax(0,1fr)]">
        <nav aria-label={welcome.steps}>
          <ol className="flex flex-col gap-1">
            {steps.map((step, at) => (
              <StepLink key={step.name} step={step} number={at + 1} isOpen={step.name === open} />
            ))}
          </ol>
        </nav>
        <section aria-labelledby="step" className="min-w-0 rounded-lg border border-line bg-card">
          <h2 ref={heading} id="step" tabIndex={-1} className="border-b border-line px-4 py-2.5 font-semibold sm:px-5">
            {title}
          </h2>
          <div className="p-4 sm:p-5">
            {asked === "" && isPending ? (
              <Skeleton className="h-64" />
            ) : (
              { server: <ServerStep />, reach: <ReachStep />, hostname: <HostnameStep /> }[open]
            )}
          </div>
          <Footer>
            {before !== undefined && <Button onClick={() => setAsked(before.name)}>{welcome.back}</Button>}
            {after === undefined ? (
              <ButtonLink to="/" kind={status === "ok" ? "primary" : "plain"}>
                {status === "ok" ? welcome.finish : welcome.finishEarly}
              </ButtonLink>
            ) : (
              <Button kind={status === "ok" ? "primary" : "plain"} onClick={() => setAsked(after.name)}>
                {status === "ok" ? welcome.next : welcome.skip}
              </Button>
            )}
          </Footer>
        </section>
      </div>
    </Page>
  )
}

const Footer = ({ children }: { children: ReactNode }) => (
  <div className="flex flex-wrap justify-end gap-2 border-t border-line px-4 py-3 max-sm:*:flex-1 sm:px-5">{children}</div>
)

function StepLink({ step: { name, title, summary, status }, number, isOpen }: { step: StepState; number: number; isOpen: boolean }) {
  return (
    <li>
      <Link
        to="."
        search={((before: Record<string, unknown>) => ({ ...before, step: name })) as never}
        aria-current={isOpen ? "step" : undefined}
        resetScroll={false}
        className={cx("flex items-start gap-2.5 rounded-md px-3 py-2 hover:bg-hover", isOpen && "bg-accent-soft")}
      >
        <span className="flex size-5 shrink-0 items-center justify-center pt-px text-dim">
          {status === undefined ? number : <StatusMark status={status} />}
        </span>
        <span className="min-w-0 flex-1">
          <span className="block font-medium">{title}</span>
          <span className="block min-h-5 text-sm text-dim [overflow-wrap:anywhere]">{summary}</span>
        </span>
      </Link>
    </li>
  )
}

/** How the steps stand, by what the server says. */
function useStepStates(): StepState[] {
  const base = useQuery(baseDomainQuery()).data
  const checks = useQuery(serverChecks).data
  const mapping = useQuery(mappingQuery).data ?? undefined
  const report = useQuery(hostnameQuery(mapping?.domain ?? "")).data
  const fine = checks?.filter(({ status }) => status === "ok").length
  const isLive = isLiveName(report?.checks)
  return [
    { name: "server", title: welcome.server.title, summary: base?.name, status: base?.status },
    {
      name: "reach",
      title: welcome.reach.title,
      summary: checks && (fine === checks.length ? welcome.reach.allFine : welcome.reach.fine(fine ?? 0, checks.length)),
      status: checks && worst(checks.map(({ status }) => status)),
    },
    {
      name: "hostname",
      title: welcome.hostname.title,
      summary: mapping === undefined ? welcome.hostname.none : welcome.hostname[isLive ? "isLive" : "isComing"](mapping.domain),
      status: mapping && (isLive ? "ok" : "unknown"),
    },
  ]
}

const order: Status[] = ["ok", "unknown", "warn", "bad"]

const worst = (all: Status[]): Status => order[Math.max(0, ...all.map((status) => order.indexOf(status)))] ?? "unknown"

/** Brings the focus to a heading when what it stands over has changed, so that the keyboard and screen readers go on from there. */
function useFocusOnChange(value: string) {
  const heading = useRef<HTMLHeadingElement>(null)
  const before = useRef(value)
  useEffect(() => {
    if (before.current === value) return
    before.current = value
    heading.current?.focus()
  }, [value])
  return heading
}
