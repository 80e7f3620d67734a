import { useMutation } from "@tanstack/react-query"
import { useState } from "react"
import { ask } from "../../data/api"
import { refresh } from "../../data/queries"
import { Dialog } from "../../parts/dialog"
import { CheckField, TextField } from "../../parts/field"
import { toast } from "../../parts/toasts"
import { words } from "../../words/applications"
import { webhookWords } from "../../words/applications-webhooks"
import { endpointsPath } from "./data"
import { Form } from "../../parts/form"
import { type Endpoint, type Environment, eventTypes } from "./model"
import { SecretOnce } from "./secret-once"

type Wish = { url: string; events: string[] }

/** Makes an endpoint and shows its signing secret, this once. */
export function NewEndpoint({ environment, onClose }: { environment: Environment; onClose: () => void }) {
  const make = useMutation({
    mutationFn: (wish: Wish) => ask<Endpoint & { signing_secret: string }>("POST", endpointsPath, { ...wish, environment }),
    onSuccess: () => refresh("applications"),
  })
  if (make.data !== undefined)
    return (
      <Dialog isOpen onClose={onClose} title={webhookWords.madeTitle}>
        <SecretOnce name={webhookWords.secret} secret={make.data.signing_secret} onDone={onClose} />
      </Dialog>
    )
  return (
    <Dialog isOpen onClose={onClose} title={webhookWords.new}>
      <EndpointForm action={webhookWords.create} error={make.error} isBusy={make.isPending} onSubmit={make.mutate} onCancel={onClose} />
    </Dialog>
  )
}

/** Changes where an endpoint is and what it hears. */
export function EditEndpoint({ endpoint, onClose }: { endpoint: Endpoint; onClose: () => void }) {
  const change = useMutation({
    mutationFn: (wish: Wish) => ask<Endpoint>("PATCH", `${endpointsPath}/${endpoint.id}`, wish),
    onSuccess: async () => {
      await refresh("applications")
      toast(words.saved)
      onClose()
    },
  })
  return (
    <Dialog isOpen onClose={onClose} title={webhookWords.edit}>
      <EndpointForm
        endpoint={endpoint}
        action={webhookWords.save}
        error={change.error}
        isBusy={change.isPending}
        onSubmit={change.mutate}
        onCancel={onClose}
      />
    </Dialog>
  )
}

function EndpointForm({
  endpoint,
  onSubmit,
  ...rest
}: {
  endpoint?: Endpoint
  action: string
  error: unknown
  isBusy: boolean
  onSubmit: (wish: Wish) => void
  onCancel: () => void
}) {
  const [wish, setWish] = useState<Wish>({ url: endpoint?.url ?? "", events: endpoint?.events ?? [] })
  return (
    <Form fields={["url", "events"]} {...rest} onSubmit={() => onSubmit(wish)}>
      {(problem) => (
        <>
          <TextField
            label={webhookWords.url}
            hint={webhookWords.urlHint}
            isCode
            required
            autoFocus
            type="url"
            placeholder="https://app.acme.example/hooks"
            value={wish.url}
            problem={problem("url")}
            onChange={({ target }) => setWish({ ...wish, url: target.value })}
          />
          <fieldset className="flex flex-col gap-2">
            <legend className="mb-1 font-medium">{webhookWords.events}</legend>
            <p className="text-sm text-dim">{webhookWords.eventsHint}</p>
            <div className="grid gap-2 sm:grid-cols-2">
              {eventTypes.map((type) => (
                <CheckField
                  key={type}
                  label={<code>{type}</code>}
                  checked={wish.events.includes(type)}
                  onChange={({ target }) =>
                    setWish({ ...wish, events: eventTypes.filter((one) => (one === type ? target.checked : wish.events.includes(one))) })
                  }
                />
              ))}
            </div>
          </fieldset>
        </>
      )}
    </Form>
  )
}
