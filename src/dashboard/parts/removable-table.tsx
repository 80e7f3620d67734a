import { Trash2 } from "lucide-react"
import { type ReactNode, useState } from "react"
import { IconButton } from "./button"
import { Confirm } from "./dialog"
import { Cell, Table } from "./table"

/** How a thing of a list is removed: what the button and the dialog say, and a word to type where it destroys. */
export type Removal = { action: string; title: string; help: ReactNode; typed?: string; onConfirm: () => Promise<unknown> }

export type RemovableTableProps<T> = {
  label: string
  head: ReactNode[]
  /** Heading of the column of buttons, for screen readers. */
  actionHead: string
  items: T[]
  idOf: (item: T) => string
  /** How an item is removed; undefined for one that stays. */
  removalOf: (item: T) => Removal | undefined
  /** The cells of a row. */
  children: (item: T) => ReactNode
}

/** A table with a bin at the end of each row, which asks before it removes. */
export function RemovableTable<T>({ label, head, actionHead, items, idOf, removalOf, children }: RemovableTableProps<T>) {
  const [leaving, setLeaving] = useState<Removal>()
  return (
    <>
      <Table label={label} head={[...head, <span className="sr-only">{actionHead}</span>]} hasActions>
        {items.map((item) => {
          const removal = removalOf(item)
          return (
            <tr key={idOf(item)}>
              {children(item)}
              <Cell className="text-right">
                {removal !== undefined && <Bin label={removal.action} onClick={() => setLeaving(removal)} />}
              </Cell>
            </tr>
          )
        })}
      </Table>
      {leaving !== undefined && (
        <Confirm
          isOpen
          onClose={() => setLeaving(undefined)}
          title={leaving.title}
          action={leaving.action}
          {...(leaving.typed === undefined ? {} : { typed: leaving.typed })}
          onConfirm={async () => void (await leaving.onConfirm())}
        >
          {leaving.help}
        </Confirm>
      )}
    </>
  )
}

/** A bin at the end of a row. */
export const Bin = ({ label, onClick }: { label: string; onClick: () => void }) => (
  <IconButton small label={label} onClick={onClick}>
    <Trash2 aria-hidden className="size-4 text-dim" />
  </IconButton>
)
