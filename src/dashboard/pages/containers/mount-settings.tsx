import { useMutation } from "@tanstack/react-query"
import { Trash2 } from "lucide-react"
import { type FormEvent, useRef, useState } from "react"
import { Button, IconButton } from "../../parts/button"
import { Confirm } from "../../parts/dialog"
import { AreaField } from "../../parts/field"
import { Section } from "../../parts/page"
import { Badge } from "../../parts/status"
import { Cell, Table } from "../../parts/table"
import { Time } from "../../parts/time"
import { toast } from "../../parts/toasts"
import { settings as words } from "../../words/container"
import { change, type Container, pathOf, useVolumes, type Volume } from "./data"
import { FormFault, problemsOf, useFocusOnProblem } from "./form-parts"
import { pathsOf } from "./mount-paths"

/** What is kept of a container, and where. */
export const MountSettings = ({ container }: { container: Container }) => (
  <Section title={words.mounts}>
    <div className="flex flex-col gap-5">
      <MountForm key={container.id} container={container} />
      <Volumes container={container} />
    </div>
  </Section>
)

function MountForm({ container }: { container: Container }) {
  const form = useRef<HTMLFormElement>(null)
  const now = (container.mount_paths ?? []).join("\n")
  const [typed, setTyped] = useState<string>()
  const save = useMutation({
    mutationFn: () => change<{ restarted: boolean }>("PUT", `${pathOf(container.id)}/mounts`, { mount_paths: pathsOf(typed ?? now) }),
    onSuccess: ({ restarted }) => {
      setTyped(undefined)
      toast(words.mountsSaved(restarted))
    },
  })
  const problems = problemsOf(save.error, { paths: /mount/i })
  useFocusOnProblem(form, save.error)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    save.mutate()
  }
  return (
    <form ref={form} noValidate onSubmit={submit} className="flex max-w-2xl flex-col gap-3">
      <p className="text-dim">{words.mountsHelp}</p>
      <AreaField
        label={words.mountPaths}
        hint={words.mountsHint}
        isCode
        rows={3}
        spellCheck={false}
        value={typed ?? now}
        problem={problems.at("paths")}
        onChange={(event) => setTyped(event.target.value)}
      />
      <FormFault error={problems.rest} />
      <Button type="submit" className="self-start" disabled={(typed ?? now) === now} isBusy={save.isPending}>
        {words.saveMounts}
      </Button>
    </form>
  )
}

function Volumes({ container }: { container: Container }) {
  const { data } = useVolumes(container.id)
  const [leaving, setLeaving] = useState<Volume>()
  if (data === undefined) return null
  const { path, state, since, action } = words.volumeColumns
  return (
    <div className="flex flex-col gap-2">
      <h3 className="font-medium">{words.volumes}</h3>
      {data.volumes.length === 0 ? (
        <p className="text-dim">{words.noVolumes}</p>
      ) : (
        <Table label={words.volumes} head={[path, state, since, <span className="sr-only">{action}</span>]}>
          {data.volumes.map((volume) => (
            <tr key={volume.id}>
              <Cell className="font-mono">{volume.path}</Cell>
              <Cell>{volume.mounted ? <Badge tone="good">{words.mounted}</Badge> : <Badge tone="warn">{words.unmounted}</Badge>}</Cell>
              <Cell>
                <Time at={volume.created_at} />
              </Cell>
              <Cell className="text-right">
                {!volume.mounted && (
                  <IconButton small label={words.deleteVolume(volume.path)} onClick={() => setLeaving(volume)}>
                    <Trash2 aria-hidden className="size-4 text-bad" />
                  </IconButton>
                )}
              </Cell>
            </tr>
          ))}
        </Table>
      )}
      {leaving !== undefined && (
        <Confirm
          isOpen
          onClose={() => setLeaving(undefined)}
          title={words.deleteVolumeTitle(leaving.path)}
          action={words.deleteVolume(leaving.path)}
          typed={leaving.path}
          onConfirm={async () => {
            await change("DELETE", `${pathOf(container.id)}/volumes/${leaving.id}`)
            toast(words.volumeDeleted(leaving.path))
          }}
        >
          {words.deleteVolumeHelp}
        </Confirm>
      )}
    </div>
  )
}
