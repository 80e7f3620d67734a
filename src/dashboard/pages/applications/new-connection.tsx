import { useMutation } from "@tanstack/react-query"
import { useState } from "react"
import { ask } from "../../data/api"
import { refresh } from "../../data/queries"
import { Button, ButtonLink } from "../../parts/button"
import { Code } from "../../parts/copy"
import { Actions, Dialog } from "../../parts/dialog"
import { TextField } from "../../parts/field"
import { Fact } from "../../parts/page"
import { connectionWords, stateWords } from "../../words/applications"
import { CustomerLinkDialog } from "./customer-link"
import { Form } from "../../parts/form"
import type { Application, ConnectionDetail } from "./model"

/** Connects a hostname, then shows the records that its owner enters. */
export function NewConnection({ application, onClose }: { application: Application; onClose: () => void }) {
  const [input, setInput] = useState({ hostname: "", origin: "" })
  const [isLinking, setLinking] = useState(false)
  const make = useMutation({
    mutationFn: () =>
      ask<ConnectionDetail>("POST", "/v1/connections", {
        application_id: application.id,
        hostname: input.hostname,
        ...(input.origin.trim() === "" ? {} : { origin_url: input.origin.trim() }),
      }),
    onSuccess: () => refresh("applications", "hostnames"),
  })
  if (make.data !== undefined && isLinking) return <CustomerLinkDialog connection={make.data} onClose={onClose} />
  if (make.data !== undefined) return <Made connection={make.data} onLink={() => setLinking(true)} onClose={onClose} />
  return (
    <Dialog isOpen onClose={onClose} title={connectionWords.new} description={connectionWords.newLead}>
      <Form
        fields={["hostname", "origin_url"]}
        fieldOf={({ code }) => (code === "HostnameConflict" ? "hostname" : undefined)}
        error={make.error}
        isBusy={make.isPending}
        action={connectionWords.create}
        onSubmit={() => make.mutate()}
        onCancel={onClose}
      >
        {(problem) => (
          <>
            <TextField
              label={connectionWords.hostname}
              hint={connectionWords.hostnameHint}
              isCode
              required
              autoFocus
              inputMode="url"
              value={input.hostname}
              problem={problem("hostname")}
              onChange={({ target }) => setInput({ ...input, hostname: target.value })}
            />
            <TextField
              label={connectionWords.originUrl}
              hint={connectionWords.originHint}
              isOptional
              isCode
              type="url"
              placeholder={application.origin_url ?? "https://origin.acme.example"}
              value={input.origin}
              problem={problem("origin_url")}
              onChange={({ target }) => setInput({ ...input, origin: target.value })}
            />
          </>
        )}
      </Form>
    </Dialog>
  )
}

function Made({ connection, onLink, onClose }: { connection: ConnectionDetail; onLink: () => void; onClose: () => void }) {
  const { id, hostname, ownership_challenge: challenge, desired_records: records } = connection
  const wanted = [...(challenge === undefined ? [] : [{ ...challenge, host: challenge.name }]), ...records]
  const title = challenge === undefined ? `${hostname}: ${stateWords[connection.state].label}` : connectionWords.created(hostname)
  return (
    <Dialog
      isOpen
      isWide
      onClose={onClose}
      title={title}
      description={challenge === undefined ? connectionWords.writing : connectionWords.recordsLead}
    >
      {challenge !== undefined && (
        <ul className="flex flex-col divide-y divide-line rounded-lg border border-line">
          {wanted.map(({ host, type, value }) => (
            <li key={`${host} ${type} ${value}`} className="p-3">
              <dl className="grid gap-x-4 gap-y-2 sm:grid-cols-[4rem_1fr_1fr]">
                <Fact name={connectionWords.recordType}>{type}</Fact>
                <Fact name={connectionWords.recordName}>
                  <Code text={host} />
                </Fact>
                <Fact name={connectionWords.recordValue}>
                  <Code text={value} />
                </Fact>
              </dl>
            </li>
          ))}
        </ul>
      )}
      <Actions>
        {challenge !== undefined && <Button onClick={onLink}>{connectionWords.sendLink}</Button>}
        <ButtonLink kind="primary" to={`/hostnames/connection/${id}`}>
          {connectionWords.openIt}
        </ButtonLink>
      </Actions>
    </Dialog>
  )
}
