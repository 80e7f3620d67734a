import { Send } from "lucide-react"
import { useUrlState } from "../../data/url-state"
import { Button } from "../../parts/button"
import { SelectField } from "../../parts/field"
import { LongList } from "../../parts/long-list"
import { Badge, Empty, FaultNotice, SkeletonRows } from "../../parts/status"
import { Time } from "../../parts/time"
import { words } from "../../words/applications"
import { webhookWords } from "../../words/applications-webhooks"
import { againAfter, deliveriesPath, usePages } from "./data"
import { DeliveryDialog, Outcome } from "./delivery"
import { type Delivery, deliveryStatuses, type Endpoint } from "./model"

/** What was sent to an endpoint, the newest first. */
export function Deliveries({ endpoint }: { endpoint: Endpoint }) {
  const [status, setStatus] = useUrlState("status")
  const [open, setOpen] = useUrlState("delivery", "", true)
  const pages = usePages<Delivery>(deliveriesPath, { endpoint_id: endpoint.id, ...(status === "" ? {} : { status }) }, againAfter)
  const all = pages.data
  return (
    <section className="flex flex-col gap-3">
      <div className="flex flex-wrap items-center gap-3">
        <h2 className="flex-1 text-lg font-semibold">{webhookWords.deliveries}</h2>
        <SelectField
          label={webhookWords.filter}
          value={status}
          onChange={(event) => setStatus(event.target.value)}
          className="flex-row! items-center gap-2!"
        >
          <option value="">{webhookWords.anyStatus}</option>
          {deliveryStatuses.map((one) => (
            <option key={one} value={one}>
              {webhookWords.status[one].label}
            </option>
          ))}
        </SelectField>
      </div>
      {all === undefined ? (
        pages.error === null ? (
          <SkeletonRows className="h-14" />
        ) : (
          <FaultNotice error={pages.error} onRetry={() => void pages.refetch()} />
        )
      ) : all.length === 0 ? (
        <Empty title={status === "" ? webhookWords.noDeliveries : webhookWords.noneFit} icon={<Send aria-hidden className="size-8" />}>
          {status === "" ? webhookWords.noDeliveriesLead : undefined}
        </Empty>
      ) : (
        <LongList label={webhookWords.deliveries} items={all} idOf={({ id }) => id} rowHeight={58}>
          {(one) => <Row delivery={one} onOpen={() => setOpen(one.id)} />}
        </LongList>
      )}
      {pages.hasNextPage && (
        <Button className="self-center" isBusy={pages.isFetchingNextPage} onClick={() => void pages.fetchNextPage()}>
          {words.more}
        </Button>
      )}
      {open !== "" && <DeliveryDialog id={open} isOff={endpoint.disabled} onClose={() => setOpen("")} />}
    </section>
  )
}

function Row({ delivery, onOpen }: { delivery: Delivery; onOpen: () => void }) {
  const { type, status, attempts, created_at: createdAt } = delivery
  const { label, tone } = webhookWords.status[status]
  return (
    <button type="button" onClick={onOpen} className="flex w-full flex-wrap items-center gap-x-4 gap-y-0.5 px-4 py-2.5 text-left">
      <span className="flex min-w-0 flex-1 basis-64 flex-col">
        <code className="truncate">{type}</code>
        <span className="truncate text-sm text-dim">
          <Outcome delivery={delivery} />
        </span>
      </span>
      <Badge tone={tone}>{label}</Badge>
      <span className="w-14 text-sm text-dim">{webhookWords.tries(attempts)}</span>
      <span className="w-28 text-sm text-dim sm:text-right">
        <Time at={createdAt} />
      </span>
    </button>
  )
}
