import { useMutation } from "@tanstack/react-query"
import { useState } from "react"
import { ask } from "../../data/api"
import { useProviders } from "../../data/providers"
import { refresh } from "../../data/queries"
import { CredentialFields, CredentialRights } from "../../parts/credential-fields"
import { Dialog } from "../../parts/dialog"
import { Form } from "../../parts/form"
import { FaultNotice, SkeletonRows } from "../../parts/status"
import { toast } from "../../parts/toasts"
import { domains as words } from "../../words/domains"
import { ownedProvider, type OwnedDomain } from "./model"

/** Asks for a token: of a new owned domain, or one in the place of that of `replaced`. The API tries it before it keeps it. */
export function TokenDialog({ isOpen, onClose, replaced }: { isOpen: boolean; onClose: () => void; replaced?: OwnedDomain }) {
  const providers = useProviders()
  const provider = providers.data?.find(({ key }) => key === ownedProvider)
  const [values, setValues] = useState<Record<string, string>>({})
  const save = useMutation({
    mutationFn: () =>
      replaced === undefined
        ? ask<OwnedDomain>("POST", "/api/domains?explain=true", values)
        : ask<OwnedDomain>("PUT", `/api/domains/${encodeURIComponent(replaced.id)}?explain=true`, values),
    onSuccess: async ({ zones }) => {
      const lost = replaced?.zones.filter((zone) => !zones.includes(zone)) ?? []
      toast(lost.length > 0 ? words.lost(lost.join(", ")) : replaced === undefined ? words.connected(zones.length) : words.replaced)
      close()
      await refresh("domains", "hostnames")
    },
  })
  const close = () => {
    setValues({})
    save.reset()
    onClose()
  }
  return (
    <Dialog isOpen={isOpen} onClose={close} title={replaced === undefined ? words.formTitle : words.replaceTitle}>
      {provider === undefined ? (
        providers.error === null ? (
          <SkeletonRows rows={3} />
        ) : (
          <FaultNotice error={providers.error} onRetry={() => void providers.refetch()} />
        )
      ) : (
        <Form
          fields={provider.fields.map(({ key }) => key)}
          error={save.error}
          isBusy={save.isPending}
          action={replaced === undefined ? words.save : words.replace}
          onSubmit={() => save.mutate()}
          onCancel={close}
        >
          {(problem) => (
            <>
              <p>{words.formLead}</p>
              <CredentialRights provider={provider} />
              <CredentialFields provider={provider} values={values} onChange={setValues} problem={problem} />
            </>
          )}
        </Form>
      )}
    </Dialog>
  )
}
