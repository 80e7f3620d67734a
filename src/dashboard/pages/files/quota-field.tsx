import { SelectField, TextField } from "../../parts/field"
import { files } from "../../words/files"

/** A bound as it is typed: a number in a unit. */
export type QuotaInput = { amount: string; unit: number }

const units: [label: string, bytes: number][] = [
  ["MiB", 2 ** 20],
  ["GiB", 2 ** 30],
  ["TiB", 2 ** 40],
]

/** Shows a bound in the largest unit that has few enough digits. */
export function quotaInput(bytes: number | null): QuotaInput {
  if (bytes === null) return { amount: "", unit: 2 ** 30 }
  const [, unit] = units.findLast(([, size]) => bytes >= size) ?? ["MiB", 2 ** 20]
  return { amount: String(Math.round((bytes / unit) * 1000) / 1000), unit }
}

/** In bytes; null for no bound, undefined for what is no number. */
export function quotaOf({ amount, unit }: QuotaInput): number | null | undefined {
  const text = amount.trim().replace(",", ".")
  if (text === "") return null
  return /^\d+(\.\d+)?$/.test(text) && Number(text) > 0 ? Math.round(Number(text) * unit) : undefined
}

export const QuotaField = ({ value, onChange, hint }: { value: QuotaInput; onChange: (value: QuotaInput) => void; hint?: string }) => (
  <div className="grid grid-cols-[1fr_6rem] items-start gap-2">
    <TextField
      label={files.quota}
      inputMode="decimal"
      value={value.amount}
      hint={hint}
      problem={quotaOf(value) === undefined ? files.quotaBad : undefined}
      onChange={(event) => onChange({ ...value, amount: event.target.value })}
    />
    <SelectField label={files.quotaUnit} value={value.unit} onChange={(event) => onChange({ ...value, unit: Number(event.target.value) })}>
      {units.map(([label, size]) => (
        <option key={label} value={size}>
          {label}
        </option>
      ))}
    </SelectField>
  </div>
)
