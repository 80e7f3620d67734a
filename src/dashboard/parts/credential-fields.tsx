import { ExternalLink } from "lucide-react"
import type { CredentialField, Provider } from "../data/providers"
import { credentialParts as words } from "../words/credentials"
import { AreaField, SelectField, TextField } from "./field"

/** What a provider's credential has to be allowed, and where it is made. */
export const CredentialRights = ({ provider }: { provider: Provider }) => (
  <div className="rounded-md bg-sunken px-3 py-2.5 text-sm">
    <p>{words.rights}</p>
    <ul className="mt-1 list-disc pl-5">
      {provider.rights.map((right) => (
        <li key={right} className="font-medium">
          {right}
        </li>
      ))}
    </ul>
    <p className="mt-2 flex flex-wrap gap-x-4 gap-y-1">
      {provider.made_at !== null && <Outside to={provider.made_at} label={words.make(provider.name)} />}
      <Outside to={provider.docs_url} label={words.how} />
    </p>
  </div>
)

const Outside = ({ to, label }: { to: string; label: string }) => (
  <a href={to} target="_blank" rel="noopener noreferrer" className="inline-flex items-center gap-1 text-accent underline">
    {label}
    <ExternalLink aria-hidden className="size-3.5" />
  </a>
)

/** A provider's own fields, under the names that it gives them; `problem` says what is wrong with the field of a key. */
export const CredentialFields = ({
  provider,
  values,
  onChange,
  problem,
}: {
  provider: Provider
  values: Record<string, string>
  onChange: (values: Record<string, string>) => void
  problem: (key: string) => string | undefined
}) =>
  provider.fields.map((field) => (
    <One
      key={`${provider.key} ${field.key}`}
      field={field}
      value={values[field.key] ?? ""}
      problem={problem(field.key)?.replace(/^fields\.\w+: (\w)/i, (_, first: string) => first.toUpperCase())}
      onChange={(value) => onChange({ ...values, [field.key]: value })}
    />
  ))

type OneProps = { field: CredentialField; value: string; problem: string | undefined; onChange: (value: string) => void }

function One({ field: { label, hint, secret, optional, long, choices }, value, problem, onChange }: OneProps) {
  const common = {
    label,
    hint: hint ?? undefined,
    problem,
    isOptional: optional,
    required: !optional,
    value,
    onChange: ({ target }: { target: { value: string } }) => onChange(target.value),
  }
  if (choices !== null)
    return (
      <SelectField {...common}>
        <option value="" disabled={!optional}>
          {words.choose(label)}
        </option>
        {choices.map((choice) => (
          <option key={choice} value={choice}>
            {choice}
          </option>
        ))}
      </SelectField>
    )
  if (long) return <AreaField {...common} isCode rows={5} spellCheck={false} autoComplete="off" />
  return <TextField {...common} isCode type={secret ? "password" : "text"} autoComplete={secret ? "new-password" : "off"} />
}
