import { useMutation } from "@tanstack/react-query"
import { useNavigate } from "@tanstack/react-router"
import { type FormEvent, useRef, useState } from "react"
import { useSession } from "../../data/session"
import { useUrlState } from "../../data/url-state"
import { AreaField, CheckField, TextField } from "../../parts/field"
import { Page, Section, TabLinks } from "../../parts/page"
import { containers, making } from "../../words/containers"
import { parseWords } from "./command-words"
import { change, type Container } from "./data"
import { bodyOf, definitionFields, emptyDraft, EnvGroup, ImageField, SizeGroup, StartGroup } from "./definition-fields"
import { EngineNotice } from "./engine-notice"
import { useProblems } from "../../parts/form-fault"
import { FormEnd, Group } from "./form-parts"
import { pathsOf } from "./mount-paths"
import { NewExternal } from "./new-external"
import { filled, type PortRow, PortRows } from "./port-rows"
import { SshKeys } from "./ssh-keys"

/** Makes a container from an image, or registers an external one. */
export function NewContainer() {
  const [kind] = useUrlState("kind", "engine")
  const { is_admin: isAdmin } = useSession()
  const isOutside = kind === "external"
  return (
    <Page
      title={containers.newContainer}
      crumbs={[{ label: containers.title, to: "/containers" }]}
      lead={isOutside ? making.externalLead : making.engineLead}
    >
      {isAdmin && (
        <TabLinks
          label={making.kinds}
          tabs={[
            { label: making.engineKind, to: "/containers/new", search: {} },
            { label: making.externalKind, to: "/containers/new", search: { kind: "external" } as never },
          ]}
        />
      )}
      {isOutside ? (
        <NewExternal />
      ) : (
        <>
          <EngineNotice />
          <NewFromImage />
        </>
      )}
    </Page>
  )
}

const fields = {
  name: /^name\b/i,
  mounts: /mount/i,
  ports: /\bport\b|ingress_rules/i,
  ...definitionFields,
}

function NewFromImage() {
  const navigate = useNavigate()
  const form = useRef<HTMLFormElement>(null)
  const [name, setName] = useState("")
  const [draft, setDraft] = useState(emptyDraft)
  const [mounts, setMounts] = useState("/root")
  const [ports, setPorts] = useState<PortRow[]>([])
  const [hasSsh, setSsh] = useState(false)
  const create = useMutation({
    mutationFn: () =>
      change<Container>("POST", "/compute/containers", {
        name,
        ...bodyOf(draft),
        mount_paths: pathsOf(mounts),
        ingress_rules: filled(ports).map(({ outer, inner }) => ({
          port: Number(outer),
          target_port: inner === "" ? undefined : Number(inner),
        })),
        ssh_enabled: hasSsh,
      }),
    onSuccess: ({ id }) => void navigate({ to: `/containers/${id}` }),
  })
  const problems = useProblems(form, create.error, fields)
  const parts = { draft, onChange: (part: Partial<typeof draft>) => setDraft((now) => ({ ...now, ...part })), problemAt: problems.at }
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (parseWords(draft.command) === undefined) form.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus()
    else create.mutate()
  }
  return (
    <form ref={form} noValidate onSubmit={submit} className="flex flex-col gap-4">
      <Section>
        <Group title={making.what} help={making.whatHelp}>
          <ImageField {...parts} />
          <TextField
            label={making.name}
            hint={making.nameHint}
            value={name}
            problem={problems.at("name")}
            onChange={(event) => setName(event.target.value)}
          />
        </Group>
        <SizeGroup {...parts} />
        <EnvGroup {...parts} />
        <StartGroup {...parts} />
        <Group title={making.keep} help={making.keepHelp}>
          <AreaField
            label={making.mounts}
            hint={making.mountsHint}
            isCode
            rows={3}
            spellCheck={false}
            value={mounts}
            problem={problems.at("mounts")}
            onChange={(event) => setMounts(event.target.value)}
          />
        </Group>
        <Group title={making.ports} help={making.portsHelp(making.ownName)}>
          <PortRows
            rows={ports}
            onChange={setPorts}
            outerLabel={making.outerPort}
            innerLabel={making.innerPort}
            problem={problems.at("ports")}
            none={making.noPorts}
          />
        </Group>
        <Group title={making.ssh} help={making.sshHelp}>
          <CheckField label={making.sshSwitch} checked={hasSsh} onChange={(event) => setSsh(event.target.checked)} />
          {hasSsh && <SshKeys />}
        </Group>
      </Section>
      <FormEnd problems={problems} action={making.create} isBusy={create.isPending} />
    </form>
  )
}
