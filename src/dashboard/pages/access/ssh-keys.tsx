import { useMutation, useQuery } from "@tanstack/react-query"
import { KeyRound, Trash2 } from "lucide-react"
import { type FormEvent, useState } from "react"
import { ask } from "../../data/api"
import { refresh } from "../../data/queries"
import { useUrlState } from "../../data/url-state"
import { Button, IconButton } from "../../parts/button"
import { Code, CodeBlock } from "../../parts/copy"
import { Actions, Confirm, Dialog } from "../../parts/dialog"
import { AreaField, TextField } from "../../parts/field"
import { Loaded } from "../../parts/loaded"
import { Badge, Empty, SkeletonRows } from "../../parts/status"
import { Time } from "../../parts/time"
import { toast } from "../../parts/toasts"
import { access } from "../../words/access"
import { shell } from "../../words/shell"
import { FormFault } from "../../parts/form-fault"
import { AccessFrame } from "./frame"
import { type SshKey, sshKeysQuery } from "./queries"

const say = access.ssh

/** Keys that open containers by SSH. */
export function SshKeys() {
  const query = useQuery(sshKeysQuery)
  const [add, setAdd] = useUrlState("add")
  const [deleting, setDeleting] = useState<SshKey>()
  const button = (
    <Button kind="primary" onClick={() => setAdd("1")}>
      {say.add}
    </Button>
  )
  return (
    <AccessFrame title={access.tabs.sshKeys} lead={say.lead} actions={query.data?.length !== 0 && button}>
      <Loaded query={query} skeleton={<SkeletonRows rows={2} className="h-18" />}>
        {(keys) =>
          keys.length === 0 ? (
            <Empty title={say.emptyTitle} icon={<KeyRound aria-hidden className="size-6" />} action={button}>
              <p>{say.empty}</p>
              <div className="mt-3 text-left text-text">
                <CodeBlock text={say.commands} label={say.commandsLabel} />
              </div>
            </Empty>
          ) : (
            <ul aria-label={say.list} className="divide-y divide-line rounded-lg border border-line bg-card">
              {keys.map((key) => (
                <Row key={key.id} sshKey={key} onDelete={() => setDeleting(key)} />
              ))}
            </ul>
          )
        }
      </Loaded>
      <AddDialog isOpen={add === "1"} onClose={() => setAdd("")} />
      <Confirm
        isOpen={deleting !== undefined}
        onClose={() => setDeleting(undefined)}
        title={say.deleteTitle(deleting?.name ?? "")}
        action={say.delete}
        onConfirm={async () => {
          if (deleting === undefined) return
          await ask("DELETE", `/compute/ssh-keys/${deleting.id}`)
          await refresh("access")
          toast(say.deleted(deleting.name))
        }}
      >
        {say.deleteText}
      </Confirm>
    </AccessFrame>
  )
}

const Row = ({ sshKey: key, onDelete }: { sshKey: SshKey; onDelete: () => void }) => (
  <li className="flex items-center gap-3 px-4 py-3 hover:bg-hover">
    <div className="min-w-0 flex-1">
      <p className="flex flex-wrap items-center gap-x-2 gap-y-0.5 font-medium">
        <span className="[overflow-wrap:anywhere]">{key.name}</span>
        <Badge>{key.public_key.split(" ")[0]}</Badge>
      </p>
      <div className="flex flex-wrap items-center gap-x-4 text-sm text-dim">
        <Code text={key.fingerprint} />
        <span>
          {say.addedAt} <Time at={key.created_at} />
        </span>
      </div>
    </div>
    <IconButton small label={say.deleteOf(key.name)} onClick={onDelete}>
      <Trash2 aria-hidden className="size-4" />
    </IconButton>
  </li>
)

const nothing = { name: "", public_key: "" }

function AddDialog({ isOpen, onClose }: { isOpen: boolean; onClose: () => void }) {
  const [input, setInput] = useState(nothing)
  const add = useMutation({
    mutationFn: () => ask<SshKey>("POST", "/compute/ssh-keys", input),
    onSuccess: async ({ name }) => {
      await refresh("access")
      setInput(nothing)
      onClose()
      toast(say.added(name))
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    add.mutate()
  }
  /** The comment of a key usually says which computer it is on. */
  const paste = (text: string) => {
    const comment = text.trim().split(/\s+/).slice(2).join(" ").slice(0, 64)
    setInput({ name: input.name === "" ? comment : input.name, public_key: text })
  }
  return (
    <Dialog isOpen={isOpen} onClose={onClose} title={say.addTitle}>
      <form onSubmit={submit} className="flex flex-col gap-4">
        <AreaField
          label={say.key}
          hint={say.keyHint}
          isCode
          required
          autoFocus
          spellCheck={false}
          autoCapitalize="none"
          value={input.public_key}
          onChange={(event) => paste(event.target.value)}
        />
        <TextField
          label={say.name}
          hint={say.nameHint}
          required
          maxLength={64}
          value={input.name}
          onChange={(event) => setInput({ ...input, name: event.target.value })}
        />
        <FormFault error={add.error} />
        <Actions>
          <Button onClick={onClose}>{shell.cancel}</Button>
          <Button kind="primary" type="submit" isBusy={add.isPending}>
            {say.add}
          </Button>
        </Actions>
      </form>
    </Dialog>
  )
}
