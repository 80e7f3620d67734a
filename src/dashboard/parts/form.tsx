import { type FormEvent, type ReactNode, useRef } from "react"
import type { ApiFault } from "../data/api"
import { shell } from "../words/shell"
import { Button } from "./button"
import { Actions } from "./dialog"
import { FormFault, useProblems } from "./form-fault"

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

/** The form of a dialog, which keeps what was typed when the API refuses, says why at the field that the API named, else above the buttons, and puts the focus there. */
export function Form({ fields, fieldOf, error, isBusy, action, onSubmit, onCancel, children }: FormProps) {
  const form = useRef<HTMLFormElement>(null)
  const sentences = Object.fromEntries(fields.map((field) => [field, new RegExp(`^${RegExp.escape(field)}`, "i")]))
  const problems = useProblems(form, error, sentences, fieldOf)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (!isBusy) onSubmit()
  }
  return (
    <form ref={form} className="flex flex-col gap-4" onSubmit={submit}>
      {children(problems.at)}
      <FormFault error={problems.rest} />
      <Actions>
        <Button onClick={onCancel}>{shell.cancel}</Button>
        <Button kind="primary" type="submit" isBusy={isBusy}>
          {action}
        </Button>
      </Actions>
    </form>
  )
}
