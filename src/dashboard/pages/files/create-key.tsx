import { useMutation, useQuery } from "@tanstack/react-query"
import { type FormEvent, useRef, useState } from "react"
import { ask } from "../../data/api"
import { refresh } from "../../data/queries"
import { useSession } from "../../data/session"
import { Button } from "../../parts/button"
import { Actions, Dialog } from "../../parts/dialog"
import { CheckField, SelectField, TextField } from "../../parts/field"
import { FaultNotice, Notice } from "../../parts/status"
import { files } from "../../words/files"
import { namespacesQuery } from "./model"
import { NewKey } from "./new-key"

const words = files.key

/** The scopes of a key; null for all of the person's storage. A namespace is named by what stands behind it. */
export function scopesOf(person: string, namespace: string | undefined, isReadOnly: boolean): Record<string, string[]> | null {
  if (namespace === undefined && !isReadOnly) return null
  const below = namespace === undefined ? "" : `.${namespace}`
  return {
    [`storage.${person}.files${below}`]: isReadOnly ? ["read"] : ["create", "read", "delete"],
    [`storage.${person}.namespaces${below}`]: ["read"],
  }
}

export function CreateKey({ onClose }: { onClose: () => void }) {
  const { user_id: person } = useSession()
  const { data: namespaces = [] } = useQuery(namespacesQuery)
  const form = useRef<HTMLFormElement>(null)
  const [name, setName] = useState("")
  const [reach, setReach] = useState<"all" | "one">("all")
  const [chosen, setChosen] = useState("")
  const [isReadOnly, setReadOnly] = useState(false)
  const namespace = reach === "one" ? chosen || namespaces[0]?.name : undefined
  const scopes = scopesOf(person, namespace, isReadOnly)
  const create = useMutation({
    mutationFn: () => ask<{ id: string; secret: string }>("POST", "/storage/keys", { name, scopes }),
    onSuccess: () => refresh("files"),
    onError: () => form.current?.querySelector("input")?.focus(),
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (reach === "all" || namespace !== undefined) create.mutate()
  }
  if (create.data !== undefined)
    return <NewKey made={create.data} namespace={namespace ?? namespaces[0]?.name ?? "photos"} onClose={onClose} />
  return (
    <Dialog isOpen onClose={onClose} title={words.create}>
      <form ref={form} onSubmit={submit} className="flex flex-col gap-4">
        <TextField
          autoFocus
          label={words.name}
          hint={words.nameHint}
          autoComplete="off"
          required
          maxLength={64}
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
        <SelectField label={words.reach} value={reach} onChange={(event) => setReach(event.target.value as "all" | "one")}>
          <option value="all">{words.all}</option>
          <option value="one">{words.one}</option>
        </SelectField>
        {reach === "one" &&
          (namespaces.length === 0 ? (
            <Notice tone="warn">{words.noNamespace}</Notice>
          ) : (
            <SelectField label={words.namespace} value={namespace} onChange={(event) => setChosen(event.target.value)}>
              {namespaces.map((one) => (
                <option key={one.name} value={one.name}>
                  {one.name}
                </option>
              ))}
            </SelectField>
          ))}
        <CheckField label={words.readOnly} checked={isReadOnly} onChange={(event) => setReadOnly(event.target.checked)} />
        <div>
          <p className="text-sm text-dim">{words.scopes}</p>
          {scopes === null ? (
            <p>{words.allScopes}</p>
          ) : (
            <ul className="font-mono text-sm [overflow-wrap:anywhere]">
              {Object.entries(scopes).map(([path, actions]) => (
                <li key={path}>
                  {path}: {actions.join(", ")}
                </li>
              ))}
            </ul>
          )}
        </div>
        {create.error !== null && <FaultNotice error={create.error} />}
        <Actions>
          <Button kind="primary" type="submit" isBusy={create.isPending} disabled={reach === "one" && namespaces.length === 0}>
            {words.createAction}
          </Button>
        </Actions>
      </form>
    </Dialog>
  )
}
