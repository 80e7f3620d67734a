import { useMutation } from "@tanstack/react-query"
import { type FormEvent, useRef, useState } from "react"
import { Button } from "../../parts/button"
import { Section } from "../../parts/page"
import { toast } from "../../parts/toasts"
import { settings as words } from "../../words/container"
import { making } from "../../words/containers"
import { parseWords } from "./command-words"
import { change, type Container, pathOf } from "./data"
import { bodyOf, definitionFields, draftOf, EnvGroup, ImageField, SizeGroup, StartGroup } from "./definition-fields"
import { FormFault, useProblems } from "../../parts/form-fault"
import { Group } from "./form-parts"

/** What a container is made from; a change makes it anew. */
export function ApplicationSettings({ container }: { container: Container }) {
  const form = useRef<HTMLFormElement>(null)
  const [draft, setDraft] = useState(() => draftOf(container))
  const [isTouched, setTouched] = useState(false)
  // Until something is typed, what the API says is what stands here.
  const shown = isTouched ? draft : draftOf(container)
  const changed = differences(bodyOf(draftOf(container)), bodyOf(shown))
  const rebuild = useMutation({
    mutationFn: () => change<Container>("POST", `${pathOf(container.id)}/rebuild`, changed),
    onSuccess: () => {
      setTouched(false)
      toast(words.rebuilt(container.name))
    },
  })
  const problems = useProblems(form, rebuild.error, definitionFields)
  const onChange = (part: Partial<typeof draft>) => {
    setDraft({ ...shown, ...part })
    setTouched(true)
  }
  const parts = { draft: shown, onChange, problemAt: problems.at }
  const count = Object.keys(changed).length
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (parseWords(shown.command) === undefined) form.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus()
    else rebuild.mutate()
  }
  const keeps = (container.mount_paths ?? []).length > 0
  return (
    <Section title={words.application}>
      <form ref={form} noValidate onSubmit={submit} className="flex flex-col gap-4">
        <div>
          <Group title={making.what} help={`${words.rebuildHelp} ${keeps ? words.rebuildMounts : words.rebuildNoMounts}`}>
            <ImageField {...parts} />
          </Group>
          <SizeGroup {...parts} />
          <EnvGroup {...parts} />
          <StartGroup {...parts} />
        </div>
        <FormFault error={problems.rest} />
        <div className="flex flex-wrap items-center justify-end gap-2">
          {count === 0 && <span className="mr-auto text-sm text-dim">{words.nothingChanged}</span>}
          {count > 0 && (
            <Button
              onClick={() => {
                rebuild.reset()
                setTouched(false)
              }}
            >
              {words.undo}
            </Button>
          )}
          <Button kind={count === 0 ? "plain" : "primary"} type="submit" isBusy={rebuild.isPending}>
            {count === 0 ? words.rebuildAsIs : words.rebuild}
          </Button>
        </div>
      </form>
    </Section>
  )
}

/** What the second says otherwise than the first. */
function differences(before: Record<string, unknown>, after: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(after).filter(([key, value]) => JSON.stringify(value) !== JSON.stringify(before[key])))
}
