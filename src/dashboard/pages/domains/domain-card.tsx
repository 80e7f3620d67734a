import { useMutation } from "@tanstack/react-query"
import { Link } from "@tanstack/react-router"
import { RotateCw } from "lucide-react"
import { useState } from "react"
import { ask } from "../../data/api"
import { refresh } from "../../data/queries"
import { Button } from "../../parts/button"
import { Confirm } from "../../parts/dialog"
import { Menu } from "../../parts/menu"
import { Section } from "../../parts/page"
import { Badge, FaultNotice } from "../../parts/status"
import { Time } from "../../parts/time"
import { toast } from "../../parts/toasts"
import { domains as words } from "../../words/domains"
import type { OwnedDomain } from "./model"
import { TokenDialog } from "./token-dialog"
import { WrittenRecords } from "./written-records"

/** A hostname as a link to its page. */
export type CoveredName = { id: string; domain: string }

const shownNames = 8

/** One provider token: the zones that it sees, the hostnames below them, and what can be done with it. */
export function DomainCard({ domain, names }: { domain: OwnedDomain; names: CoveredName[] }) {
  const [open, setOpen] = useState<"replace" | "remove">()
  const path = `/api/domains/${encodeURIComponent(domain.id)}`
  const look = useMutation({
    mutationFn: () => ask<OwnedDomain>("POST", `${path}/refresh`),
    onSuccess: async () => {
      toast(words.refreshed)
      await refresh("domains")
    },
  })
  const remove = async () => {
    await ask("DELETE", path)
    toast(words.removed)
    await refresh("domains", "hostnames")
  }
  const { zones } = domain
  return (
    <Section
      title={
        <span className="flex flex-wrap items-baseline gap-x-2">
          {words.provider}
          <span className="text-sm font-normal text-dim">
            {words.zones(zones.length)} · {words.connectedAt} <Time at={domain.created_at} />
          </span>
        </span>
      }
      actions={
        <>
          <Button small isBusy={look.isPending} onClick={() => look.mutate()} icon={<RotateCw aria-hidden className="size-3.5" />}>
            {words.refresh}
          </Button>
          <Menu
            label={`${words.provider}, ${zones[0] ?? domain.id}`}
            items={[
              { label: words.replaceToken, onSelect: () => setOpen("replace") },
              { label: words.remove, onSelect: () => setOpen("remove"), isDanger: true },
            ]}
          />
        </>
      }
    >
      <div className="flex flex-col gap-4">
        {look.error !== null && <FaultNotice error={look.error} {...{ onRetry: () => look.mutate() }} />}
        {zones.length === 0 ? (
          <p className="text-dim">{words.noZones}</p>
        ) : (
          <ul className="flex max-h-48 flex-wrap gap-1.5 overflow-y-auto">
            {zones.map((zone) => (
              <li key={zone}>
                <Badge>{zone}</Badge>
              </li>
            ))}
          </ul>
        )}
        <div>
          <h3 className="font-medium">{words.written}</h3>
          {names.length === 0 ? (
            <p className="text-dim">{words.noNames}</p>
          ) : (
            <ul className="mt-2 flex flex-wrap gap-x-4 gap-y-1">
              {names.slice(0, shownNames).map(({ id, domain: name }) => (
                <li key={id}>
                  <Link to={`/hostnames/mapping/${encodeURIComponent(id)}` as string} className="text-accent hover:underline">
                    {name}
                  </Link>
                </li>
              ))}
              {names.length > shownNames && <li className="text-dim">{words.more(names.length - shownNames)}</li>}
            </ul>
          )}
        </div>
        <WrittenRecords domain={domain} />
      </div>
      <TokenDialog isOpen={open === "replace"} onClose={() => setOpen(undefined)} replaced={domain} />
      <Confirm
        isOpen={open === "remove"}
        onClose={() => setOpen(undefined)}
        title={words.removeTitle}
        action={words.remove}
        typed={zones[0] ?? domain.id}
        onConfirm={remove}
      >
        <p>{words.removeWhat}</p>
        <p className="mt-2">{words.removeNames(names.length)}</p>
      </Confirm>
    </Section>
  )
}
