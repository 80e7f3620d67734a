import { useMutation } from "@tanstack/react-query"
import { Link, useNavigate } from "@tanstack/react-router"
import { type FormEvent, useRef, useState } from "react"
import { ask } from "../../data/api"
import { refresh } from "../../data/queries"
import { Button } from "../../parts/button"
import { TextField } from "../../parts/field"
import { Section } from "../../parts/page"
import { Badge } from "../../parts/status"
import { container as words } from "../../words/container"
import { type Container, isExternal, type Mapping, useMappings, useRules } from "./data"
import { FormFault, useProblems } from "../../parts/form-fault"

const tones = { pending: "warn", verified: "good", failed: "bad" } as const

/** The hostnames that lead to a container, and one more in one step. */
export function Hostnames({ container }: { container: Container }) {
  const { data } = useMappings()
  const own = data?.domains.filter((mapping) => mapping.container_id === container.id) ?? []
  return (
    <Section title={words.hostnames}>
      <div className="flex flex-col gap-4">
        {own.length === 0 ? <p className="text-dim">{words.noHostnames}</p> : <List mappings={own} />}
        <Attach container={container} />
      </div>
    </Section>
  )
}

const List = ({ mappings }: { mappings: Mapping[] }) => (
  <ul aria-label={words.hostnames} className="flex flex-col gap-1.5">
    {mappings.map(({ id, domain, target_port: port, status, detail }) => (
      <li key={id} className="flex flex-wrap items-center gap-x-3">
        <Link to={`/hostnames/mapping/${id}`} className="min-w-0 truncate text-accent hover:underline">
          {domain}
        </Link>
        <span className="text-sm text-dim">{words.toPort(port)}</span>
        <span title={detail}>
          <Badge tone={tones[status as keyof typeof tones] ?? "neutral"}>{words.mappingStates[status] ?? status}</Badge>
        </span>
      </li>
    ))}
  </ul>
)

const fields = { port: /^port\b/i, domain: /domain|hostname|private zone|claims/i }

function Attach({ container }: { container: Container }) {
  const navigate = useNavigate()
  const form = useRef<HTMLFormElement>(null)
  const { data: open } = useRules(container.id)
  const usual = isExternal(container) ? Object.keys(container.ports ?? {})[0] : open?.rules[0]?.target_port
  const [input, setInput] = useState<{ domain: string; port?: string }>({ domain: "" })
  const port = input.port ?? String(usual ?? 8080)
  const attach = useMutation({
    mutationFn: () =>
      ask<Mapping>("POST", "/api/domain-mappings", { container_id: container.id, domain: input.domain.trim(), target_port: Number(port) }),
    onSuccess: ({ id }) => {
      void refresh("hostnames")
      void navigate({ to: `/hostnames/mapping/${id}` })
    },
  })
  const problems = useProblems(form, attach.error, fields)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    attach.mutate()
  }
  return (
    <form ref={form} noValidate aria-label={words.attach} onSubmit={submit} className="flex flex-col gap-3 border-t border-line pt-4">
      <h3 className="font-medium">{words.attach}</h3>
      <div className="grid items-start gap-3 sm:grid-cols-[minmax(0,1fr)_11rem]">
        <TextField
          label={words.hostname}
          isCode
          autoComplete="off"
          placeholder={words.hostnameExample}
          value={input.domain}
          problem={problems.at("domain")}
          onChange={(event) => setInput({ ...input, domain: event.target.value })}
        />
        <TextField
          label={words.attachPort}
          inputMode="numeric"
          value={port}
          hint={words.attachPortHint}
          problem={problems.at("port")}
          onChange={(event) => setInput({ ...input, port: event.target.value })}
        />
      </div>
      <FormFault error={problems.rest} />
      <div className="flex flex-wrap items-center gap-3">
        <Button type="submit" isBusy={attach.isPending}>
          {words.attachAction}
        </Button>
        <span className="min-w-0 flex-1 basis-48 text-sm text-dim">{words.attachHelp}</span>
      </div>
    </form>
  )
}
