import { useMutation } from "@tanstack/react-query"
import { useState } from "react"
import { ask } from "../../data/api"
import { type Provider, useProviders } from "../../data/providers"
import { refresh } from "../../data/queries"
import { CredentialFields, CredentialRights } from "../../parts/credential-fields"
import { Dialog } from "../../parts/dialog"
import { SelectField, TextField } from "../../parts/field"
import { Form } from "../../parts/form"
import { toast } from "../../parts/toasts"
import { credentialWords } from "../../words/applications"
import { applicationsPath } from "./data"
import type { Application, Credential } from "./model"

/** Asks for a credential, new or in the place of `replaced`; it is kept once its provider has said that it edits a domain. */
export function CredentialDialog({
  application,
  replaced,
  onClose,
}: {
  application: Application
  replaced?: Credential | undefined
  onClose: () => void
}) {
  const providers = (useProviders().data ?? []).filter(({ fields }) => fields.length > 0)
  const [key, setKey] = useState(replaced?.provider ?? "")
  const [values, setValues] = useState<Record<string, string>>({})
  const [domain, setDomain] = useState("")
  const provider = providers.find((one) => one.key === key)
  const name = provider?.name ?? key
  const path = `${applicationsPath}/${application.id}/credentials`
  const save = useMutation({
    mutationFn: () => {
      const body = { provider: key, fields: values, domain }
      return replaced === undefined ? ask<Credential>("POST", path, body) : ask<Credential>("PUT", `${path}/${replaced.id}`, body)
    },
    onSuccess: async () => {
      await refresh("applications")
      toast(replaced === undefined ? credentialWords.added(name) : credentialWords.replaced(name))
      onClose()
    },
  })
  return (
    <Dialog isOpen onClose={onClose} title={replaced === undefined ? credentialWords.new : credentialWords.replaceTitle(name)}>
      <Form
        fields={["provider", "domain", ...(provider?.fields ?? []).map((field) => `fields.${field.key}`)]}
        fieldOf={({ code, message }) => fieldOf(provider, code, message)}
        error={save.error}
        isBusy={save.isPending}
        action={replaced === undefined ? credentialWords.create : credentialWords.replace}
        onSubmit={() => save.mutate()}
        onCancel={onClose}
      >
        {(problem) => (
          <>
            {replaced === undefined && (
              <SelectField
                label={credentialWords.provider}
                required
                autoFocus
                value={key}
                problem={problem("provider")}
                onChange={({ target }) => {
                  setKey(target.value)
                  setValues({})
                  save.reset()
                }}
              >
                <option value="" disabled>
                  {credentialWords.pick}
                </option>
                {providers.map((one) => (
                  <option key={one.key} value={one.key}>
                    {one.name}
                  </option>
                ))}
              </SelectField>
            )}
            {provider !== undefined && (
              <>
                <CredentialRights provider={provider} />
                <CredentialFields
                  provider={provider}
                  values={values}
                  onChange={setValues}
                  problem={(field) => problem(`fields.${field}`)}
                />
              </>
            )}
            <TextField
              label={credentialWords.domain}
              hint={credentialWords.domainHint}
              isCode
              required
              placeholder="customer.com"
              value={domain}
              problem={problem("domain")}
              onChange={({ target }) => setDomain(target.value)}
            />
          </>
        )}
      </Form>
    </Dialog>
  )
}

/** What the provider said of no field in particular, or of the credential as a whole, is said at its secret. */
function fieldOf(provider: Provider | undefined, code: string | undefined, message: string): string | undefined {
  const secret = provider?.fields.findLast((field) => field.secret)
  const isOfWhole = code === "bad_gateway" || message.startsWith("This is no credential")
  return isOfWhole && secret !== undefined ? `fields.${secret.key}` : undefined
}
