import { useMutation } from "@tanstack/react-query"
import { type FormEvent, useRef, useState } from "react"
import { Button } from "../../parts/button"
import { AreaField } from "../../parts/field"
import { Section } from "../../parts/page"
import { Badge } from "../../parts/status"
import { RemovableTable } from "../../parts/removable-table"
import { Cell } from "../../parts/table"
import { Time } from "../../parts/time"
import { toast } from "../../parts/toasts"
import { settings as words } from "../../words/container"
import { change, type Container, pathOf, useVolumes } from "./data"
import { FormFault, useProblems } from "../../parts/form-fault"
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
  const problems = useProblems(form, save.error, { paths: /mount/i })
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
  if (data === undefined) return null
  const { path, state, since, action } = words.volumeColumns
  return (
    <div className="flex flex-col gap-2">
      <h3 className="font-medium">{words.volumes}</h3>
      {data.volumes.length === 0 ? (
        <p className="text-dim">{words.noVolumes}</p>
      ) : (
        <RemovableTable
          label={words.volumes}
          head={[path, state, since]}
          actionHead={action}
          items={data.volumes}
          idOf={({ id }) => id}
          removalOf={(volume) =>
            volume.mounted
              ? undefined
              : {
                  action: words.deleteVolume(volume.path),
                  title: words.deleteVolumeTitle(volume.path),
                  help: words.deleteVolumeHelp,
                  typed: volume.path,
                  onConfirm: async () => {
                    await change("DELETE", `${pathOf(container.id)}/volumes/${volume.id}`)
                    toast(words.volumeDeleted(volume.path))
                  },
                }
          }
        >
          {(volume) => (
            <>
              <Cell className="font-mono">{volume.path}</Cell>
              <Cell>{volume.mounted ? <Badge tone="good">{words.mounted}</Badge> : <Badge tone="warn">{words.unmounted}</Badge>}</Cell>
              <Cell>
                <Time at={volume.created_at} />
              </Cell>
            </>
          )}
        </RemovableTable>
      )}
    </div>
  )
}
