import { Link } from "@tanstack/react-router"
import type { Ref } from "react"
import { SelectField, TextField } from "../../parts/field"
import { Notice } from "../../parts/status"
import { adding as words } from "../../words/hostnames"
import type { Container } from "./model"

export type TargetInput = { container: string; port: string }

/** The port that a container is likeliest to answer at. */
export const portOf = (container: Container | undefined): string => Object.keys(container?.ports ?? {})[0] ?? "8080"

/** Which container and which of its ports a name leads to. */
export function TargetFields({
  containers,
  value,
  onChange,
  problem,
  portProblem,
  fieldRef,
}: {
  containers: Container[]
  value: TargetInput
  onChange: (value: TargetInput) => void
  problem?: string | undefined
  portProblem?: string | undefined
  fieldRef?: Ref<HTMLSelectElement>
}) {
  if (containers.length === 0)
    return (
      <Notice tone="info">
        {words.noContainers} <ToContainers>{words.toContainers}</ToContainers>
      </Notice>
    )
  const chosen = containers.find(({ id }) => id === value.container)
  const ports = Object.keys(chosen?.ports ?? {})
  return (
    <div className="flex flex-col gap-2">
      <div className="grid gap-4 sm:grid-cols-[minmax(0,1fr)_12rem]">
        <SelectField
          ref={fieldRef}
          label={words.container}
          value={chosen?.id ?? ""}
          problem={problem}
          onChange={(event) => {
            const next = containers.find(({ id }) => id === event.target.value)
            onChange({ container: event.target.value, port: portOf(next) })
          }}
        >
          <option value="">{words.chooseContainer}</option>
          {containers.map(({ id, name, status }) => (
            <option key={id} value={id}>
              {name} · {status}
            </option>
          ))}
        </SelectField>
        {ports.length > 0 ? (
          <SelectField
            label={words.port}
            value={value.port}
            problem={portProblem}
            onChange={(event) => onChange({ ...value, port: event.target.value })}
          >
            {[...new Set([...ports, value.port])].map((port) => (
              <option key={port}>{port}</option>
            ))}
          </SelectField>
        ) : (
          <TextField
            label={words.port}
            inputMode="numeric"
            isCode
            value={value.port}
            problem={portProblem}
            onChange={(event) => onChange({ ...value, port: event.target.value })}
          />
        )}
      </div>
      <p className="text-sm text-dim">
        {words.portHint} {words.anotherTarget} <ToContainers>{words.toContainers}</ToContainers>.
      </p>
    </div>
  )
}

const ToContainers = ({ children }: { children: string }) => (
  <Link to="/containers" className="text-accent underline">
    {children}
  </Link>
)
