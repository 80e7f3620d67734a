import { useQuery } from "@tanstack/react-query"
import { useState } from "react"
import { Loaded } from "../../parts/loaded"
import { Skeleton } from "../../parts/status"
import { HostnameForm, type Typed } from "./hostname-form"
import { HostnameProgress } from "./hostname-progress"
import { containersQuery, mappingQuery } from "./queries"

const nothing: Typed = { hostname: "", target: "", address: "", port: "" }

/** The first hostname: a form while there is none, then how the newest one comes to life. */
export function HostnameStep() {
  const mapping = useQuery(mappingQuery)
  const containers = useQuery(containersQuery)
  const [typed, setTyped] = useState(nothing)
  return (
    <Loaded query={mapping} skeleton={<Skeleton className="h-64" />}>
      {(newest) =>
        newest !== null ? (
          <HostnameProgress mapping={newest} onRemoved={setTyped} />
        ) : (
          <Loaded query={containers} skeleton={<Skeleton className="h-64" />}>
            {(known) => <HostnameForm typed={typed} onType={setTyped} containers={known} />}
          </Loaded>
        )
      }
    </Loaded>
  )
}
