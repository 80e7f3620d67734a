import { useMutation } from "@tanstack/react-query"
import { useState } from "react"
import type { ApiFault } from "../../data/api"
import { ask } from "../../data/api"
import { refresh } from "../../data/queries"
import { Dialog } from "../../parts/dialog"
import { AreaField, SelectField, TextField } from "../../parts/field"
import { toast } from "../../parts/toasts"
import { credentialWords } from "../../words/applications"
import { applicationsPath, useOne } from "./data"
import { Form } from "./form"
import type { Application, Credential, List, Provider } from "./model"

/** Keeps a credential once its provider has said that it edits a domain. */
export function NewCredential({ application, onClose }: { application: Application; onClose: () => void }) {
  const providers = useOne<List<Provider>>("/v1/providers")
  const [input, setInput] = useState({ provider: "", token: "", domain: "" })
  const chosen = providers.data?.data.find(({ key }) => key === input.provider)
  const add = useMutation({
    mutationFn: () => ask<Credential>("POST", `${applicationsPath}/${application.id}/credentials`, input),
    onSuccess: async () => {
      await refresh("applications")
      toast(credentialWords.added(chosen?.name ?? input.provider))
      onClose()
    },
  })
  const typed = {
    label: credentialWords.token,
    required: true,
    isCode: true,
    autoComplete: "off",
    value: input.token,
    hint: chosen && (
      <>
        {credentialWords.tokenHint(chosen.credential_hint)}{" "}
        <a href={chosen.docs_url} target="_blank" rel="noreferrer" className="text-accent underline">
          {credentialWords.docs}
        </a>
      </>
    ),
  }
  return (
    <Dialog isOpen onClose={onClose} title={credentialWords.new}>
      <Form
        fields={["provider", "token", "domain"]}
        fieldOf={fieldOf}
        error={add.error}
        isBusy={add.isPending}
        action={credentialWords.create}
        onSubmit={() => add.mutate()}
        onCancel={onClose}
      >
        {(problem) => (
          <>
            <SelectField
              label={credentialWords.provider}
              required
              autoFocus
              value={input.provider}
              problem={problem("provider")}
              onChange={({ target }) => setInput({ ...input, provider: target.value, token: "" })}
            >
              <option value="" disabled>
                {credentialWords.pick}
              </option>
              {(providers.data?.data ?? []).map(({ key, name }) => (
                <option key={key} value={key}>
                  {name}
                </option>
              ))}
            </SelectField>
            {/json/i.test(chosen?.credential_hint ?? "") ? (
              <AreaField
                {...typed}
                rows={5}
                problem={problem("token")}
                onChange={({ target }) => setInput({ ...input, token: target.value })}
              />
            ) : (
              <TextField
                {...typed}
                type="password"
                problem={problem("token")}
                onChange={({ target }) => setInput({ ...input, token: target.value })}
              />
            )}
            <TextField
              label={credentialWords.domain}
              hint={credentialWords.domainHint}
              isCode
              required
              placeholder="customer.com"
              value={input.domain}
              problem={problem("domain")}
              onChange={({ target }) => setInput({ ...input, domain: target.value })}
            />
          </>
        )}
      </Form>
    </Dialog>
  )
}

/** What the provider said is of the credential; that it edits no such zone is of the domain. */
const fieldOf = ({ code, message }: ApiFault) =>
  code === "zone_not_found" ? "domain" : code === "bad_gateway" || message.startsWith("This is no credential") ? "token" : undefined
