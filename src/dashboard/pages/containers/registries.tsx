import { useMutation, useQuery } from "@tanstack/react-query"
import { Trash2 } from "lucide-react"
import { type FormEvent, useRef, useState } from "react"
import { ask } from "../../data/api"
import { Button, IconButton } from "../../parts/button"
import { Confirm } from "../../parts/dialog"
import { TextField } from "../../parts/field"
import { Loaded } from "../../parts/loaded"
import { Page, Section } from "../../parts/page"
import { SkeletonRows } from "../../parts/status"
import { Cell, Table } from "../../parts/table"
import { Time } from "../../parts/time"
import { toast } from "../../parts/toasts"
import { containers, registries as words } from "../../words/containers"
import { change } from "./data"
import { FormFault, problemsOf, useFocusOnProblem } from "./form-parts"

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

function List({ registries }: { registries: Registry[] }) {
  const [leaving, setLeaving] = useState<Registry>()
  const { registry, username, since, action } = words.columns
  return (
    <>
      <Table label={words.list} head={[registry, username, since, <span className="sr-only">{action}</span>]}>
        {registries.map((one) => (
          <tr key={one.id}>
            <Cell className="font-mono">{one.registry}</Cell>
            <Cell>{one.username}</Cell>
            <Cell>
              <Time at={one.created_at} />
            </Cell>
            <Cell className="text-right">
              <IconButton small label={words.remove(one.registry)} onClick={() => setLeaving(one)}>
                <Trash2 aria-hidden className="size-4 text-dim" />
              </IconButton>
            </Cell>
          </tr>
        ))}
      </Table>
      {leaving !== undefined && (
        <Confirm
          isOpen
          onClose={() => setLeaving(undefined)}
          title={words.removeTitle(leaving.registry)}
          action={words.remove(leaving.registry)}
          onConfirm={async () => {
            await change("DELETE", `/compute/registries/${leaving.id}`)
            toast(words.removed(leaving.registry))
          }}
        >
          {words.removeHelp}
        </Confirm>
      )}
    </>
  )
}

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
  const problems = problemsOf(add.error, fields)
  useFocusOnProblem(form, add.error)
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
