import { useMutation } from "@tanstack/react-query"
import { type FormEvent, useState } from "react"
import { ask } from "../../data/api"
import { refresh } from "../../data/queries"
import { type Ceremony, createCredential, keyFault } from "../../data/webauthn"
import { Button } from "../../parts/button"
import { Actions, Dialog } from "../../parts/dialog"
import { TextField } from "../../parts/field"
import { Notice } from "../../parts/status"
import { toast } from "../../parts/toasts"
import { security } from "../../words/security"
import { shell } from "../../words/shell"
import { FormFault } from "../../parts/form-fault"
import type { SecurityKey } from "./queries"

const say = security.keys

/** Names a key and has the browser make a credential on it. */
export function AddKey({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState("")
  const add = useMutation({
    mutationFn: async () => {
      const begun = await ask<Ceremony<PublicKeyCredentialCreationOptionsJSON>>("POST", "/api/settings/keys/add/begin")
      await ask("POST", "/api/settings/keys/add/finish", { ...(await createCredential(begun)), name })
    },
    onSuccess: async () => {
      await refresh("access")
      onClose()
      toast(say.added(name))
    },
  })
  const fault = keyFault(add.error)
  return (
    <KeyForm
      title={say.addTitle}
      lead={say.addLead}
      action={add.isPending ? say.waiting : say.add}
      isBusy={add.isPending}
      error={fault === undefined ? add.error : null}
      problem={fault && say.faults[fault]}
      {...{ name, setName, onClose }}
      onSubmit={add.mutate}
    />
  )
}

/** Gives a key another name. */
export function RenameKey({ securityKey, onClose }: { securityKey: SecurityKey; onClose: () => void }) {
  const [name, setName] = useState(securityKey.name)
  const save = useMutation({
    mutationFn: () => ask("POST", "/api/settings/keys/rename", { id: securityKey.id, name }),
    onSuccess: async () => {
      await refresh("access")
      onClose()
      toast(say.renamed)
    },
  })
  return (
    <KeyForm
      title={say.renameTitle(securityKey.name)}
      action={say.save}
      isBusy={save.isPending}
      error={save.error}
      {...{ name, setName, onClose }}
      onSubmit={save.mutate}
    />
  )
}

type FormProps = {
  title: string
  lead?: string
  action: string
  isBusy: boolean
  error: unknown
  problem?: string
  name: string
  setName: (name: string) => void
  onClose: () => void
  onSubmit: () => void
}

function KeyForm({ title, lead, action, isBusy, error, problem, name, setName, onClose, onSubmit }: FormProps) {
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (!isBusy) onSubmit()
  }
  return (
    <Dialog isOpen onClose={onClose} title={title} description={lead}>
      <form onSubmit={submit} className="flex flex-col gap-4">
        <TextField
          label={say.name}
          hint={say.nameHint}
          required
          maxLength={64}
          autoComplete="off"
          autoFocus
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
        <FormFault error={error} />
        {problem !== undefined && (
          <Notice tone="bad" isAlert>
            {problem}
          </Notice>
        )}
        <Actions>
          <Button onClick={onClose}>{shell.cancel}</Button>
          <Button kind="primary" type="submit" isBusy={isBusy}>
            {action}
          </Button>
        </Actions>
      </form>
    </Dialog>
  )
}
