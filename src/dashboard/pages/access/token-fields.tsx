import { SelectField, TextField } from "../../parts/field"
import { tokens } from "../../words/tokens"

export type TokenInput = { name: string; expires_in: keyof typeof tokens.lifetimes }

/** Three months: long enough to forget the trouble of a new one, short enough that a lost one ends by itself. */
export const newInput: TokenInput = { name: "", expires_in: "90d" }

/** How a token is called, and when it ends. */
export const TokenFields = ({ input, onChange }: { input: TokenInput; onChange: (input: TokenInput) => void }) => (
  <div className="grid gap-4 sm:grid-cols-2">
    <TextField
      label={tokens.name}
      hint={tokens.nameHint}
      required
      autoFocus
      maxLength={64}
      autoComplete="off"
      value={input.name}
      onChange={(event) => onChange({ ...input, name: event.target.value })}
    />
    <SelectField
      label={tokens.lifetime}
      hint={input.expires_in === "never" ? tokens.neverHint : undefined}
      value={input.expires_in}
      onChange={(event) => onChange({ ...input, expires_in: event.target.value as TokenInput["expires_in"] })}
    >
      {Object.entries(tokens.lifetimes).map(([value, label]) => (
        <option key={value} value={value}>
          {label}
        </option>
      ))}
    </SelectField>
  </div>
)
