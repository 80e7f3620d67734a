import { useMutation, useQuery } from "@tanstack/react-query"
import { type FormEvent, useRef, useState } from "react"
import { ask } from "../../data/api"
import { Button } from "../../parts/button"
import { TextField } from "../../parts/field"
import { Loaded } from "../../parts/loaded"
import { Page, Section } from "../../parts/page"
import { SkeletonRows } from "../../parts/status"
import { RemovableTable } from "../../parts/removable-table"
import { Cell } from "../../parts/table"
import { Time } from "../../parts/time"
import { toast } from "../../parts/toasts"
import { containers, registries as words } from "../../words/containers"
import { change } from "./data"
import { FormFault, useProblems } from "../../parts/form-fault"

type Registry = { id: string; registry: string; username: string; created_at: string }

/** What private images are fetched with. */
export function Registries() {
  const query = useQuery({
    queryKey: ["containers", "registries"],
    queryFn: ({ signal }) => ask<{ registries: Registry[] }>("GET", "/compute/registries", undefined, { signal }),
  })
  return (
    <Page title={words.title} crumbs={[{ label: containers.title, to: "/containers" }]} lead={words.lead}>
      <Loaded query={query} skeleton={<SkeletonRows rows={2} />}>
        {({ registries }) => (registries.length === 0 ? <p className="text-dim">{words.empty}</p> : <List registries={registries} />)}
      </Loaded>
      <Add />
    </Page>
  )
}

const List = ({ registries }: { registries: Registry[] }) => (
  <RemovableTable
    label={words.list}
    head={[words.columns.registry, words.columns.username, words.columns.since]}
    actionHead={words.columns.action}
    items={registries}
    idOf={({ id }) => id}
    removalOf={({ id, registry }) => ({
      action: words.remove(registry),
      title: words.removeTitle(registry),
      help: words.removeHelp,
      onConfirm: async () => {
        await change("DELETE", `/compute/registries/${id}`)
        toast(words.removed(registry))
      },
    })}
  >
    {({ registry, username, created_at: since }) => (
      <>
        <Cell className="font-mono">{registry}</Cell>
        <Cell>{username}</Cell>
        <Cell>
          <Time at={since} />
        </Cell>
      </>
    )}
  </RemovableTable>
)

const nothing = { registry: "", username: "", password: "" }
const fields = { registry: /registry|credentials for/i, username: /^username/i, password: /^password/i }

function Add() {
  const form = useRef<HTMLFormElement>(null)
  const [input, setInput] = useState(nothing)
  const add = useMutation({
    mutationFn: () => change<Registry>("POST", "/compute/registries", input),
    onSuccess: ({ registry }) => {
      setInput(nothing)
      toast(words.added(registry))
    },
  })
  const problems = useProblems(form, add.error, fields)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    add.mutate()
  }
  const field = (name: keyof typeof nothing, label: string, hint?: string) => (
    <TextField
      label={label}
      hint={hint}
      isCode={name === "registry"}
      type={name === "password" ? "password" : "text"}
      autoComplete="off"
      value={input[name]}
      problem={problems.at(name)}
      onChange={(event) => setInput({ ...input, [name]: event.target.value })}
    />
  )
  return (
    <Section title={words.add}>
      <form ref={form} noValidate onSubmit={submit} className="flex max-w-2xl flex-col gap-4">
        {field("registry", words.registry, words.registryHint)}
        <div className="grid items-start gap-4 sm:grid-cols-2">
          {field("username", words.username)}
          {field("password", words.password, words.passwordHint)}
        </div>
        <FormFault error={problems.rest} />
        <Button kind="primary" type="submit" className="self-start" isBusy={add.isPending}>
          {words.add}
        </Button>
      </form>
    </Section>
  )
}
