import { useMutation } from "@tanstack/react-query"
import { type FormEvent, useState } from "react"
import { ask } from "../../data/api"
import { refresh } from "../../data/queries"
import { Button } from "../../parts/button"
import { Actions, Dialog } from "../../parts/dialog"
import { CheckField } from "../../parts/field"
import { FaultNotice } from "../../parts/status"
import { toast } from "../../parts/toasts"
import { files } from "../../words/files"
import type { Namespace } from "./model"
import { QuotaField, quotaInput, quotaOf } from "./quota-field"
import { VisibilityField, type VisibilityName } from "./visibility-field"

/** Who may read a namespace, how much it may hold, and whether versions are kept. */
export function NamespaceSettings({ namespace, onClose }: { namespace: Namespace; onClose: () => void }) {
  const { name, versioning } = namespace
  const [visibility, setVisibility] = useState<VisibilityName>(namespace.visibility === 1 ? "public" : "private")
  const [quota, setQuota] = useState(quotaInput(namespace.quota_bytes))
  const [keeps, setKeeps] = useState(versioning === "enabled")
  const save = useMutation({
    mutationFn: () => {
      const wanted = keeps ? "enabled" : versioning === "off" ? "off" : "suspended"
      const change = { visibility, quota_bytes: quotaOf(quota), ...(wanted === versioning ? {} : { versioning: wanted }) }
      return ask<Namespace>("PUT", `/storage/namespaces/${encodeURIComponent(name)}`, change)
    },
    onSuccess: async () => {
      await refresh("files")
      toast(files.saved(name))
      onClose()
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (quotaOf(quota) !== undefined) save.mutate()
  }
  return (
    <Dialog isOpen onClose={onClose} title={files.settingsOf(name)}>
      <form onSubmit={submit} className="flex flex-col gap-4">
        <VisibilityField value={visibility} onChange={setVisibility} />
        <QuotaField value={quota} onChange={setQuota} hint={files.quotaHint} />
        <CheckField
          label={files.keepVersions}
          hint={files.keepVersionsHint}
          checked={keeps}
          onChange={(event) => setKeeps(event.target.checked)}
        />
        {save.error !== null && <FaultNotice error={save.error} />}
        <Actions>
          <Button kind="primary" type="submit" isBusy={save.isPending}>
            {files.save}
          </Button>
        </Actions>
      </form>
    </Dialog>
  )
}
