import { useMutation } from "@tanstack/react-query"
import { type FormEvent, useState } from "react"
import { ask } from "../../data/api"
import { refresh } from "../../data/queries"
import { Button } from "../../parts/button"
import { Code } from "../../parts/copy"
import { Actions, Dialog } from "../../parts/dialog"
import { TextField } from "../../parts/field"
import { Section } from "../../parts/page"
import { Badge, FaultNotice, Skeleton } from "../../parts/status"
import { toast } from "../../parts/toasts"
import { security } from "../../words/security"
import { shell } from "../../words/shell"
import { FormFault } from "../../parts/form-fault"
import { PasswordDialog } from "./password-dialog"
import { QrCode } from "./qr-code"
import type { TwoFactor } from "./queries"

const say = security.totp

/** The authenticator app: set up by a code that it makes, removed by the password. `onCodes` gets the recovery codes that come with the first factor. */
export function AuthenticatorApp({ factors, onCodes }: { factors: TwoFactor; onCodes: (codes: string[]) => void }) {
  const [open, setOpen] = useState<"set-up" | "remove">()
  const close = () => setOpen(undefined)
  const propose = useMutation({ mutationFn: () => ask<Proposal>("POST", "/api/settings/totp/begin") })
  const begin = () => {
    propose.mutate()
    setOpen("set-up")
  }
  return (
    <Section
      title={
        <>
          {say.title} {factors.totp && <Badge tone="good">{security.on}</Badge>}
        </>
      }
      actions={
        factors.totp ? (
          <Button small onClick={() => setOpen("remove")}>
            {say.remove}
          </Button>
        ) : (
          <Button small kind={factors.enabled ? "plain" : "primary"} onClick={begin}>
            {say.setUp}
          </Button>
        )
      }
    >
      <p className="max-w-prose text-dim">{factors.totp ? say.on : say.off}</p>
      <Dialog isOpen={open === "set-up"} onClose={close} title={say.setUpTitle}>
        <SetUp proposal={propose.data} error={propose.error} onAgain={propose.mutate} onClose={close} onCodes={onCodes} />
      </Dialog>
      <PasswordDialog
        isOpen={open === "remove"}
        onClose={close}
        title={say.removeTitle}
        action={say.remove}
        isDanger
        onConfirm={async (password) => {
          await ask("POST", "/api/settings/totp/delete", { current_password: password })
          await refresh("access")
          toast(say.removed)
        }}
      >
        <p>{say.removeText}</p>
        {factors.keys === 0 && <p className="mt-2 font-medium">{say.removeLast}</p>}
      </PasswordDialog>
    </Section>
  )
}

type Proposal = { secret: string; uri: string }

type SetUpProps = {
  proposal: Proposal | undefined
  error: unknown
  onAgain: () => void
  onClose: () => void
  onCodes: (codes: string[]) => void
}

function SetUp({ proposal, error, onAgain, onClose, onCodes }: SetUpProps) {
  const [code, setCode] = useState("")
  const confirm = useMutation({
    mutationFn: () => ask<{ recovery_codes?: string[] }>("POST", "/api/settings/totp/finish", { code }),
    onSuccess: async ({ recovery_codes: codes }) => {
      if (codes !== undefined) onCodes(codes)
      await refresh("access")
      onClose()
      toast(say.done)
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    confirm.mutate()
  }
  if (error !== null) return <FaultNotice error={error} onRetry={onAgain} />
  return (
    <form onSubmit={submit} className="flex flex-col gap-4">
      <div className="flex flex-col gap-2">
        <p>{say.scan}</p>
        {proposal ? <QrCode text={proposal.uri} label={say.qr} /> : <Skeleton className="size-52" />}
      </div>
      <div>
        <p>{say.type}</p>
        {proposal ? <Code text={proposal.secret.replace(/(.{4})(?=.)/g, "$1 ")} /> : <Skeleton className="my-1 h-5 w-72 max-w-full" />}
      </div>
      <TextField
        label={say.code}
        hint={say.codeHint}
        isCode
        required
        autoFocus
        inputMode="numeric"
        autoComplete="one-time-code"
        className="sm:max-w-60"
        value={code}
        onChange={(event) => setCode(event.target.value)}
      />
      <FormFault error={confirm.error} />
      <Actions>
        <Button onClick={onClose}>{shell.cancel}</Button>
        <Button kind="primary" type="submit" isBusy={confirm.isPending}>
          {say.confirm}
        </Button>
      </Actions>
    </form>
  )
}
