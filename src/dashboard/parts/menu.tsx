import { Menu as Base } from "@base-ui/react/menu"
import { EllipsisVertical } from "lucide-react"
import type { ReactElement, ReactNode } from "react"
import { IconButton } from "./button"
import { cx } from "./classes"

export type MenuItem = { label: string; onSelect: () => void; icon?: ReactNode; isDanger?: boolean; isDisabled?: boolean }

/** A menu of actions, opened by `trigger` or by three dots. `label` names it. */
export function Menu({ label, items, trigger }: { label: string; items: MenuItem[]; trigger?: ReactElement }) {
  return (
    <Base.Root>
      <Base.Trigger
        render={
          trigger ?? (
            <IconButton small label={label}>
              <EllipsisVertical aria-hidden className="size-4" />
            </IconButton>
          )
        }
      />
      <Base.Portal>
        <Base.Positioner sideOffset={4} align="end" className="z-50">
          <Base.Popup className="min-w-44 rounded-lg border border-line bg-card p-1 shadow-lg outline-none">
            {items.map(({ label, onSelect, icon, isDanger = false, isDisabled = false }) => (
              <Base.Item
                key={label}
                onClick={onSelect}
                disabled={isDisabled}
                className={cx(
                  "flex cursor-pointer items-center gap-2 rounded-md px-2.5 py-1.5 outline-none data-disabled:opacity-50 data-highlighted:bg-hover",
                  isDanger && "text-bad",
                )}
              >
                {icon}
                {label}
              </Base.Item>
            ))}
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  )
}
