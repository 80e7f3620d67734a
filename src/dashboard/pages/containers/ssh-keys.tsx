import { useMutation } from "@tanstack/react-query"
import { useRef, useState } from "react"
import { refresh } from "../../data/queries"
import { Button } from "../../parts/button"
import { AreaField, TextField } from "../../parts/field"
import { making } from "../../words/containers"
import { change, type SshKey, useSshKeys } from "./data"
import { FormFault, useProblems } from "../../parts/form-fault"

/** The keys that open every container of the person's that has SSH on, and a place for a further one. It may stand within a form. */
export function SshKeys() {
  const { data } = useSshKeys()
  const [isOpen, setOpen] = useState(false)
  if (data === undefined) return null
  const keys = data.ssh_keys
  return (
    <div className="flex flex-col gap-2">
      <p className="text-sm text-dim">{keys.length === 0 ? making.noSshKeys : making.sshKeys}</p>
      {keys.length > 0 && <Keys keys={keys} />}
      {isOpen || keys.length === 0 ? (
        <NewKey onAdded={() => setOpen(false)} />
      ) : (
        <Button small className="self-start" onClick={() => setOpen(true)}>
          {making.addKey}
        </Button>
      )}
    </div>
  )
}

const Keys = ({ keys }: { keys: SshKey[] }) => (
  <ul className="flex flex-col gap-1">
    {keys.map(({ id, name, fingerprint }) => (
      <li key={id} className="flex flex-wrap gap-x-3">
        <span className="font-medium">{name}</span>
        <code className="text-dim [overflow-wrap:anywhere]">{fingerprint}</code>
      </li>
    ))}
  </ul>
)

function NewKey({ onAdded }: { onAdded: () => void }) {
  const [input, setInput] = useState({ name: "", public_key: "" })
  const form = useRef<HTMLDivElement>(null)
  const add = useMutation({
    mutationFn: () => change("POST", "/compute/ssh-keys", input),
    onSuccess: () => {
      void refresh("access")
      onAdded()
    },
  })
  const problems = useProblems(form, add.error, { name: /^name/i, public_key: /public_key|public key|SSH key is there/i })
  return (
    <div ref={form} className="flex flex-col gap-3">
      <TextField
        label={making.keyName}
        value={input.name}
        problem={problems.at("name")}
        onChange={(event) => setInput({ ...input, name: event.target.value })}
      />
      <AreaField
        label={making.publicKey}
        hint={making.publicKeyHint}
        isCode
        rows={3}
        spellCheck={false}
        value={input.public_key}
        problem={problems.at("public_key")}
        onChange={(event) => setInput({ ...input, public_key: event.target.value })}
      />
      <FormFault error={problems.rest} />
      <Button className="self-start" isBusy={add.isPending} onClick={() => add.mutate()}>
        {making.addKey}
      </Button>
    </div>
  )
}
