import { useMutation } from "@tanstack/react-query"
import { type FormEvent, useState } from "react"
import { ask } from "../../data/api"
import { refresh } from "../../data/queries"
import { Button } from "../../parts/button"
import { Section } from "../../parts/page"
import { FaultNotice } from "../../parts/status"
import { toast } from "../../parts/toasts"
import { adding, settings as words } from "../../words/hostnames"
import { EndSection } from "./end-section"
import { apiOf, type Container, type Mapping } from "./model"
import { OptionFields } from "./option-fields"
import { TargetFields } from "./target-fields"

/** Where a mapping leads and how its traffic is treated. */
export function MappingSettings({ mapping, containers }: { mapping: Mapping; containers: Container[] }) {
  const subject = { kind: "mapping" as const, id: mapping.id }
  const [target, setTarget] = useState({ container: mapping.container_id, port: String(mapping.target_port) })
  const [options, setOptions] = useState({
    http: mapping.http,
    upstream_protocol: mapping.upstream_protocol,
    access_log: mapping.access_log,
  })
  const wanted = { container_id: target.container, target_port: Number(target.port), ...options }
  const change = Object.fromEntries(Object.entries(wanted).filter(([name, value]) => mapping[name as keyof Mapping] !== value))
  const isChanged = Object.keys(change).length > 0
  const save = useMutation({
    mutationFn: () => ask<Mapping>("PATCH", apiOf(subject), change),
    onSuccess: async () => {
      await refresh("hostnames")
      toast(words.saved)
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (isChanged) save.mutate()
  }
  return (
    <div className="flex flex-col gap-5">
      <form onSubmit={submit} noValidate>
        <Section title={words.target}>
          <div className="flex flex-col gap-6">
            <TargetFields containers={containers} value={target} onChange={setTarget} />
            <fieldset>
              <legend className="mb-2 font-medium">{adding.options}</legend>
              <OptionFields value={options} onChange={setOptions} />
            </fieldset>
            {save.error !== null && <FaultNotice error={save.error} />}
            <div className="flex flex-wrap items-center justify-end gap-3">
              {!isChanged && <span className="text-sm text-dim">{words.unchanged}</span>}
              <Button kind="primary" type="submit" isBusy={save.isPending} disabled={!isChanged}>
                {words.save}
              </Button>
            </div>
          </div>
        </Section>
      </form>
      <EndSection subject={subject} hostname={mapping.domain} />
    </div>
  )
}
