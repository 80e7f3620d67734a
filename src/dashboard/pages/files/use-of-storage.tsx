import { useQuery } from "@tanstack/react-query"
import { Loaded } from "../../parts/loaded"
import { Skeleton } from "../../parts/status"
import { bytes } from "../../parts/time"
import { files } from "../../words/files"
import { Meter } from "../../parts/meter"
import { statusQuery, usageQuery } from "./model"

const words = files.use

/** What the person uses of what they may, and what the disk has left. */
export function UseOfStorage() {
  const usage = useQuery(usageQuery)
  const status = useQuery(statusQuery)
  return (
    <div className="grid gap-x-8 gap-y-4 sm:grid-cols-2">
      <Loaded query={usage} skeleton={<Skeleton className="h-[4.25rem]" />}>
        {({ used_bytes: used, quota_bytes: quota, objects, namespaces }) => (
          <Amount
            name={words.you}
            amount={bytes(used)}
            of={quota === null ? words.noQuota : words.ofQuota(bytes(quota))}
            share={quota === null ? undefined : quota === 0 ? 1 : used / quota}
            note={words.yourFiles(objects, namespaces)}
          />
        )}
      </Loaded>
      <Loaded query={status} skeleton={<Skeleton className="h-[4.25rem]" />}>
        {({ capacity_bytes: capacity, free_bytes: free, floor_bytes: floor }) => (
          <Amount
            name={words.disk}
            amount={bytes(free)}
            of={words.ofDisk(bytes(capacity))}
            share={capacity === 0 ? undefined : 1 - free / capacity}
            note={floor > 0 ? words.floor(bytes(floor)) : ""}
          />
        )}
      </Loaded>
    </div>
  )
}

const Amount = ({
  name,
  amount,
  of,
  share,
  note,
}: {
  name: string
  amount: string
  of: string
  share?: number | undefined
  note: string
}) => (
  <div className="flex min-h-[4.25rem] flex-col gap-1.5">
    <p className="text-dim">
      {name} <strong className="text-lg font-semibold text-text tabular-nums">{amount}</strong> {of}
    </p>
    {share !== undefined && <Meter label={name} value={share} text={`${amount} ${of}`} />}
    <p className="text-sm text-dim">{note}</p>
  </div>
)
