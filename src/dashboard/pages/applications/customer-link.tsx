import { useMutation } from "@tanstack/react-query"
import { useState } from "react"
import { ask } from "../../data/api"
import { refresh } from "../../data/queries"
import { Button } from "../../parts/button"
import { Code } from "../../parts/copy"
import { Dialog } from "../../parts/dialog"
import { SelectField, TextField } from "../../parts/field"
import { FaultNotice, Notice } from "../../parts/status"
import { Time } from "../../parts/time"
import { toast } from "../../parts/toasts"
import { connectionWords } from "../../words/applications"
import { useOne } from "./data"
import { Form } from "../../parts/form"
import type { CustomerLink, List } from "./model"

type Made = { url: string; expires_at: string; mailto: string }

const daySeconds = 86_400

/** Makes a link for whoever looks after a domain, and ends those that there are. */
export function CustomerLinkDialog({ connection, onClose }: { connection: { id: string; hostname: string }; onClose: () => void }) {
  const path = `/v1/connections/${connection.id}/link`
  const [input, setInput] = useState({ days: "7", email: "" })
  const make = useMutation({
    mutationFn: () =>
      ask<Made>("POST", path, {
        expires_in: Number(input.days) * daySeconds,
        ...(input.email.trim() === "" ? {} : { email: input.email.trim() }),
      }),
    onSuccess: () => refresh("applications"),
  })
  return (
    <Dialog isOpen onClose={onClose} title={connectionWords.linkTitle(connection.hostname)} description={connectionWords.linkLead}>
      {make.data === undefined ? (
        <>
          <Standing path={path} />
          <Form
            fields={["expires_in", "email"]}
            error={make.error}
            isBusy={make.isPending}
            action={connectionWords.linkMake}
            onSubmit={() => make.mutate()}
            onCancel={onClose}
          >
            {(problem) => (
              <>
                <SelectField
                  label={connectionWords.linkFor}
                  value={input.days}
                  problem={problem("expires_in")}
                  onChange={({ target }) => setInput({ ...input, days: target.value })}
                >
                  {[1, 7, 30].map((days) => (
                    <option key={days} value={days}>
                      {connectionWords.linkDays(days)}
                    </option>
                  ))}
                </SelectField>
                <TextField
                  label={connectionWords.linkEmail}
                  hint={connectionWords.linkEmailHint}
                  isOptional
                  type="email"
                  value={input.email}
                  problem={problem("email")}
                  onChange={({ target }) => setInput({ ...input, email: target.value })}
                />
              </>
            )}
          </Form>
        </>
      ) : (
        <>
          <Notice tone="warn">{connectionWords.linkMade}</Notice>
          <div className="flex flex-col gap-1">
            <p className="font-medium">{connectionWords.linkLabel}</p>
            <Code text={make.data.url} className="rounded-md bg-sunken px-3 py-2" />
            <p className="text-sm text-dim">
              {connectionWords.linkUntil} <Time at={make.data.expires_at} />
              {" · "}
              <a href={make.data.mailto} className="text-accent hover:underline">
                {connectionWords.linkLetter}
              </a>
            </p>
          </div>
          <Standing path={path} onEnded={onClose} />
        </>
      )}
    </Dialog>
  )
}

/** Links that work now, and a way to end them; nothing where there are none. */
function Standing({ path, onEnded }: { path: string; onEnded?: () => void }) {
  const links = useOne<List<CustomerLink>>(path)
  const end = useMutation({
    mutationFn: () => ask("DELETE", path),
    onSuccess: async () => {
      await refresh("applications")
      toast(connectionWords.linkEnded)
      onEnded?.()
    },
  })
  const all = links.data?.data ?? []
  const last = all
    .map((one) => one.expires_at)
    .sort()
    .at(-1)
  if (last === undefined) return null
  return (
    <div className="flex flex-wrap items-center gap-x-3 gap-y-2 text-sm">
      <p className="min-w-0 flex-1 basis-48 text-dim">
        {connectionWords.linkCount(all.length)} <Time at={last} />.
      </p>
      <Button small kind="danger" isBusy={end.isPending} onClick={() => end.mutate()}>
        {connectionWords.linkEnd}
      </Button>
      {end.error !== null && <FaultNotice error={end.error} className="basis-full" />}
    </div>
  )
}
