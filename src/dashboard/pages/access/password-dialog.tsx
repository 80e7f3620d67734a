import { useMutation } from "@tanstack/react-query"
import { type FormEvent, type ReactNode, useState } from "react"
import { Button } from "../../parts/button"
import { Actions, Dialog } from "../../parts/dialog"
import { TextField } from "../../parts/field"
import { security } from "../../words/security"
import { shell } from "../../words/shell"
import { FormFault } from "../../parts/form-fault"

type Props = {
  isOpen: boolean
  onClose: () => void
  title: string
  children: ReactNode
  /** What the button says. */
  action: string
  isDanger?: boolean
  onConfirm: (password: string) => Promise<unknown>
}

/** Asks for the password once more, for what takes protection away or shows secrets; a wrong one is told in place. */
export function PasswordDialog({ isOpen, onClose, title, children, action, isDanger = false, onConfirm }: Props) {
  const [password, setPassword] = useState("")
  const confirm = useMutation({ mutationFn: () => onConfirm(password), onSuccess: () => close() })
  const close = () => {
    setPassword("")
    confirm.reset()
    onClose()
  }
  const submit = (event: FormEvent) => {
    event.preventDefault()
    confirm.mutate()
  }
  return (
    <Dialog isOpen={isOpen} onClose={close} title={title}>
      <form onSubmit={submit} className="flex flex-col gap-4">
        <div className="[overflow-wrap:anywhere]">{children}</div>
        <TextField
          label={security.currentPassword}
          type="password"
          autoComplete="current-password"
          autoFocus
          required
          value={password}
          onChange={(event) => setPassword(event.target.value)}
        />
        <FormFault error={confirm.error} />
        <Actions>
          <Button onClick={close}>{shell.cancel}</Button>
          <Button kind={isDanger ? "danger" : "primary"} type="submit" isBusy={confirm.isPending}>
            {action}
          </Button>
        </Actions>
      </form>
    </Dialog>
  )
}
