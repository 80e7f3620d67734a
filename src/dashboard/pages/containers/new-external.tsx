import { useMutation } from "@tanstack/react-query"
import { useNavigate } from "@tanstack/react-router"
import { type FormEvent, useRef, useState } from "react"
import { useSession } from "../../data/session"
import { TextField } from "../../parts/field"
import { Section } from "../../parts/page"
import { Notice } from "../../parts/status"
import { toast } from "../../parts/toasts"
import { making } from "../../words/containers"
import { change, type Container } from "./data"
import { useProblems } from "../../parts/form-fault"
import { FormEnd, Group } from "./form-parts"
import { filled, type PortRow, portRow, PortRows } from "./port-rows"

const fields = { name: /^name\b/i, address: /^address\b/i, ports: /\bports?\b/i }

/** Registers an application that runs outside the engine. */
export function NewExternal() {
  const { is_admin: isAdmin } = useSession()
  const navigate = useNavigate()
  const form = useRef<HTMLFormElement>(null)
  const [input, setInput] = useState({ name: "", address: "" })
  const [ports, setPorts] = useState<PortRow[]>(() => [portRow("80", "")])
  const register = useMutation({
    mutationFn: () =>
      change<Container>("POST", "/compute/containers", {
        kind: "external",
        ...input,
        ports: Object.fromEntries(filled(ports).map(({ outer, inner }) => [outer, Number(inner === "" ? outer : inner)])),
      }),
    onSuccess: ({ id, name }) => {
      toast(making.registered(name))
      void navigate({ to: `/containers/${id}` })
    },
  })
  const problems = useProblems(form, register.error, fields)
  if (!isAdmin) return <Notice>{making.adminsOnly}</Notice>
  const submit = (event: FormEvent) => {
    event.preventDefault()
    register.mutate()
  }
  return (
    <form ref={form} noValidate onSubmit={submit} className="flex flex-col gap-4">
      <Section>
        <Group title={making.what}>
          <TextField
            label={making.name}
            hint={making.nameHint}
            value={input.name}
            problem={problems.at("name")}
            onChange={(event) => setInput({ ...input, name: event.target.value })}
          />
          <TextField
            label={making.address}
            hint={making.addressHint}
            isCode
            value={input.address}
            problem={problems.at("address")}
            onChange={(event) => setInput({ ...input, address: event.target.value })}
          />
        </Group>
        <Group title={making.externalPorts} help={making.externalPortsHelp}>
          <PortRows
            rows={ports}
            onChange={setPorts}
            outerLabel={making.hostnamePort}
            innerLabel={making.realPort}
            problem={problems.at("ports")}
            none={making.noPorts}
          />
        </Group>
      </Section>
      <FormEnd problems={problems} action={making.register} isBusy={register.isPending} />
    </form>
  )
}
