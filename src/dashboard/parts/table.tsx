import type { ReactNode } from "react"
import { cx } from "./classes"

export type TableProps = {
  label: string
  head: ReactNode[]
  /** The last column has buttons: it stays in sight while the others scroll under it. */
  hasActions?: boolean
  children: ReactNode
}

const actions =
  "[&_tr]:bg-card [&_tr>:last-child]:sticky [&_tr>:last-child]:right-0 [&_tr>:last-child]:bg-inherit max-sm:[&_tr>:last-child]:shadow-[-1px_0_0_var(--color-line)]"

/** A table that scrolls sideways by itself where it is too wide, so that the page never does. */
export const Table = ({ label, head, hasActions = false, children }: TableProps) => (
  <div role="region" aria-label={label} tabIndex={0} className="relative overflow-x-auto rounded-lg border border-line bg-card">
    <table className={cx("w-full border-collapse text-left", hasActions && actions)}>
      <thead className="text-sm text-dim">
        <tr className="border-b border-line">
          {head.map((cell, column) => (
            <th key={column} scope="col" className="px-3 py-2 font-medium whitespace-nowrap">
              {cell}
            </th>
          ))}
        </tr>
      </thead>
      <tbody className="[&>tr]:border-b [&>tr]:border-line [&>tr:hover]:bg-hover [&>tr:last-child]:border-0">{children}</tbody>
    </table>
  </div>
)

export const Cell = ({ children, className }: { children?: ReactNode; className?: string }) => (
  <td className={cx("px-3 py-2 align-middle", className)}>{children}</td>
)

/** A table below its name. */
export const TitledTable = (props: TableProps) => (
  <section className="flex min-w-0 flex-col gap-2">
    <h2 className="font-semibold">{props.label}</h2>
    <Table {...props} />
  </section>
)
