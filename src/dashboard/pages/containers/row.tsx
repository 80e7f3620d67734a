import { Link } from "@tanstack/react-router"
import { Play, ScrollText, Square, SquareTerminal, Trash2 } from "lucide-react"
import { memo } from "react"
import { cx } from "../../parts/classes"
import { Menu, type MenuItem } from "../../parts/menu"
import { containers } from "../../words/containers"
import { canStart } from "./acts"
import { type Container, isExternal } from "./data"
import { type Busy, KindBadge, StateLine } from "./state"
import { UsageCells } from "./usage"

/** The columns of a row and of the line above the rows. */
export const columns =
  "grid grid-cols-[minmax(0,1fr)_2.25rem] items-center gap-x-4 px-4 md:grid-cols-[minmax(0,5fr)_minmax(0,3.5fr)_minmax(0,5fr)_11rem_2.25rem]"

export type RowProps = {
  container: Container
  hostnames: string[]
  busy: Busy | undefined
  onAct: (container: Container, what: "start" | "stop") => unknown
  onDelete: (container: Container) => void
  onGo: (path: string) => void
}

/** One container in the list. */
export const Row = memo(({ container, hostnames, busy, onAct, onDelete, onGo }: RowProps) => {
  const { id, name } = container
  return (
    <div className={`${columns} min-h-15 py-2`}>
      <div className="min-w-0">
        <p className="flex items-center gap-2">
          <Link to={`/containers/${id}`} className="truncate font-medium hover:underline">
            {name}
          </Link>
          <KindBadge container={container} />
        </p>
        <p title={container.image} className="truncate font-mono text-xs text-dim">
          {container.image ?? container.address}
        </p>
      </div>
      <StateLine container={container} busy={busy} className="max-md:col-span-2 max-md:mt-1" />
      <Addresses container={container} hostnames={hostnames} />
      <UsageCells id={id} isRunning={container.status === "running" && !isExternal(container)} />
      <span className="max-md:col-start-2 max-md:row-start-1">
        <Menu label={containers.actions(name)} items={itemsOf(container, { onAct, onDelete, onGo })} />
      </span>
    </div>
  )
})

function itemsOf(container: Container, { onAct, onDelete, onGo }: Pick<RowProps, "onAct" | "onDelete" | "onGo">): MenuItem[] {
  const path = `/containers/${container.id}`
  const isOutside = isExternal(container)
  const icon = "size-4 text-dim"
  const start: MenuItem = {
    label: isOutside ? containers.startRouting : containers.start,
    icon: <Play aria-hidden className={icon} />,
    onSelect: () => onAct(container, "start"),
  }
  const stop: MenuItem = {
    label: isOutside ? containers.stopRouting : containers.stop,
    icon: <Square aria-hidden className={icon} />,
    onSelect: () => onAct(container, "stop"),
  }
  const inside: MenuItem[] = [
    { label: containers.logs, icon: <ScrollText aria-hidden className={icon} />, onSelect: () => onGo(`${path}/logs`) },
    {
      label: containers.terminal,
      icon: <SquareTerminal aria-hidden className={icon} />,
      onSelect: () => onGo(`${path}/terminal`),
      isDisabled: container.status !== "running",
    },
  ]
  const remove: MenuItem = {
    label: containers.remove,
    icon: <Trash2 aria-hidden className="size-4" />,
    isDanger: true,
    onSelect: () => onDelete(container),
  }
  return [canStart(container) ? start : stop, ...(isOutside ? [] : inside), remove]
}

function Addresses({ container, hostnames }: { container: Container; hostnames: string[] }) {
  const names = [...hostnames, ...(container.https_enabled ? [container.hostname] : [])]
  const [first, ...others] = names
  return (
    <div className={cx("min-w-0 max-md:col-span-2", first === undefined && "max-md:hidden")}>
      {first === undefined ? (
        <p className="truncate text-sm text-dim">{containers.noAddress}</p>
      ) : (
        <p className="flex gap-1.5">
          <a href={`https://${first}`} target="_blank" rel="noreferrer" className="truncate text-accent hover:underline">
            {first}
          </a>
          {others.length > 0 && (
            <span title={others.join("\n")} className="shrink-0 text-sm text-dim">
              {containers.more(others.length)}
            </span>
          )}
        </p>
      )}
      {container.address !== undefined && container.image !== undefined && (
        <p className="truncate font-mono text-xs text-dim max-md:hidden">{container.address}</p>
      )}
    </div>
  )
}
