import { useMutation } from "@tanstack/react-query"
import { type FormEvent, useEffect, useState } from "react"
import { ask } from "../../data/api"
import { refresh } from "../../data/queries"
import { Button } from "../../parts/button"
import { TextField } from "../../parts/field"
import { Section } from "../../parts/page"
import { FaultNotice } from "../../parts/status"
import { toast } from "../../parts/toasts"
import { administration } from "../../words/administration"
import { type Person, type Usage, useUsage } from "./data"
import { parseSize, sizeText } from "./size"

const words = administration.person

/** How much a person may store. */
export function PersonQuota({ person: { user_id: id } }: { person: Person }) {
  const { data } = useUsage(id)
  const inForce = data === undefined ? undefined : sizeText(data.quota_bytes)
  const [text, setText] = useState<string>()
  const [problem, setProblem] = useState<string>()
  // What was typed stays until it is saved, whatever comes meanwhile.
  useEffect(() => setProblem(undefined), [text])
  const save = useMutation({
    mutationFn: (quota: number | null) => ask<Usage>("PUT", `/storage/admin/quotas/${id}`, { quota_bytes: quota }),
    onSuccess: async ({ quota_bytes: quota }) => {
      setText(undefined)
      toast(words.quotaNow(quota === null ? words.quotaNone : sizeText(quota)))
      await refresh("people")
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    const quota = parseSize(text ?? inForce ?? "")
    if (quota === undefined) setProblem(words.quotaBad)
    else save.mutate(quota)
  }
  return (
    <Section title={words.quota}>
      <form onSubmit={submit} className="flex max-w-md flex-col items-start gap-3">
        <TextField
          label={words.quotaLabel}
          hint={words.quotaHint}
          problem={problem}
          isCode
          value={text ?? inForce ?? ""}
          disabled={inForce === undefined}
          onChange={(event) => setText(event.target.value)}
          className="w-full"
        />
        {save.error !== null && <FaultNotice error={save.error} />}
        <Button type="submit" isBusy={save.isPending}>
          {words.quotaSave}
        </Button>
      </form>
    </Section>
  )
}
