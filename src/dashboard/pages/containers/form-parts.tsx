import type { ReactNode } from "react"
import { Button, ButtonLink } from "../../parts/button"
import { FormFault, type Problems } from "../../parts/form-fault"
import { shell } from "../../words/shell"

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

/** The end of a form that is a page: what was refused, the way back, and the button. */
export const FormEnd = ({ problems, action, isBusy }: { problems: Problems; action: string; isBusy: boolean }) => (
  <>
    <FormFault error={problems.rest} />
    <div className="flex flex-wrap justify-end gap-2">
      <ButtonLink to="/containers">{shell.cancel}</ButtonLink>
      <Button kind="primary" type="submit" isBusy={isBusy}>
        {action}
      </Button>
    </div>
  </>
)
