import { useMutation } from "@tanstack/react-query"
import { type FormEvent, useRef, useState } from "react"
import { Button } from "../../parts/button"
import { TextField } from "../../parts/field"
import { Section } from "../../parts/page"
import { FaultNotice } from "../../parts/status"
import { Bin } from "../../parts/removable-table"
import { Cell, Table } from "../../parts/table"
import { toast } from "../../parts/toasts"
import { settings as words } from "../../words/container"
import { change, type Container, pathOf, type Rule, useRules } from "./data"
import { FormFault, useProblems } from "../../parts/form-fault"

/** The ports at which a container's own hostname is open. */
export function PortSettings({ container }: { container: Container }) {
  const { data } = useRules(container.id)
  const path = `${pathOf(container.id)}/ingress`
  const open = (port: number, target: number | undefined) => change<Rule>("POST", path, { port, target_port: target })
  const close = useMutation({
    mutationFn: ({ port }: Rule) => change("DELETE", `${path}/${port}`),
    onSuccess: (_, { port, target_port: target }) => toast(words.closed(port), () => void open(port, target)),
  })
  const rules = data?.rules ?? []
  return (
    <Section title={words.ports}>
      <div className="flex flex-col gap-4">
        <p className="text-dim [overflow-wrap:anywhere]">{words.portsHelp(container.hostname)}</p>
        {rules.length === 0 ? (
          <p>{words.noPorts}</p>
        ) : (
          <Table
            label={words.portsList}
            hasActions
            head={[
              words.portColumns.port,
              words.portColumns.target,
              words.portColumns.address,
              <span className="sr-only">{words.portColumns.action}</span>,
            ]}
          >
            {rules.map((rule) => (
              <tr key={rule.id}>
                <Cell className="tabular-nums">{rule.port}</Cell>
                <Cell className="tabular-nums">{rule.target_port}</Cell>
                <Cell>
                  {rule.problem === undefined ? (
                    <RuleLink host={container.hostname} port={rule.port} />
                  ) : (
                    <p className="text-bad">{rule.problem}</p>
                  )}
                </Cell>
                <Cell className="text-right">
                  <Bin label={words.closePort(rule.port)} onClick={() => close.mutate(rule)} />
                </Cell>
              </tr>
            ))}
          </Table>
        )}
        {close.error !== null && <FaultNotice error={close.error} />}
        <OpenPort onOpen={open} />
      </div>
    </Section>
  )
}

function RuleLink({ host, port }: { host: string; port: number }) {
  const url = port === 80 ? `http://${host}` : port === 443 ? `https://${host}` : `https://${host}:${port}`
  return (
    <a href={url} target="_blank" rel="noreferrer" className="text-accent hover:underline">
      {url}
    </a>
  )
}

const fields = { target: /target port/i, port: /\bport\b/i }

function OpenPort({ onOpen }: { onOpen: (port: number, target: number | undefined) => Promise<Rule> }) {
  const form = useRef<HTMLFormElement>(null)
  const [input, setInput] = useState({ port: "", target: "" })
  const add = useMutation({
    mutationFn: () => onOpen(Number(input.port), input.target === "" ? undefined : Number(input.target)),
    onSuccess: ({ port }) => {
      setInput({ port: "", target: "" })
      toast(words.opened(port))
    },
  })
  const problems = useProblems(form, add.error, fields)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    add.mutate()
  }
  return (
    <form ref={form} noValidate onSubmit={submit} className="flex flex-col gap-3">
      <div className="flex flex-wrap items-start gap-3">
        <TextField
          label={words.portColumns.port}
          className="w-36"
          inputMode="numeric"
          placeholder="443"
          value={input.port}
          problem={problems.at("port")}
          onChange={(event) => setInput({ ...input, port: event.target.value })}
        />
        <TextField
          label={words.portColumns.target}
          className="w-36"
          inputMode="numeric"
          placeholder="8080"
          value={input.target}
          problem={problems.at("target")}
          onChange={(event) => setInput({ ...input, target: event.target.value })}
        />
        <Button type="submit" className="mt-6.5" isBusy={add.isPending}>
          {words.openPort}
        </Button>
      </div>
      <FormFault error={problems.rest} />
    </form>
  )
}
