import { useMutation } from "@tanstack/react-query"
import { type FormEvent, useState } from "react"
import { ask } from "../../data/api"
import { refresh } from "../../data/queries"
import { Button } from "../../parts/button"
import { Actions, Dialog } from "../../parts/dialog"
import { CheckField, TextField } from "../../parts/field"
import { FaultNotice } from "../../parts/status"
import { administration } from "../../words/administration"
import { shell } from "../../words/shell"
import type { OneTimeLink, Person } from "./data"

const words = administration.people
const blank = { username: "", name: "", isAdmin: false }

/** An account for somebody, who chooses the password at a link. */
export function NewPerson({ isOpen, onClose, onLink }: { isOpen: boolean; onClose: () => void; onLink: (link: OneTimeLink) => void }) {
  const [input, setInput] = useState(blank)
  const create = useMutation({
    mutationFn: () =>
      ask<Person & OneTimeLink>("POST", "/admin/users", {
        username: input.username.trim(),
        display_name: input.name.trim(),
        role: input.isAdmin ? "admin" : "user",
      }),
    onSuccess: async (made) => {
      close()
      onLink(made)
      await refresh("people")
    },
  })
  const close = () => {
    setInput(blank)
    create.reset()
    onClose()
  }
  const submit = (event: FormEvent) => {
    event.preventDefault()
    create.mutate()
  }
  return (
    <Dialog isOpen={isOpen} onClose={close} title={words.add}>
      <form onSubmit={submit} className="flex flex-col gap-4">
        <TextField
          label={words.username}
          hint={words.usernameHint}
          isCode
          required
          autoComplete="off"
          value={input.username}
          onChange={(event) => setInput({ ...input, username: event.target.value })}
        />
        <TextField
          label={words.name}
          isOptional
          autoComplete="off"
          value={input.name}
          onChange={(event) => setInput({ ...input, name: event.target.value })}
        />
        <CheckField
          label={words.isAdmin}
          hint={words.isAdminHint}
          checked={input.isAdmin}
          onChange={(event) => setInput({ ...input, isAdmin: event.target.checked })}
        />
        {create.error !== null && <FaultNotice error={create.error} />}
        <Actions>
          <Button onClick={close}>{shell.cancel}</Button>
          <Button kind="primary" type="submit" isBusy={create.isPending}>
            {words.create}
          </Button>
        </Actions>
      </form>
    </Dialog>
  )
}
