import { useQuery } from "@tanstack/react-query"
import { useState } from "react"
import { ApiFault } from "../../data/api"
import { TextField } from "../../parts/field"
import { Loaded } from "../../parts/loaded"
import { Fact, Facts } from "../../parts/page"
import { Badge, Skeleton } from "../../parts/status"
import { welcome } from "../../words/welcome"
import { StatusMark } from "../../parts/check-list"
import { type BaseDomain, baseDomainQuery, useTypedName } from "./queries"
import { SettingLines } from "./setting-lines"

const { server } = welcome

/** The base domain: what it is, where it leads, and how it is changed. */
export function ServerStep() {
  const base = useQuery({ ...baseDomainQuery(), refetchInterval: 20_000 })
  return (
    <div className="flex flex-col gap-6">
      <Loaded query={base} skeleton={<Skeleton className="h-32" />}>
        {(domain) => (
          <div className="flex flex-col gap-4">
            <Facts>
              <Fact name={server.name}>
                <span className="flex flex-wrap items-center gap-2">
                  <strong className="font-semibold">{domain.name}</strong>
                  <Badge tone={domain.kind === "local" ? "warn" : "neutral"}>
                    {domain.is_default ? server.isDefault : server.kinds[domain.kind]}
                  </Badge>
                </span>
              </Fact>
              <Fact name={server.leads[domain.kind]}>{leadsTo(domain)}</Fact>
              <Fact name={server.publicAddress}>{domain.public_addresses.join(", ") || server.unknown}</Fact>
              {domain.lan_addresses.length > 0 && <Fact name={server.lanAddress}>{domain.lan_addresses.join(", ")}</Fact>}
            </Facts>
            <Verdict domain={domain} />
          </div>
        )}
      </Loaded>
      <Change />
    </div>
  )
}

const leadsTo = ({ kind, addresses }: BaseDomain) => (kind === "local" ? server.leadsToSelf : addresses.join(", ") || server.leadsNowhere)

const Verdict = ({ domain: { status, verdict, remedy } }: { domain: BaseDomain }) => (
  <div className="flex gap-2.5 [overflow-wrap:anywhere]">
    <StatusMark status={status} className="pt-px" />
    <div>
      <p>{verdict}</p>
      {remedy !== undefined && <p className="text-dim">{remedy}</p>}
    </div>
  </div>
)

function Change() {
  const [text, setText] = useState("")
  const name = useTypedName(text)
  const thought = useQuery({ ...baseDomainQuery(name), enabled: name !== "", staleTime: 5000 })
  const problem = name !== "" && thought.error instanceof ApiFault ? thought.error.message : undefined
  const found = name !== "" && problem === undefined ? thought.data : undefined
  return (
    <div className="flex flex-col gap-3 border-t border-line pt-5">
      <h3 className="font-semibold">{server.change}</h3>
      <p className="text-dim">{server.why}</p>
      <TextField
        label={server.field}
        hint={server.hint}
        problem={problem}
        isCode
        autoComplete="off"
        placeholder="cloud.example.com"
        value={text}
        onChange={(event) => setText(event.target.value)}
        className="max-w-md"
      />
      <div aria-live="polite" className="flex flex-col gap-3">
        {name !== "" && thought.isPending && <Skeleton className="h-10" />}
        {found !== undefined && (found.in_force ? <p>{server.thisOne}</p> : <Verdict domain={found} />)}
      </div>
      {found !== undefined && !found.in_force && (
        <SettingLines name="base_domain" toml={JSON.stringify(found.name)} value={found.name} isReloaded={false} />
      )}
    </div>
  )
}
