import { useMutation } from "@tanstack/react-query"
import { type FormEvent, useState } from "react"
import { ask } from "../../data/api"
import { refresh } from "../../data/queries"
import { Button } from "../../parts/button"
import { Actions, Dialog } from "../../parts/dialog"
import { FaultNotice } from "../../parts/status"
import { toast } from "../../parts/toasts"
import { files } from "../../words/files"
import type { PersonUsage } from "./admin"
import { QuotaField, quotaInput, quotaOf } from "./quota-field"

const words = files.people

/** A bound for one person; without one what the setting says holds. */
export function PersonQuota({
  person: { user_id: id, username, own_quota_bytes: own },
  onClose,
}: {
  person: PersonUsage
  onClose: () => void
}) {
  const [quota, setQuota] = useState(quotaInput(own))
  const save = useMutation({
    mutationFn: () => ask("PUT", `/storage/admin/quotas/${encodeURIComponent(id)}`, { quota_bytes: quotaOf(quota) }),
    onSuccess: async () => {
      await refresh("files")
      toast(words.saved(username))
      onClose()
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (quotaOf(quota) !== undefined) save.mutate()
  }
  return (
    <Dialog isOpen onClose={onClose} title={words.changeOf(username)}>
      <form onSubmit={submit} className="flex flex-col gap-4">
        <QuotaField value={quota} onChange={setQuota} hint={words.quotaHint} />
        {save.error !== null && <FaultNotice error={save.error} />}
        <Actions>
          <Button kind="primary" type="submit" isBusy={save.isPending}>
            {words.save}
          </Button>
        </Actions>
      </form>
    </Dialog>
  )
}
