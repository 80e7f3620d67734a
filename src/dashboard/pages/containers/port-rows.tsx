import { ArrowRight, Plus, Trash2 } from "lucide-react"
import { Button, IconButton } from "../../parts/button"
import { making } from "../../words/containers"

export type PortRow = { key: number; outer: string; inner: string }

let nextKey = 1
export const portRow = (outer = "", inner = ""): PortRow => ({ key: nextKey++, outer, inner })

/** Rows in which something stands. */
export const filled = (rows: PortRow[]): PortRow[] => rows.filter(({ outer, inner }) => outer !== "" || inner !== "")

export type PortRowsProps = {
  rows: PortRow[]
  onChange: (rows: PortRow[]) => void
  outerLabel: string
  innerLabel: string
  problem?: string | undefined
  none: string
}

const input = "min-h-9 w-full min-w-0 rounded-md border border-edge bg-card px-2.5 tabular-nums aria-invalid:border-bad"

/** Pairs of ports: where visitors come, and where that leads. */
export function PortRows({ rows, onChange, outerLabel, innerLabel, problem, none }: PortRowsProps) {
  const edit = (key: number, part: Partial<PortRow>) => onChange(rows.map((row) => (row.key === key ? { ...row, ...part } : row)))
  const field = (row: PortRow, part: "outer" | "inner", label: string, example: string) => (
    <label className="flex min-w-0 flex-col gap-1">
      <span className="text-sm text-dim">{label}</span>
      <input
        inputMode="numeric"
        aria-invalid={problem === undefined || part === "inner" ? undefined : true}
        placeholder={example}
        value={row[part]}
        onChange={(event) => edit(row.key, { [part]: event.target.value.replaceAll(/\D/g, "").slice(0, 5) })}
        className={input}
      />
    </label>
  )
  return (
    <div className="flex flex-col gap-2">
      {rows.length === 0 && <p className="text-dim">{none}</p>}
      {rows.map((row) => (
        <div key={row.key} className="grid max-w-sm grid-cols-[minmax(0,1fr)_auto_minmax(0,1fr)_auto] items-end gap-2">
          {field(row, "outer", outerLabel, "443")}
          <ArrowRight aria-hidden className="mb-2.5 size-4 text-dim" />
          {field(row, "inner", innerLabel, "8080")}
          <IconButton label={making.removePort(row.outer)} onClick={() => onChange(rows.filter(({ key }) => key !== row.key))}>
            <Trash2 aria-hidden className="size-4 text-dim" />
          </IconButton>
        </div>
      ))}
      {problem !== undefined && (
        <p role="alert" className="text-sm text-bad">
          {problem}
        </p>
      )}
      <Button
        small
        className="self-start"
        icon={<Plus aria-hidden className="size-4" />}
        onClick={() => onChange([...rows, rows.length === 0 ? portRow("443", "") : portRow()])}
      >
        {making.addPort}
      </Button>
    </div>
  )
}
