import { useMutation } from "@tanstack/react-query"
import { ExternalLink } from "lucide-react"
import { type FormEvent, useRef, useState } from "react"
import { ask } from "../../data/api"
import { refresh } from "../../data/queries"
import { Button } from "../../parts/button"
import { Actions, Dialog } from "../../parts/dialog"
import { TextField } from "../../parts/field"
import { faultText } from "../../parts/status"
import { toast } from "../../parts/toasts"
import { domains as words } from "../../words/domains"
import { shell } from "../../words/shell"
import type { OwnedDomain } from "./model"

const tokensPage = "https://dash.cloudflare.com/profile/api-tokens"

/** Asks for a token: of a new owned domain, or one in the place of that of `replaced`. The API tries it before it keeps it. */
export function TokenDialog({ isOpen, onClose, replaced }: { isOpen: boolean; onClose: () => void; replaced?: OwnedDomain }) {
  const [token, setToken] = useState("")
  const [isMissing, setMissing] = useState(false)
  const field = useRef<HTMLInputElement>(null)
  const save = useMutation({
    mutationFn: () => {
      const body = { token: token.trim() }
      return replaced === undefined
        ? ask<OwnedDomain>("POST", "/api/domains", body)
        : ask<OwnedDomain>("PUT", `/api/domains/${encodeURIComponent(replaced.id)}`, body)
    },
    onSuccess: async ({ zones }) => {
      const lost = replaced?.zones.filter((zone) => !zones.includes(zone)) ?? []
      toast(lost.length > 0 ? words.lost(lost.join(", ")) : replaced === undefined ? words.connected(zones.length) : words.replaced)
      close()
      await refresh("domains", "hostnames")
    },
    onError: () => field.current?.focus(),
  })
  const close = () => {
    setToken("")
    setMissing(false)
    save.reset()
    onClose()
  }
  const submit = (event: FormEvent) => {
    event.preventDefault()
    setMissing(token.trim() === "")
    if (token.trim() === "") field.current?.focus()
    else save.mutate()
  }
  return (
    <Dialog isOpen={isOpen} onClose={close} title={replaced === undefined ? words.formTitle : words.replaceTitle}>
      <form onSubmit={submit} noValidate className="flex flex-col gap-4">
        <div>
          <p>{words.rights}</p>
          <ul className="mt-1 list-disc pl-5">
            {words.rightsList.map((right) => (
              <li key={right} className="font-medium">
                {right}
              </li>
            ))}
          </ul>
          <p className="mt-2 text-dim">
            <a href={tokensPage} target="_blank" rel="noopener noreferrer" className="inline-flex items-center gap-1 text-accent underline">
              {words.where}
              <ExternalLink aria-hidden className="size-3.5" />
            </a>
            : {words.whereHow}
          </p>
        </div>
        <TextField
          ref={field}
          label={words.token}
          hint={words.tokenHint}
          isCode
          type="password"
          autoComplete="off"
          value={token}
          problem={isMissing ? words.typeFirst : save.error === null ? undefined : faultText(save.error)}
          onChange={(event) => {
            setToken(event.target.value)
            setMissing(false)
            save.reset()
          }}
        />
        <Actions>
          <Button onClick={close}>{shell.cancel}</Button>
          <Button kind="primary" type="submit" isBusy={save.isPending}>
            {replaced === undefined ? words.save : words.replace}
          </Button>
        </Actions>
      </form>
    </Dialog>
  )
}
