import { Dialog as Base } from "@base-ui/react/dialog"
import { X } from "lucide-react"
import { type FormEvent, type ReactNode, useRef, useState } from "react"
import { shell } from "../words/shell"
import { Button, IconButton } from "./button"
import { cx } from "./classes"
import { TextField } from "./field"
import { FaultNotice } from "./status"

export type DialogProps = {
  isOpen: boolean
  onClose: () => void
  title: string
  description?: ReactNode
  children?: ReactNode
  isWide?: boolean
}

/** A dialog over the page: keeps the focus, closes with Escape, and gives the focus back. On narrow screens it lies at the bottom. */
export function Dialog({ isOpen, onClose, title, description, children, isWide = false }: DialogProps) {
  const popup = useRef<HTMLDivElement>(null)
  // What is to be filled in, before the button that closes; a finger would get the keyboard over what it has not read yet.
  const firstField = (by: string) =>
    by === "touch"
      ? true
      : (popup.current?.querySelector<HTMLElement>("input:not([type=hidden], [type=file], [type=checkbox]), textarea") ?? true)
  return (
    <Base.Root open={isOpen} onOpenChange={(open) => !open && onClose()}>
      <Base.Portal>
        <Base.Backdrop data-backdrop className="fixed inset-0 z-40 bg-black/45" />
        <Base.Popup
          ref={popup}
          initialFocus={firstField}
          className={cx(
            "fixed inset-x-0 bottom-0 z-50 flex max-h-[92dvh] flex-col overflow-y-auto rounded-t-lg border border-line bg-card p-5 shadow-xl",
            "sm:inset-x-auto sm:top-[12vh] sm:bottom-auto sm:left-1/2 sm:max-h-[80vh] sm:w-[calc(100vw-2rem)] sm:-translate-x-1/2 sm:rounded-lg",
            isWide ? "sm:max-w-3xl" : "sm:max-w-lg",
          )}
        >
          <div className="flex items-start gap-3">
            <Base.Title className="min-w-0 flex-1 text-lg font-semibold [overflow-wrap:anywhere]">{title}</Base.Title>
            <Base.Close
              render={
                <IconButton small label={shell.close}>
                  <X aria-hidden className="size-4" />
                </IconButton>
              }
            />
          </div>
          {description !== undefined && (
            <Base.Description render={<div />} className="mt-1 text-dim">
              {description}
            </Base.Description>
          )}
          <div className="mt-4 flex flex-col gap-4">{children}</div>
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  )
}

/** The row of buttons at the end of a dialog or a form. */
export const Actions = ({ children }: { children: ReactNode }) => (
  <div className="flex flex-wrap justify-end gap-2 max-sm:*:flex-1">{children}</div>
)

export type ConfirmProps = {
  isOpen: boolean
  onClose: () => void
  title: string
  /** What it does, and what it does not undo. */
  children: ReactNode
  /** What the button says: a verb and what it is done to. */
  action: string
  /** Has to be typed, for what destroys and cannot be undone. */
  typed?: string
  onConfirm: () => Promise<unknown>
}

/** Asks before something is destroyed; a failure is told in place, and the dialog stays. */
export function Confirm({ isOpen, onClose, title, children, action, typed, onConfirm }: ConfirmProps) {
  const [text, setText] = useState("")
  const [state, setState] = useState<{ isBusy: boolean; error?: unknown }>({ isBusy: false })
  const close = () => {
    setText("")
    setState({ isBusy: false })
    onClose()
  }
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    if (state.isBusy || (typed !== undefined && text.trim() !== typed)) return
    setState({ isBusy: true })
    try {
      await onConfirm()
      close()
    } catch (error) {
      setState({ isBusy: false, error })
    }
  }
  return (
    <Dialog isOpen={isOpen} onClose={close} title={title}>
      <form className="flex flex-col gap-4" onSubmit={(event) => void submit(event)}>
        <div className="[overflow-wrap:anywhere]">{children}</div>
        {typed !== undefined && (
          <TextField
            label={shell.confirmName(typed)}
            value={text}
            onChange={(event) => setText(event.target.value)}
            isCode
            autoComplete="off"
          />
        )}
        {state.error !== undefined && <FaultNotice error={state.error} />}
        <Actions>
          <Button onClick={close}>{shell.cancel}</Button>
          <Button kind="danger" type="submit" isBusy={state.isBusy} disabled={typed !== undefined && text.trim() !== typed}>
            {action}
          </Button>
        </Actions>
      </form>
    </Dialog>
  )
}
