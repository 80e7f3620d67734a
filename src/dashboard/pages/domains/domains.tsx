import { useQuery } from "@tanstack/react-query"
import { Landmark, Plus } from "lucide-react"
import { ApiFault } from "../../data/api"
import { useUrlState } from "../../data/url-state"
import { Button } from "../../parts/button"
import { Page } from "../../parts/page"
import { Empty, FaultNotice, Notice, SkeletonRows } from "../../parts/status"
import { domains as words } from "../../words/domains"
import { mappingsQuery } from "../hostnames/queries"
import { DomainCard } from "./domain-card"
import { domainsQuery, isBelow } from "./model"
import { TokenDialog } from "./token-dialog"

/** Provider tokens, what they see, and what Freehold does with them. */
export function Domains() {
  const { data, error, refetch } = useQuery(domainsQuery)
  const mappings = useQuery(mappingsQuery)
  const [open, setOpen] = useUrlState("open")
  const add = (
    <Button kind="primary" onClick={() => setOpen("new")} icon={<Plus aria-hidden className="size-4" />}>
      {words.add}
    </Button>
  )
  const isOff = error instanceof ApiFault && error.status === 503
  return (
    <Page title={words.title} lead={words.lead} actions={data === undefined || data.length === 0 ? undefined : add}>
      {data === undefined ? (
        isOff ? (
          <Notice tone="warn">{words.off}</Notice>
        ) : error === null ? (
          <SkeletonRows rows={2} className="h-40" />
        ) : (
          <FaultNotice error={error} onRetry={() => void refetch()} />
        )
      ) : data.length === 0 ? (
        <Empty title={words.emptyTitle} icon={<Landmark className="size-8" />} action={add}>
          {words.empty}
        </Empty>
      ) : (
        data.map((domain) => (
          <DomainCard key={domain.id} domain={domain} names={(mappings.data ?? []).filter((one) => isBelow(one.domain, domain.zones))} />
        ))
      )}
      <TokenDialog isOpen={open === "new"} onClose={() => setOpen("")} />
    </Page>
  )
}
