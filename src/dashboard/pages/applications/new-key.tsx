import { useMutation } from "@tanstack/react-query"
import { useState } from "react"
import { ask } from "../../data/api"
import { refresh } from "../../data/queries"
import { CodeBlock } from "../../parts/copy"
import { Dialog } from "../../parts/dialog"
import { CheckField, TextField } from "../../parts/field"
import { keyWords } from "../../words/applications"
import { applicationsPath } from "./data"
import { Form } from "../../parts/form"
import { type Application, type Key, type Scope, scopes } from "./model"
import { SecretOnce } from "./secret-once"
import { tryKey } from "./snippets"

/** Makes a key and shows it, this once. */
export function NewKey({ application, onClose }: { application: Application; onClose: () => void }) {
  const [name, setName] = useState("")
  const [granted, setGranted] = useState<Scope[]>(["connections:read", "connections:write"])
  const make = useMutation({
    mutationFn: () => ask<Key & { secret: string }>("POST", `${applicationsPath}/${application.id}/keys`, { name, scopes: granted }),
    onSuccess: () => refresh("applications"),
  })
  if (make.data !== undefined)
    return (
      <Dialog isOpen onClose={onClose} title={keyWords.madeTitle(make.data.name)}>
        <SecretOnce name={keyWords.secret} secret={make.data.secret} onDone={onClose}>
          <div className="flex flex-col gap-1">
            <p className="font-medium">{keyWords.tryIt}</p>
            <CodeBlock label={keyWords.tryIt} text={tryKey(make.data.secret)} />
          </div>
        </SecretOnce>
      </Dialog>
    )
  return (
    <Dialog isOpen onClose={onClose} title={keyWords.new}>
      <Form
        fields={["name"]}
        error={make.error}
        isBusy={make.isPending}
        action={keyWords.create}
        onSubmit={() => make.mutate()}
        onCancel={onClose}
      >
        {(problem) => (
          <>
            <TextField
              label={keyWords.name}
              placeholder={keyWords.namePlaceholder}
              required
              autoFocus
              maxLength={64}
              value={name}
              problem={problem("name")}
              onChange={(event) => setName(event.target.value)}
            />
            <fieldset className="flex flex-col gap-2">
              <legend className="mb-1 font-medium">{keyWords.scopes}</legend>
              {scopes.map((scope) => (
                <CheckField
                  key={scope}
                  label={<code>{scope}</code>}
                  hint={keyWords.scopeWhat[scope]}
                  checked={granted.includes(scope)}
                  onChange={({ target }) => setGranted(scopes.filter((one) => (one === scope ? target.checked : granted.includes(one))))}
                />
              ))}
            </fieldset>
            <p className="text-sm text-dim">
              {granted.length === 0 ? keyWords.pickOne : `${keyWords.granted} `}
              {granted.length > 0 && <code>{granted.join(" ")}</code>}
            </p>
          </>
        )}
      </Form>
    </Dialog>
  )
}
