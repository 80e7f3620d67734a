import { useMutation } from "@tanstack/react-query"
import { type FormEvent, useState } from "react"
import { ask } from "../../data/api"
import { refresh } from "../../data/queries"
import { Button } from "../../parts/button"
import { SelectField, TextField } from "../../parts/field"
import { Section } from "../../parts/page"
import { FaultNotice, Notice } from "../../parts/status"
import { toast } from "../../parts/toasts"
import { settings as words } from "../../words/hostnames"
import { EndSection } from "./end-section"
import { apiOf, type Connection, type Container } from "./model"
import { portOf, TargetFields } from "./target-fields"

/** Where a connection leads: as its application says, to a container, or to another server. */
export function ConnectionSettings({ connection, containers }: { connection: Connection; containers: Container[] }) {
  const subject = { kind: "connection" as const, id: connection.id }
  const before = connection.origin_url !== null ? "origin" : connection.container_id !== null ? "container" : "application"
  const [destination, setDestination] = useState(before)
  const [origin, setOrigin] = useState(connection.origin_url ?? "")
  const [target, setTarget] = useState({
    container: connection.container_id ?? "",
    port: String(connection.target_port ?? portOf(undefined)),
  })
  const save = useMutation({
    mutationFn: () => ask("PATCH", apiOf(subject), wishOf(destination, origin, target)),
    onSuccess: async () => {
      await refresh("hostnames")
      toast(words.saved)
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    save.mutate()
  }
  if (connection.state === "archived") return <Notice>{words.archivedNote}</Notice>
  return (
    <div className="flex flex-col gap-5">
      <form onSubmit={submit} noValidate>
        <Section title={words.target}>
          <div className="flex flex-col gap-4">
            <SelectField label={words.destination} value={destination} onChange={(event) => setDestination(event.target.value)}>
              {Object.entries(words.destinations).map(([name, label]) => (
                <option key={name} value={name}>
                  {label}
                </option>
              ))}
            </SelectField>
            {destination === "container" && <TargetFields containers={containers} value={target} onChange={setTarget} />}
            {destination === "origin" && (
              <TextField
                label={words.origin}
                hint={words.originHint}
                isCode
                inputMode="url"
                value={origin}
                onChange={(event) => setOrigin(event.target.value)}
              />
            )}
            {save.error !== null && <FaultNotice error={save.error} />}
            <Button kind="primary" type="submit" isBusy={save.isPending} className="self-end">
              {words.save}
            </Button>
          </div>
        </Section>
      </form>
      <EndSection subject={subject} hostname={connection.hostname} />
    </div>
  )
}

function wishOf(destination: string, origin: string, target: { container: string; port: string }): object {
  if (destination === "origin") return { origin_url: origin.trim() }
  if (destination === "container") return { container_id: target.container, target_port: Number(target.port) }
  return { origin_url: null, container_id: null, target_port: null }
}
