import { useId } from "react"
import { SelectField, TextField } from "../../parts/field"
import { bytes } from "../../parts/time"
import { making } from "../../words/containers"
import { joinWords, parseWords } from "./command-words"
import { type Container, useImages, useInstanceTypes } from "./data"
import { EnvRows, envOf, type Variable, variablesOf } from "./env-rows"
import { Group } from "./form-parts"

/** What may be said of a container that the engine runs, as it is typed. */
export type Draft = {
  image: string
  instance_type: string
  memory_mb: string
  storage_gb: string
  pids_limit: string
  variables: Variable[]
  command: string
  restart_policy: string
  pull_policy: string
}

export const emptyDraft = (): Draft => ({
  image: "",
  instance_type: "",
  memory_mb: "512",
  storage_gb: "5",
  pids_limit: "",
  variables: [],
  command: "",
  restart_policy: "always",
  pull_policy: "IfNotPresent",
})

export const draftOf = (container: Container): Draft => ({
  image: container.image ?? "",
  instance_type: container.instance_type,
  memory_mb: String(container.memory_mb),
  storage_gb: String(container.storage_gb),
  pids_limit: container.pids_limit === undefined ? "" : String(container.pids_limit),
  variables: variablesOf(container.env),
  command: joinWords(container.command ?? []),
  restart_policy: container.restart_policy ?? "no",
  pull_policy: container.pull_policy,
})

/** A draft as the API takes it. */
export const bodyOf = (draft: Draft): Record<string, unknown> => ({
  image: draft.image.trim(),
  instance_type: draft.instance_type || undefined,
  memory_mb: numberOf(draft.memory_mb),
  storage_gb: numberOf(draft.storage_gb),
  pids_limit: numberOf(draft.pids_limit) ?? null,
  env: envOf(draft.variables),
  command: parseWords(draft.command) ?? [],
  restart_policy: draft.restart_policy,
  pull_policy: draft.pull_policy,
})

/** What is no number goes to the API as it is, which says so. */
const numberOf = (text: string): number | string | undefined => {
  if (text.trim() === "") return undefined
  return Number.isNaN(Number(text)) ? text : Number(text)
}

/** By what the API's sentences name these fields. */
export const definitionFields: Record<string, RegExp> = {
  image: /\bimage\b/i,
  instance_type: /instance_type/i,
  memory_mb: /memory_mb/i,
  storage_gb: /storage_gb/i,
  pids_limit: /pids_limit/i,
  env: /^env\b/i,
  command: /^command\b/i,
  restart_policy: /restart_policy/i,
  pull_policy: /pull_policy/i,
}

export type FieldsProps = { draft: Draft; onChange: (part: Partial<Draft>) => void; problemAt: (field: string) => string | undefined }

export function ImageField({ draft, onChange, problemAt }: FieldsProps) {
  const id = useId()
  const { data: images = [] } = useImages()
  return (
    <>
      <TextField
        label={making.image}
        hint={making.imageHint}
        isCode
        list={id}
        value={draft.image}
        problem={problemAt("image")}
        onChange={(event) => onChange({ image: event.target.value })}
      />
      <datalist id={id}>
        {images.map(({ image, size_bytes: size }) => (
          <option key={image} value={image}>
            {bytes(size)}
          </option>
        ))}
      </datalist>
    </>
  )
}

export function SizeGroup({ draft, onChange, problemAt }: FieldsProps) {
  const { data } = useInstanceTypes()
  const number = (field: "memory_mb" | "storage_gb" | "pids_limit", label: string, hint?: string) => (
    <TextField
      label={label}
      hint={hint}
      isOptional={field === "pids_limit"}
      inputMode="numeric"
      value={draft[field]}
      problem={problemAt(field)}
      onChange={(event) => onChange({ [field]: event.target.value })}
    />
  )
  return (
    <Group title={making.size} help={making.sizeHelp}>
      <div className="grid gap-4 sm:grid-cols-2">
        <SelectField
          label={making.instanceType}
          value={draft.instance_type}
          problem={problemAt("instance_type")}
          onChange={(event) => onChange({ instance_type: event.target.value })}
        >
          {data?.instance_types.map(({ name, cpus }, index) => (
            <option key={name} value={draft.instance_type === "" && index === 0 ? "" : name}>
              {`${name} · ${making.cpus(cpus)}`}
            </option>
          ))}
        </SelectField>
        {number("memory_mb", making.memory)}
        {number("storage_gb", making.storage, making.storageHint)}
        {number("pids_limit", making.pids)}
      </div>
    </Group>
  )
}

export const EnvGroup = ({ draft, onChange, problemAt }: FieldsProps) => (
  <Group title={making.environment} help={making.environmentHelp}>
    <EnvRows rows={draft.variables} onChange={(variables) => onChange({ variables })} problem={problemAt("env")} />
  </Group>
)

export function StartGroup({ draft, onChange, problemAt }: FieldsProps) {
  const words = parseWords(draft.command)
  const hint = words === undefined || words.length === 0 ? making.commandHint : making.commandWords(words)
  return (
    <Group title={making.start} help={making.startHelp}>
      <TextField
        label={making.command}
        hint={hint}
        isOptional
        isCode
        value={draft.command}
        problem={words === undefined ? making.unclosedQuote : problemAt("command")}
        onChange={(event) => onChange({ command: event.target.value })}
      />
      <div className="grid gap-4 sm:grid-cols-2">
        <SelectField
          label={making.restartPolicy}
          value={draft.restart_policy}
          problem={problemAt("restart_policy")}
          onChange={(event) => onChange({ restart_policy: event.target.value })}
        >
          <Options labels={making.restartPolicies} />
        </SelectField>
        <SelectField
          label={making.pullPolicy}
          value={draft.pull_policy}
          problem={problemAt("pull_policy")}
          onChange={(event) => onChange({ pull_policy: event.target.value })}
        >
          <Options labels={making.pullPolicies} />
        </SelectField>
      </div>
    </Group>
  )
}

const Options = ({ labels }: { labels: Record<string, string> }) =>
  Object.entries(labels).map(([value, label]) => (
    <option key={value} value={value}>
      {label}
    </option>
  ))
