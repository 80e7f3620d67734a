import { useMutation } from "@tanstack/react-query"
import { type FormEvent, useState } from "react"
import { ask, ApiFault } from "../../data/api"
import { refresh } from "../../data/queries"
import { Button } from "../../parts/button"
import { Actions, Dialog } from "../../parts/dialog"
import { TextField } from "../../parts/field"
import { FaultNotice, Notice } from "../../parts/status"
import { toast } from "../../parts/toasts"
import { house } from "../../words/house"
import { shell } from "../../words/shell"
import { canBeChanged, type Setting } from "./setting"

const words = house.settings

/** Changes one setting, or says why that is not done here and where it is. */
export function SettingDialog({ setting, onClose }: { setting: Setting; onClose: () => void }) {
  const { name, meaning, default: standard, set_here: kept, source, source_name: sourceName, reloads } = setting
  const [text, setText] = useState(setting.value ?? "")
  const path = `/admin/settings/${name}`
  const after = async (said: string) => {
    onClose()
    toast(said)
    await refresh("settings")
  }
  const save = useMutation({
    mutationFn: () => ask<Setting>("PUT", path, { value: text.trim() }),
    onSuccess: ({ value }) => after(words.savedNow(name, value ?? "")),
  })
  const drop = useMutation({ mutationFn: () => ask<Setting>("DELETE", path), onSuccess: () => after(words.backNow(name)) })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    drop.reset()
    save.mutate()
  }
  const isOpen = canBeChanged(setting)
  const refusal = save.error instanceof ApiFault && save.error.status === 400 ? save.error.message : undefined
  const error = drop.error ?? (refusal === undefined ? save.error : null)
  return (
    <Dialog isOpen onClose={onClose} title={name} description={`${meaning}.`}>
      <form onSubmit={submit} className="flex flex-col gap-4">
        {isOpen ? (
          <TextField
            label={words.value}
            hint={`${words.rule(setting.rule)}${standard === null ? "" : ` ${words.defaultIs(standard)}.`} ${words.kept}`}
            problem={refusal}
            isCode
            autoComplete="off"
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
        ) : (
          <>
            <Notice>{reloads ? words.lockedBy(sourceName ?? words.sources[source]) : words.lockedRestart}</Notice>
            <p className="text-dim">
              {words.rule(setting.rule)} {standard !== null && `${words.defaultIs(standard)}.`}
            </p>
          </>
        )}
        {error !== null && <FaultNotice error={error} />}
        <Actions>
          {kept !== null && (
            <Button isBusy={drop.isPending} onClick={() => drop.mutate()} className="sm:mr-auto">
              {source === "here" ? words.back : words.drop}
            </Button>
          )}
          <Button onClick={onClose}>{isOpen ? shell.cancel : shell.close}</Button>
          {isOpen && (
            <Button kind="primary" type="submit" isBusy={save.isPending}>
              {words.save}
            </Button>
          )}
        </Actions>
      </form>
    </Dialog>
  )
}
