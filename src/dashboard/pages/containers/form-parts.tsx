import { type ReactNode, type RefObject, useEffect } from "react"
import { FaultNotice, faultText } from "../../parts/status"

/** A part of a long form: what it is about on the left, its fields on the right. */
export const Group = ({ title, help, children }: { title: string; help?: ReactNode; children: ReactNode }) => (
  <fieldset className="grid min-w-0 gap-x-8 gap-y-3 border-t border-line py-5 first:border-0 first:pt-0 last:pb-0 lg:grid-cols-[15rem_minmax(0,1fr)]">
    <legend className="sr-only">{title}</legend>
    <div>
      <p aria-hidden className="font-semibold">
        {title}
      </p>
      {help !== undefined && <p className="mt-0.5 text-sm text-dim">{help}</p>}
    </div>
    <div className="flex max-w-2xl min-w-0 flex-col gap-4">{children}</div>
  </fieldset>
)

/** Which field of a form the API speaks of, by how its sentence begins or what it names; undefined where it is none of them. */
export function fieldOf(error: unknown, fields: Record<string, RegExp>): string | undefined {
  if (error === null || error === undefined) return undefined
  const said = faultText(error)
  return Object.keys(fields).find((field) => fields[field]?.test(said))
}

/** What the API said of each field of a form, and what it said of none of them. */
export function problemsOf(error: unknown, fields: Record<string, RegExp>): { at: (field: string) => string | undefined; rest: unknown } {
  const place = fieldOf(error, fields)
  return {
    at: (field) => (field === place ? faultText(error) : undefined),
    rest: place === undefined && error !== null ? error : undefined,
  }
}

/** Brings the focus to what the API refused: the field, or the notice of the form. */
export function useFocusOnProblem(form: RefObject<HTMLElement | null>, error: unknown): void {
  useEffect(() => {
    if (error === null || error === undefined) return
    form.current?.querySelector<HTMLElement>("[aria-invalid=true], [data-form-fault]")?.focus()
  }, [form, error])
}

/** What the API refused without naming a field. */
export const FormFault = ({ error }: { error: unknown }) =>
  error === undefined ? null : (
    <div data-form-fault tabIndex={-1}>
      <FaultNotice error={error} />
    </div>
  )
