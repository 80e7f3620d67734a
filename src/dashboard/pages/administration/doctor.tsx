import { useQuery } from "@tanstack/react-query"
import { Link } from "@tanstack/react-router"
import { type FormEvent, useState } from "react"
import { ask } from "../../data/api"
import { useUrlState } from "../../data/url-state"
import { Button } from "../../parts/button"
import { type Check, CheckList } from "../../parts/check-list"
import { TextField } from "../../parts/field"
import { Loaded } from "../../parts/loaded"
import { Section } from "../../parts/page"
import { administration } from "../../words/administration"
import { doctor } from "../../words/doctor"
import { AdminPage } from "./frame"

/** Checks that have a page of their own. */
const pages: Record<string, { to: string; label: string }> = {
  alerts: { to: "/administration/alerts", label: administration.parts.alerts },
  backup: { to: "/administration/backups", label: administration.parts.backups },
  certificates: { to: "/administration/certificates", label: administration.parts.certificates },
}

function Way({ name }: Check) {
  const page = pages[name]
  return (
    page !== undefined && (
      <Link to={page.to} className="self-start text-accent hover:underline">
        {page.label}
      </Link>
    )
  )
}

const order = { bad: 0, warn: 1, unknown: 2, ok: 3 }

/** What `freehold doctor` says, of the server or of one hostname, the worst first. */
export const Doctor = () => <AdminPage part="doctor">{() => <Shown />}</AdminPage>

function Shown() {
  const [hostname, setHostname] = useUrlState("hostname")
  const [typed, setTyped] = useState(hostname)
  const query = useQuery({
    queryKey: ["doctor", hostname],
    // It asks many servers and takes seconds: once, and when somebody wants it.
    staleTime: Infinity,
    queryFn: ({ signal }) =>
      ask<{ checks: Check[] }>("GET", `/admin/checks${hostname === "" ? "" : `?hostname=${encodeURIComponent(hostname)}`}`, undefined, {
        signal,
      }),
  })
  const look = (event: FormEvent) => {
    event.preventDefault()
    setHostname(typed.trim())
  }
  return (
    <>
      <p className="text-dim">{doctor.lead}</p>
      <form onSubmit={look} className="flex max-w-lg flex-wrap items-end gap-2">
        <div className="min-w-56 grow">
          <TextField
            label={doctor.hostname}
            hint={doctor.hostnameHint}
            value={typed}
            onChange={(event) => setTyped(event.target.value)}
            isCode
          />
        </div>
        <Button type="submit">{doctor.look}</Button>
        <Button onClick={() => void query.refetch()} isBusy={query.isFetching}>
          {doctor.again}
        </Button>
      </form>
      <Loaded query={query}>
        {({ checks }) => {
          const sorted = [...checks].sort((a, b) => order[a.status] - order[b.status])
          const worried = checks.filter(({ status }) => status === "bad" || status === "warn").length
          return (
            <Section title={worried === 0 ? doctor.allFine(checks.length) : doctor.some(worried, checks.length)}>
              <CheckList label={doctor.label} checks={sorted} names={doctor.names} more={Way} />
            </Section>
          )
        }}
      </Loaded>
    </>
  )
}
