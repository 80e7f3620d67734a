import { Link } from "@tanstack/react-router"
import { memo } from "react"
import { toneText } from "../../parts/classes"
import { Sparkline } from "../../parts/sparkline"
import { Dot } from "../../parts/status"
import { relativeTime } from "../../parts/time"
import { hostnames } from "../../words/hostnames"
import type { HostnameItem } from "./items"
import { pageOf } from "./model"

export const columns = "lg:grid-cols-[minmax(0,5fr)_minmax(0,4fr)_minmax(0,3fr)_6rem_5.5rem]"

/** A hostname in the list: name, state with its reason, target, its day and its certificate. */
export const HostnameRow = memo(function HostnameRow({ item }: { item: HostnameItem }) {
  const { hostname, kind, standing, target, day, certificateEnds } = item
  const { tone, label, reason, since } = standing
  const total = day?.reduce((sum, one) => sum + one, 0) ?? 0
  const about = [since === undefined ? undefined : `${hostnames.since} ${relativeTime(Date.parse(since))}`, reason]
    .filter(Boolean)
    .join(": ")
  return (
    <Link
      to={pageOf(item)}
      preload={false}
      className={`grid min-h-14 grid-cols-[minmax(0,1fr)_auto] items-center gap-x-4 gap-y-0.5 px-4 py-2 ${columns}`}
    >
      <span className="min-w-0">
        <span className="block truncate font-medium">{hostname}</span>
        <span className="block truncate text-sm text-dim lg:hidden">{target}</span>
        {kind === "connection" && <span className="hidden text-sm text-dim lg:block">{hostnames.kindOf.connection}</span>}
      </span>
      <span className="min-w-0 max-lg:col-span-2 max-lg:row-start-2">
        <span className="flex items-center gap-2">
          <Dot tone={tone} />
          <span className={tone === "good" ? "" : toneText[tone]}>{label}</span>
        </span>
        {about !== "" && (
          <span className="block truncate text-sm text-dim" title={about}>
            {about}
          </span>
        )}
      </span>
      <span className="hidden min-w-0 truncate lg:block">{target}</span>
      <span className="max-lg:hidden">
        {day !== undefined && total > 0 && <Sparkline values={day} label={hostnames.requests(total)} />}
      </span>
      <span className="text-right text-sm whitespace-nowrap text-dim max-lg:col-start-2 max-lg:row-start-1">
        {certificateEnds !== undefined && (
          <>
            <span className="sr-only">{hostnames.certificateLeft} </span>
            {hostnames.certificateDays(Math.floor((Date.parse(certificateEnds) - Date.now()) / 86_400_000))}
          </>
        )}
      </span>
    </Link>
  )
})
