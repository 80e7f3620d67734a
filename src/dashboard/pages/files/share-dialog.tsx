import { useMutation } from "@tanstack/react-query"
import { type FormEvent, useState } from "react"
import { apiOrigin, ask } from "../../data/api"
import { Button } from "../../parts/button"
import { Actions, Dialog } from "../../parts/dialog"
import { Code } from "../../parts/copy"
import { CheckField, SelectField } from "../../parts/field"
import { FaultNotice, Notice } from "../../parts/status"
import { Time } from "../../parts/time"
import { files } from "../../words/files"
import { lastPart } from "./model"

const words = files.link

/** Makes a link that opens one file for a while without a session. */
export function ShareDialog({ namespace, name, onClose }: { namespace: string; name: string; onClose: () => void }) {
  const [seconds, setSeconds] = useState(86_400)
  const [isDownload, setDownload] = useState(false)
  const create = useMutation({
    mutationFn: () =>
      ask<{ url: string; expires_at: number }>("POST", "/storage/links", {
        namespace,
        name,
        expires_in: seconds,
        disposition: isDownload ? "attachment" : "inline",
      }),
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    create.mutate()
  }
  const isHere = /^(localhost|127\.|\[::1\])/.test(location.hostname) || location.hostname.endsWith(".localhost")
  return (
    <Dialog isOpen onClose={onClose} title={words.title(lastPart(name))} description={words.what}>
      <form onSubmit={submit} className="flex flex-col gap-4">
        <SelectField
          label={words.expires}
          value={seconds}
          onChange={(event) => {
            setSeconds(Number(event.target.value))
            create.reset()
          }}
        >
          {words.spans.map(([span, label]) => (
            <option key={span} value={span}>
              {label}
            </option>
          ))}
        </SelectField>
        <CheckField
          label={words.asDownload}
          checked={isDownload}
          onChange={(event) => {
            setDownload(event.target.checked)
            create.reset()
          }}
        />
        {isHere && <Notice tone="warn">{words.loopback}</Notice>}
        {create.error !== null && <FaultNotice error={create.error} />}
        {create.data === undefined ? (
          <Actions>
            <Button kind="primary" type="submit" isBusy={create.isPending}>
              {words.create}
            </Button>
          </Actions>
        ) : (
          <div role="status" className="flex flex-col gap-1 rounded-lg bg-sunken p-3">
            <Code text={new URL(create.data.url, apiOrigin || location.origin).href} />
            <p className="text-sm text-dim">
              {words.ends} <Time at={create.data.expires_at} />
            </p>
          </div>
        )}
      </form>
    </Dialog>
  )
}
