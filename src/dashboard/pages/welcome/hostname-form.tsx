import { useMutation, useQuery } from "@tanstack/react-query"
import { type FormEvent, useEffect, useRef } from "react"
import { ApiFault, ask } from "../../data/api"
import { refresh } from "../../data/queries"
import { Button } from "../../parts/button"
import { cx } from "../../parts/classes"
import { SelectField, TextField } from "../../parts/field"
import { FaultNotice, Skeleton } from "../../parts/status"
import { welcome } from "../../words/welcome"
import { CheckList } from "../../parts/check-list"
import { type Container, hostnameQuery, type Mapping, useTypedName } from "./queries"
import { SettingLines } from "./setting-lines"

const { hostname: words } = welcome

/** What was typed; `target` is a container's id, or empty for an application at an address. */
export type Typed = { hostname: string; target: string; address: string; port: string }

/** The port by which mappings know an application that is reached at a port of its own. */
const standPort = 8080

export function HostnameForm({ typed, onType, containers }: { typed: Typed; onType: (typed: Typed) => void; containers: Container[] }) {
  const create = useMutation({
    mutationFn: () => createHostname(typed, containers),
    onSettled: () => refresh("hostnames", "containers"),
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (!create.isPending) create.mutate()
  }
  const type = (change: Partial<Typed>) => {
    create.reset()
    onType({ ...typed, ...change })
  }
  const chosen = containers.find(({ id }) => id === typed.target)
  return (
    <form onSubmit={submit} className="flex flex-col gap-4">
      <p className="text-dim">{words.lead}</p>
      <NameField value={typed.hostname} onChange={(hostname) => type({ hostname })} />
      {containers.length > 0 && (
        <SelectField
          label={words.application}
          value={typed.target}
          onChange={(event) =>
            type({ target: event.target.value, port: firstPort(containers.find(({ id }) => id === event.target.value)) })
          }
          className="max-w-md"
        >
          <option value="">{words.atAddress}</option>
          {containers.map(({ id, name, status }) => (
            <option key={id} value={id}>
              {words.container(name, status)}
            </option>
          ))}
        </SelectField>
      )}
      <div className={cx("grid max-w-md gap-4", chosen === undefined && "sm:grid-cols-[1fr_8rem]")}>
        {chosen === undefined && (
          <TextField
            label={words.address}
            hint={words.addressHint}
            isCode
            required
            placeholder="192.168.1.20"
            value={typed.address}
            onChange={(event) => type({ address: event.target.value })}
          />
        )}
        <TextField
          label={chosen === undefined ? words.port : words.containerPort}
          hint={chosen === undefined ? undefined : words.containerPortHint}
          isCode
          required
          inputMode="numeric"
          pattern="[0-9]{1,5}"
          placeholder={chosen === undefined ? "3000" : "80"}
          value={typed.port}
          onChange={(event) => type({ port: event.target.value })}
        />
      </div>
      <Refusal error={create.error} address={typed.address} />
      <Button kind="primary" type="submit" isBusy={create.isPending} className="self-start">
        {words.create}
      </Button>
    </form>
  )
}

/** The name, and what the API and the DNS say of it while it is typed. */
function NameField({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const name = useTypedName(value)
  const report = useQuery({ ...hostnameQuery(name), refetchInterval: 15_000 })
  const problem = name !== "" && report.error instanceof ApiFault ? report.error.message : undefined
  return (
    <>
      <TextField
        label={words.field}
        hint={words.hint}
        problem={problem}
        isCode
        required
        autoComplete="off"
        placeholder="app.home.arpa"
        value={value}
        onChange={(event) => onChange(event.target.value)}
        className="max-w-md"
      />
      <div
        aria-live="polite"
        className={cx(name === "" || problem !== undefined ? "hidden" : "min-h-20", report.isPlaceholderData && "opacity-60")}
      >
        {report.data === undefined ? (
          <Skeleton className="h-20" />
        ) : (
          <CheckList label={words.known} checks={report.data.checks} names={words.names} />
        )}
      </div>
    </>
  )
}

/** Why it was not created; where a setting stands in the way, the line that opens it. */
function Refusal({ error, address }: { error: unknown; address: string }) {
  const place = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (error !== null) place.current?.focus()
  }, [error])
  if (error === null) return null
  const range = rangeOf(address)
  const isRefused = error instanceof ApiFault && error.message.includes("FREEHOLD_ALLOW_UPSTREAMS")
  return (
    <div ref={place} tabIndex={-1} className="flex flex-col gap-3">
      <FaultNotice error={error} />
      {isRefused && (
        <div className="flex flex-col gap-3 rounded-lg border border-line p-3">
          <p>{words.refused}</p>
          <SettingLines name="allow_upstreams" toml={JSON.stringify([range])} value={range} isReloaded />
          <p>{words.retry}</p>
        </div>
      )}
    </div>
  )
}

const rangeOf = (address: string) => `${meant(address)}/${address.includes(":") ? 128 : 32}`

const meant = (address: string) => (address.trim().toLowerCase() === "localhost" ? "127.0.0.1" : address.trim())

const firstPort = (container: Container | undefined) => Object.keys(container?.ports ?? {})[0] ?? (container === undefined ? "" : "80")

/** Makes the mapping, and what it leads to where that is not there yet: a second try finds what a first one has made. */
async function createHostname({ hostname, target, address, port }: Typed, containers: Container[]): Promise<Mapping> {
  const body = { domain: hostname.trim() }
  if (target !== "") return ask<Mapping>("POST", "/api/domain-mappings", { ...body, container_id: target, target_port: Number(port) })
  const known = containers.find((one) => one.address === meant(address) && one.ports?.[standPort] === Number(port))
  const made =
    known ??
    (await ask<Container>("POST", "/compute/containers", {
      name: hostname.trim().slice(0, 64),
      address: meant(address),
      ports: { [standPort]: Number(port) },
    }))
  return ask<Mapping>("POST", "/api/domain-mappings", { ...body, container_id: made.id, target_port: standPort })
}
