import { useNavigate } from "@tanstack/react-router"
import { useState } from "react"
import { ask } from "../../data/api"
import { refresh } from "../../data/queries"
import { Button } from "../../parts/button"
import { Confirm } from "../../parts/dialog"
import { Section } from "../../parts/page"
import { toast } from "../../parts/toasts"
import { settings as words } from "../../words/hostnames"
import { apiOf, type Subject } from "./model"

/** Ends a mapping or a connection, by its name typed. */
export function EndSection({ subject, hostname }: { subject: Subject; hostname: string }) {
  const [isOpen, setOpen] = useState(false)
  const navigate = useNavigate()
  const said =
    subject.kind === "mapping"
      ? { action: words.delete, title: words.deleteTitle, what: words.deleteWhat, done: words.deleted }
      : { action: words.archive, title: words.archiveTitle, what: words.archiveWhat, done: words.archived }
  const end = async () => {
    await ask("DELETE", apiOf(subject))
    toast(said.done(hostname))
    await navigate({ to: "/hostnames" })
    await refresh("hostnames")
  }
  return (
    <Section title={words.endTitle}>
      <div className="flex flex-wrap items-center gap-4">
        <p className="min-w-0 flex-1 basis-72 text-dim">{said.what(hostname)}</p>
        <Button kind="danger" onClick={() => setOpen(true)}>
          {said.action}
        </Button>
      </div>
      <Confirm
        isOpen={isOpen}
        onClose={() => setOpen(false)}
        title={said.title(hostname)}
        action={said.action}
        typed={hostname}
        onConfirm={end}
      >
        {said.what(hostname)}
      </Confirm>
    </Section>
  )
}
