import { useMutation, useQuery } from "@tanstack/react-query"
import { useNavigate, useSearch } from "@tanstack/react-router"
import { type FormEvent, useEffect, useRef, useState } from "react"
import { ApiFault, ask } from "../../data/api"
import { refresh } from "../../data/queries"
import { Button, ButtonLink } from "../../parts/button"
import { Actions } from "../../parts/dialog"
import { TextField } from "../../parts/field"
import { Loaded } from "../../parts/loaded"
import { Page, Section } from "../../parts/page"
import { FaultNotice, Skeleton } from "../../parts/status"
import { toast } from "../../parts/toasts"
import { adding as words, hostnames } from "../../words/hostnames"
import { shell } from "../../words/shell"
import { type Mapping, type NameCheck as Check, pageOf } from "./model"
import { NameCheck } from "./name-check"
import { defaultOptions, OptionFields } from "./option-fields"
import { targetsQuery } from "./queries"
import { portOf, TargetFields } from "./target-fields"

/** Adds a mapping, guided by what the DNS says of its name now; what follows happens on the page of the hostname. */
export function NewHostname() {
  const given = useSearch({ strict: false }) as { name?: string; container?: string; port?: string }
  const navigate = useNavigate()
  const [name, setName] = useState(given.name ?? "")
  const [target, setTarget] = useState({ container: given.container ?? "", port: String(given.port ?? "") })
  const [options, setOptions] = useState(defaultOptions)
  const [missing, setMissing] = useState<"name" | "container">()
  const nameField = useRef<HTMLInputElement>(null)
  const containerField = useRef<HTMLSelectElement>(null)
  const containers = useQuery(targetsQuery)
  const check = useNameCheck(name)
  const port = target.port || portOf(containers.data?.find(({ id }) => id === target.container))
  const create = useMutation({
    mutationFn: () =>
      ask<Mapping>("POST", "/api/domain-mappings", {
        domain: name.trim(),
        container_id: target.container,
        target_port: Number(port),
        ...options,
      }),
    onSuccess: async (mapping) => {
      await refresh("hostnames")
      toast(words.created(mapping.domain))
      await navigate({ to: pageOf({ kind: "mapping", id: mapping.id }) })
    },
    onError: (error) => {
      const field = fieldOf(error)
      if (field === "name") nameField.current?.focus()
      if (field === "container") containerField.current?.focus()
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    const left = name.trim() === "" ? "name" : target.container === "" ? "container" : undefined
    setMissing(left)
    if (left === "name") nameField.current?.focus()
    else if (left === "container") containerField.current?.focus()
    else create.mutate()
  }
  const refused = create.error === null ? undefined : { field: fieldOf(create.error), message: (create.error as Error).message }
  const problemAt = (field: string) => (refused?.field === field ? refused.message : undefined)
  const checkProblem = check.error instanceof ApiFault && check.error.status === 400 ? check.error.message : undefined
  return (
    <Page title={words.title} crumbs={[{ label: hostnames.title, to: "/hostnames" }]}>
      <form onSubmit={submit} noValidate className="flex flex-col gap-5">
        <Section>
          <div className="flex flex-col gap-5">
            <TextField
              ref={nameField}
              label={words.name}
              hint={words.nameHint}
              isCode
              inputMode="url"
              autoComplete="off"
              autoFocus
              value={name}
              problem={problemAt("name") ?? (missing === "name" ? words.typeFirst : checkProblem)}
              onChange={(event) => {
                setName(event.target.value)
                setMissing(undefined)
                create.reset()
              }}
            />
            <div aria-live="polite" aria-busy={check.isFetching} className="min-h-24 border-t border-line pt-4">
              <h2 className="mb-2 font-semibold">{words.nowTitle}</h2>
              <CheckState check={check} />
            </div>
          </div>
        </Section>
        <Section title={words.target}>
          <Loaded query={containers} skeleton={<Skeleton className="h-16" />}>
            {(found) => (
              <TargetFields
                fieldRef={containerField}
                containers={found}
                value={{ container: target.container, port }}
                onChange={(next) => {
                  setTarget(next)
                  setMissing(undefined)
                  create.reset()
                }}
                problem={problemAt("container") ?? (missing === "container" ? words.chooseFirst : undefined)}
                portProblem={problemAt("port")}
              />
            )}
          </Loaded>
        </Section>
        <Section title={words.options}>
          <OptionFields value={options} onChange={setOptions} />
        </Section>
        {refused !== undefined && refused.field === undefined && <FaultNotice error={create.error} />}
        <Actions>
          <ButtonLink to="/hostnames">{shell.cancel}</ButtonLink>
          <Button kind="primary" type="submit" isBusy={create.isPending}>
            {words.create}
          </Button>
        </Actions>
      </form>
    </Page>
  )
}

function CheckState({ check }: { check: ReturnType<typeof useNameCheck> }) {
  if (check.data !== undefined) return <NameCheck check={check.data} />
  if (check.isFetching) return <p className="text-dim">{words.looking}</p>
  if (check.error !== null && !(check.error instanceof ApiFault && check.error.status === 400))
    return <FaultNotice error={check.error} onRetry={() => void check.refetch()} />
  return <p className="text-dim">{words.nowEmpty}</p>
}

const pauseMs = 400

/** Looks at a name once nobody has typed for a moment; what is not needed any more is called off. */
function useNameCheck(name: string) {
  const [asked, setAsked] = useState("")
  useEffect(() => {
    const wanted = name.trim().toLowerCase()
    const timer = setTimeout(() => setAsked(/.\.../.test(wanted) ? wanted : ""), pauseMs)
    return () => clearTimeout(timer)
  }, [name])
  return useQuery({
    queryKey: ["preflight", "name", asked],
    queryFn: ({ signal }) => ask<Check>("GET", `/api/preflight?hostname=${encodeURIComponent(asked)}`, undefined, { signal }),
    enabled: asked !== "" && asked === name.trim().toLowerCase(),
    staleTime: 10_000,
    gcTime: 60_000,
    refetchOnWindowFocus: false,
  })
}

/** Which field a refusal is about, by what it says. */
function fieldOf(error: unknown): "name" | "container" | "port" | undefined {
  if (!(error instanceof ApiFault)) return undefined
  if (/domain|wildcard|private zone|certificate of/i.test(error.message)) return "name"
  if (/container/i.test(error.message)) return "container"
  return /port must/i.test(error.message) ? "port" : undefined
}
