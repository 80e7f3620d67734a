import { useQuery } from "@tanstack/react-query"
import { useState } from "react"
import { ask } from "../../data/api"
import { AreaField, SelectField, TextField } from "../../parts/field"
import { words } from "../../words/applications"
import { Form } from "../../parts/form"
import type { Application, DnsRecord, Environment } from "./model"

type Leads = "none" | "origin" | "container"

type Input = {
  name: string
  environment: Environment
  origins: string
  leads: Leads
  originUrl: string
  containerId: string
  port: string
  template: string
}

type Container = { id: string; name: string }

const empty: Input = {
  name: "",
  environment: "live",
  origins: "",
  leads: "origin",
  originUrl: "",
  containerId: "",
  port: "80",
  template: "",
}

const inputOf = (one: Application): Input => ({
  name: one.name,
  environment: one.environment,
  origins: one.allowed_origins.join("\n"),
  leads: one.container_id !== null ? "container" : one.origin_url === null ? "none" : "origin",
  originUrl: one.origin_url ?? "",
  containerId: one.container_id ?? "",
  port: String(one.target_port ?? 80),
  template: one.record_template === null ? "" : JSON.stringify(one.record_template, null, 2),
})

/** What the form asks of the API. */
export type ApplicationWish = {
  name: string
  allowed_origins: string[]
  origin_url: string | null
  container_id: string | null
  target_port: number | null
  record_template?: DnsRecord[] | null
  environment?: Environment
}

const fields = ["name", "allowed_origins", "origin_url", "container", "target_port", "record_template"]

/** The fields of an application, new or as it is; which environment it is of is said once. */
export function ApplicationForm({
  application,
  error,
  isBusy,
  onSubmit,
  onCancel,
}: {
  application?: Application
  error: unknown
  isBusy: boolean
  onSubmit: (wish: ApplicationWish) => void
  onCancel: () => void
}) {
  const [input, setInput] = useState(application === undefined ? empty : inputOf(application))
  const [isJson, setJson] = useState(true)
  const set = (change: Partial<Input>) => setInput({ ...input, ...change })
  const submit = () => {
    const template = parseTemplate(input.template)
    setJson(template !== undefined)
    if (template === undefined) return
    onSubmit({
      name: input.name,
      allowed_origins: input.origins.split(/\s+/).filter(Boolean),
      origin_url: input.leads === "origin" && input.originUrl.trim() !== "" ? input.originUrl.trim() : null,
      container_id: input.leads === "container" ? input.containerId : null,
      target_port: input.leads === "container" ? Number(input.port) : null,
      ...(application === undefined ? { environment: input.environment } : { record_template: template }),
    })
  }
  return (
    <Form {...{ fields, error, isBusy, onCancel }} action={application === undefined ? words.create : words.save} onSubmit={submit}>
      {(problem) => (
        <>
          <TextField
            label={words.name}
            hint={words.nameHint}
            placeholder={words.namePlaceholder}
            required
            autoFocus
            maxLength={64}
            value={input.name}
            problem={problem("name")}
            onChange={(event) => set({ name: event.target.value })}
          />
          {application === undefined && (
            <SelectField
              label={words.environment}
              hint={words.environmentHint}
              value={input.environment}
              onChange={(event) => set({ environment: event.target.value as Environment })}
            >
              <option value="live">{words.environments.live}</option>
              <option value="test">{words.environments.test}</option>
            </SelectField>
          )}
          <SelectField label={words.destination} value={input.leads} onChange={(event) => set({ leads: event.target.value as Leads })}>
            {(["origin", "container", "none"] as const).map((one) => (
              <option key={one} value={one}>
                {words.destinations[one]}
              </option>
            ))}
          </SelectField>
          {input.leads === "origin" && (
            <TextField
              label={words.originUrl}
              hint={words.originUrlHint}
              isCode
              required
              type="url"
              placeholder="https://origin.acme.example"
              value={input.originUrl}
              problem={problem("origin_url")}
              onChange={(event) => set({ originUrl: event.target.value })}
            />
          )}
          {input.leads === "container" && <InContainer {...{ input, set, problem }} />}
          <AreaField
            label={words.origins}
            hint={words.originsHint}
            isOptional
            isCode
            rows={2}
            placeholder="https://app.acme.example"
            value={input.origins}
            problem={problem("allowed_origins")}
            onChange={(event) => set({ origins: event.target.value })}
          />
          {application !== undefined && (
            <AreaField
              label={words.template}
              hint={words.templateHint}
              isOptional
              isCode
              rows={3}
              value={input.template}
              problem={isJson ? problem("record_template") : words.templateWrong}
              onChange={(event) => set({ template: event.target.value })}
            />
          )}
        </>
      )}
    </Form>
  )
}

function InContainer({
  input,
  set,
  problem,
}: {
  input: Input
  set: (change: Partial<Input>) => void
  problem: (field: string) => string | undefined
}) {
  const containers = useQuery({
    queryKey: ["containers", "/compute/containers"],
    queryFn: ({ signal }) => ask<{ containers: Container[] }>("GET", "/compute/containers", undefined, { signal }),
  })
  const all = containers.data?.containers ?? []
  return (
    <div className="grid gap-4 sm:grid-cols-[2fr_1fr]">
      <SelectField
        label={words.container}
        required
        hint={containers.data !== undefined && all.length === 0 ? words.noContainers : undefined}
        value={input.containerId}
        problem={problem("container")}
        onChange={(event) => set({ containerId: event.target.value })}
      >
        <option value="" />
        {all.map(({ id, name }) => (
          <option key={id} value={id}>
            {name}
          </option>
        ))}
      </SelectField>
      <TextField
        label={words.port}
        hint={words.portHint}
        inputMode="numeric"
        required
        value={input.port}
        problem={problem("target_port")}
        onChange={(event) => set({ port: event.target.value })}
      />
    </div>
  )
}

/** Null for none, undefined for what is no JSON. */
function parseTemplate(text: string): DnsRecord[] | null | undefined {
  if (text.trim() === "") return null
  try {
    return JSON.parse(text) as DnsRecord[]
  } catch {
    return undefined
  }
}
