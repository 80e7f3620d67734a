import { type FormEvent, type ReactNode, useEffect, useRef } from "react"
import { ApiFault } from "../../data/api"
import { Button } from "../../parts/button"
import { Actions } from "../../parts/dialog"
import { FaultNotice, faultText } from "../../parts/status"
import { shell } from "../../words/shell"

export type FormProps = {
  /** Fields by the names that the API's messages begin with. */
  fields: string[]
  /** Names the field of a fault whose message does not begin with it. */
  fieldOf?: (fault: ApiFault) => string | undefined
  error: unknown
  isBusy: boolean
  /** A verb and what it is done to. */
  action: string
  onSubmit: () => void
  onCancel: () => void
  /** Gets what is wrong with a field. */
  children: (problem: (field: string) => string | undefined) => ReactNode
}

/** A form that keeps what was typed when the API refuses, says why at the field that the API named, else above the buttons, and puts the focus there. */
export function Form({ fields, fieldOf, error, isBusy, action, onSubmit, onCancel, children }: FormProps) {
  const form = useRef<HTMLFormElement>(null)
  const said = error === null || error === undefined ? "" : faultText(error)
  const named = error instanceof ApiFault ? (fieldOf?.(error) ?? fields.find((field) => said.toLowerCase().startsWith(field))) : undefined
  useEffect(() => {
    if (said !== "") form.current?.querySelector<HTMLElement>("[aria-invalid=true], [data-fault]")?.focus()
  }, [error, said])
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (!isBusy) onSubmit()
  }
  return (
    <form ref={form} className="flex flex-col gap-4" onSubmit={submit}>
      {children((field) => (field === named ? said : undefined))}
      {said !== "" && named === undefined && (
        <div tabIndex={-1} data-fault>
          <FaultNotice error={error} />
        </div>
      )}
      <Actions>
        <Button onClick={onCancel}>{shell.cancel}</Button>
        <Button kind="primary" type="submit" isBusy={isBusy}>
          {action}
        </Button>
      </Actions>
    </form>
  )
}
