import { useMutation } from "@tanstack/react-query"
import { useNavigate } from "@tanstack/react-router"
import { type FormEvent, useRef, useState } from "react"
import { ask } from "../../data/api"
import { refresh } from "../../data/queries"
import { Button } from "../../parts/button"
import { Actions, Dialog } from "../../parts/dialog"
import { TextField } from "../../parts/field"
import { FaultNotice } from "../../parts/status"
import { toast } from "../../parts/toasts"
import { files } from "../../words/files"
import type { Namespace } from "./model"
import { VisibilityField, type VisibilityName } from "./visibility-field"

/** Words of the API's own addresses; it refuses them itself, this only says so sooner. */
const reserved = "download namespaces files upload uploads delete status links keys usage scrub admin progress".split(" ")

/** What is wrong with a name, undefined for one that may be. */
export function problemOf(name: string): string | undefined {
  if (!/^[A-Za-z0-9._-]{1,63}$/.test(name)) return files.nameRule
  if (/^\.+$/.test(name)) return files.nameOnlyDots
  if (reserved.includes(name)) return files.nameReserved(name)
  return undefined
}

const isLabel = (name: string) => /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(name)

export function CreateNamespace({ onClose }: { onClose: () => void }) {
  const navigate = useNavigate()
  const field = useRef<HTMLFormElement>(null)
  const [name, setName] = useState("")
  const [visibility, setVisibility] = useState<VisibilityName>("private")
  const [wasTried, setTried] = useState(false)
  const problem = name === "" && !wasTried ? undefined : problemOf(name.trim())
  const create = useMutation({
    mutationFn: () => ask<Namespace>("POST", "/storage/namespaces", { name: name.trim(), visibility }),
    onSuccess: async (made) => {
      await refresh("files")
      toast(files.created(made.name))
      await navigate({ to: "/files/in/$namespace" as string, params: { namespace: made.name } as never })
    },
    onError: () => field.current?.querySelector("input")?.focus(),
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    setTried(true)
    if (problemOf(name.trim()) === undefined) create.mutate()
    else field.current?.querySelector("input")?.focus()
  }
  return (
    <Dialog isOpen onClose={onClose} title={files.newNamespace}>
      <form ref={field} onSubmit={submit} className="flex flex-col gap-4">
        <TextField
          autoFocus
          label={files.name}
          isCode
          autoComplete="off"
          value={name}
          problem={problem}
          hint={name.trim() === "" || isLabel(name.trim()) || problem !== undefined ? files.nameHint : files.nameLabel}
          onChange={(event) => {
            setName(event.target.value)
            create.reset()
          }}
        />
        <VisibilityField value={visibility} onChange={setVisibility} />
        {create.error !== null && <FaultNotice error={create.error} />}
        <Actions>
          <Button kind="primary" type="submit" isBusy={create.isPending}>
            {files.createNamespace}
          </Button>
        </Actions>
      </form>
    </Dialog>
  )
}
