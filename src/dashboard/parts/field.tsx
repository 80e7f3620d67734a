import { type ComponentProps, type ReactNode, useId } from "react"
import { cx } from "./classes"

const box =
  "w-full rounded-md border border-edge bg-card px-2.5 text-text disabled:opacity-60 aria-invalid:border-bad [&[readonly]]:bg-sunken"

type Around = { label: string; hint?: ReactNode; problem?: string | undefined; isOptional?: boolean; className?: string | undefined }
type Wired = { id: string; "aria-describedby"?: string | undefined; "aria-invalid"?: true | undefined }

/** A label, what is typed below it, a hint, and what is wrong with what was typed; screen readers hear all of it. */
export function Field({
  label,
  hint,
  problem,
  isOptional = false,
  className,
  children,
}: Around & { children: (wired: Wired) => ReactNode }) {
  const id = useId()
  const described = [hint !== undefined && `${id}-hint`, problem !== undefined && `${id}-problem`].filter(Boolean).join(" ")
  return (
    <div className={cx("flex flex-col gap-1", className)}>
      <label htmlFor={id} className="font-medium">
        {label}
        {isOptional && <span className="font-normal text-dim"> · optional</span>}
      </label>
      {children({ id, "aria-describedby": described || undefined, "aria-invalid": problem === undefined ? undefined : true })}
      {hint !== undefined && (
        <p id={`${id}-hint`} className="text-sm text-dim">
          {hint}
        </p>
      )}
      {problem !== undefined && (
        <p id={`${id}-problem`} role="alert" className="text-sm text-bad">
          {problem}
        </p>
      )}
    </div>
  )
}

export type TextFieldProps = Around & Omit<ComponentProps<"input">, "id" | "className"> & { isCode?: boolean }

export const TextField = ({ label, hint, problem, isOptional, className, isCode = false, ...rest }: TextFieldProps) => (
  <Field {...{ label, hint, problem, isOptional, className }}>
    {(wired) => (
      <input
        type="text"
        {...(isCode ? { autoCapitalize: "none", autoCorrect: "off", spellCheck: false } : {})}
        {...rest}
        {...wired}
        className={cx(box, "min-h-9", isCode && "font-mono")}
      />
    )}
  </Field>
)

export type AreaFieldProps = Around & Omit<ComponentProps<"textarea">, "id" | "className"> & { isCode?: boolean }

export const AreaField = ({ label, hint, problem, isOptional, className, isCode = false, ...rest }: AreaFieldProps) => (
  <Field {...{ label, hint, problem, isOptional, className }}>
    {(wired) => <textarea rows={4} {...rest} {...wired} className={cx(box, "py-2", isCode && "font-mono")} />}
  </Field>
)

export type SelectFieldProps = Around & Omit<ComponentProps<"select">, "id" | "className">

/** The browser's own list, which works everywhere and with everything. */
export const SelectField = ({ label, hint, problem, isOptional, className, children, ...rest }: SelectFieldProps) => (
  <Field {...{ label, hint, problem, isOptional, className }}>
    {(wired) => (
      <select {...rest} {...wired} className={cx(box, "min-h-9")}>
        {children}
      </select>
    )}
  </Field>
)

export type CheckFieldProps = Omit<ComponentProps<"input">, "id" | "className" | "type"> & { label: ReactNode; hint?: ReactNode }

export function CheckField({ label, hint, ...rest }: CheckFieldProps) {
  const id = useId()
  return (
    <div className="grid grid-cols-[auto_1fr] items-start gap-x-2">
      <input
        type="checkbox"
        {...rest}
        id={id}
        aria-describedby={hint === undefined ? undefined : `${id}-hint`}
        className="mt-0.5 size-4 accent-(--color-accent)"
      />
      <label htmlFor={id}>{label}</label>
      {hint !== undefined && (
        <p id={`${id}-hint`} className="col-start-2 text-sm text-dim">
          {hint}
        </p>
      )}
    </div>
  )
}

/** A search box that narrows a list; Escape empties it. */
export function SearchBox({
  label,
  value,
  onChange,
  className,
}: {
  label: string
  value: string
  onChange: (value: string) => void
  className?: string
}) {
  return (
    <input
      type="search"
      aria-label={label}
      placeholder={label}
      value={value}
      onChange={(event) => onChange(event.target.value)}
      onKeyDown={(event) => event.key === "Escape" && onChange("")}
      className={cx(box, "min-h-9", className)}
    />
  )
}
