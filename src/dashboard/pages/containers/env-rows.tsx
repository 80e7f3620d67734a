import { Plus, Trash2 } from "lucide-react"
import { useState } from "react"
import { Button, IconButton } from "../../parts/button"
import { AreaField } from "../../parts/field"
import { making } from "../../words/containers"
import { parseEnvFile } from "./env-file"

export type Variable = { key: number; name: string; value: string }

let nextKey = 1
const variable = (name = "", value = ""): Variable => ({ key: nextKey++, name, value })

export const variablesOf = (env: Record<string, string> = {}): Variable[] =>
  Object.entries(env).map(([name, value]) => variable(name, value))

/** The environment as the API takes it; rows without a name and a value are nothing. */
export const envOf = (rows: Variable[]): Record<string, string> =>
  Object.fromEntries(rows.filter(({ name, value }) => name !== "" || value !== "").map(({ name, value }) => [name, value]))

const input = "min-h-9 w-full min-w-0 rounded-md border border-edge bg-card px-2.5 font-mono aria-invalid:border-bad"

/** Variables, a row each, and a place to paste a whole .env file into. */
export function EnvRows({
  rows,
  onChange,
  problem,
}: {
  rows: Variable[]
  onChange: (rows: Variable[]) => void
  problem?: string | undefined
}) {
  const [text, setText] = useState<string>()
  const [taken, setTaken] = useState(0)
  const merge = (found: [string, string][]) => {
    const named = new Map(found)
    const kept = rows.filter(({ name, value }) => (name !== "" || value !== "") && !named.has(name))
    onChange([...kept, ...[...named].map(([name, value]) => variable(name, value))])
    setTaken(named.size)
  }
  const edit = (key: number, part: Partial<Variable>) => onChange(rows.map((row) => (row.key === key ? { ...row, ...part } : row)))
  return (
    <div className="flex flex-col gap-2">
      {rows.length === 0 && <p className="text-dim">{making.noVariables}</p>}
      {rows.map(({ key, name, value }, index) => (
        <div key={key} className="grid grid-cols-[minmax(0,2fr)_minmax(0,3fr)_auto] gap-2">
          <input
            aria-label={making.variable(index + 1)}
            aria-invalid={problem === undefined ? undefined : true}
            value={name}
            placeholder="NAME"
            spellCheck={false}
            autoCapitalize="none"
            onChange={(event) => edit(key, { name: event.target.value })}
            onPaste={(event) => {
              const found = parseEnvFile(event.clipboardData.getData("text"))
              if (found.length === 0) return
              event.preventDefault()
              merge(found)
            }}
            className={input}
          />
          <input
            aria-label={making.value(index + 1)}
            value={value}
            placeholder="value"
            spellCheck={false}
            autoComplete="off"
            onChange={(event) => edit(key, { value: event.target.value })}
            className={input}
          />
          <IconButton label={making.removeVariable(name)} onClick={() => onChange(rows.filter((row) => row.key !== key))}>
            <Trash2 aria-hidden className="size-4 text-dim" />
          </IconButton>
        </div>
      ))}
      {problem !== undefined && (
        <p role="alert" className="text-sm text-bad">
          {problem}
        </p>
      )}
      <div className="flex flex-wrap items-center gap-2">
        <Button small icon={<Plus aria-hidden className="size-4" />} onClick={() => onChange([...rows, variable()])}>
          {making.addVariable}
        </Button>
        <Button small kind="quiet" aria-expanded={text !== undefined} onClick={() => setText(text === undefined ? "" : undefined)}>
          {making.pasteEnv}
        </Button>
        <span role="status" className="text-sm text-dim">
          {taken > 0 && making.envTaken(taken)}
        </span>
      </div>
      {text !== undefined && (
        <div className="flex flex-col items-start gap-2">
          <AreaField
            label={making.envText}
            hint={making.envTextHint}
            className="w-full"
            isCode
            rows={6}
            autoFocus
            spellCheck={false}
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
          <Button
            small
            disabled={parseEnvFile(text).length === 0}
            onClick={() => {
              merge(parseEnvFile(text))
              setText(undefined)
            }}
          >
            {making.takeEnv}
          </Button>
        </div>
      )}
    </div>
  )
}
