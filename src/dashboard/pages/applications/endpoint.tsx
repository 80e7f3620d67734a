import { useMutation } from "@tanstack/react-query"
import { useNavigate, useParams } from "@tanstack/react-router"
import { useState } from "react"
import { ApiFault, ask } from "../../data/api"
import { refresh } from "../../data/queries"
import { useUrlState } from "../../data/url-state"
import { Button, ButtonLink } from "../../parts/button"
import { Confirm, Dialog } from "../../parts/dialog"
import { Menu } from "../../parts/menu"
import { Fact, Facts, Page } from "../../parts/page"
import { Badge, FaultNotice, Notice, SkeletonRows } from "../../parts/status"
import { Time } from "../../parts/time"
import { toast } from "../../parts/toasts"
import { words } from "../../words/applications"
import { webhookWords } from "../../words/applications-webhooks"
import { applicationsPath, endpointsPath, useApplicationId, useOne } from "./data"
import { Deliveries } from "./deliveries"
import { EditEndpoint } from "./endpoint-form"
import type { Application, Endpoint } from "./model"
import { SecretOnce } from "./secret-once"

/** One webhook endpoint: what it hears, and every delivery to it. */
export function EndpointPage() {
  const { endpoint: id = "" } = useParams({ strict: false }) as { endpoint?: string }
  const applicationId = useApplicationId()
  const application = useOne<Application>(`${applicationsPath}/${applicationId}`)
  const endpoint = useOne<Endpoint>(`${endpointsPath}/${id}`)
  const { data, error } = endpoint
  const back = `/applications/${applicationId}/webhooks`
  if (error instanceof ApiFault && error.status === 404)
    return (
      <Page title={webhookWords.missing} lead={words.missingLead}>
        <ButtonLink to={back} className="self-start">
          {webhookWords.list}
        </ButtonLink>
      </Page>
    )
  return (
    <Page
      title={data === undefined ? webhookWords.crumb : new URL(data.url).host}
      crumbs={[
        { to: "/applications", label: words.title },
        { to: `/applications/${applicationId}`, label: application.data?.name ?? "…" },
        { to: back, label: webhookWords.crumb },
      ]}
      lead={data && <code className="[overflow-wrap:anywhere]">{data.url}</code>}
      actions={data && <EndpointActions endpoint={data} back={back} />}
    >
      {data !== undefined ? (
        <>
          {data.disabled && <Notice tone="warn">{webhookWords.disabled}</Notice>}
          <Facts>
            <Fact name={webhookWords.state}>
              <Badge tone={data.disabled ? "warn" : "good"}>{data.disabled ? webhookWords.off : webhookWords.on}</Badge>
            </Fact>
            <Fact name={webhookWords.events}>{data.events.length === 0 ? webhookWords.all : data.events.join(", ")}</Fact>
            <Fact name={words.environment}>{words.environments[data.environment]}</Fact>
            <Fact name={webhookWords.createdAt}>
              <Time at={data.created_at} />
            </Fact>
          </Facts>
          <Deliveries endpoint={data} />
        </>
      ) : error === null ? (
        <SkeletonRows />
      ) : (
        <FaultNotice error={error} onRetry={() => void endpoint.refetch()} />
      )}
    </Page>
  )
}

type Asked = "rotate" | "delete"

function EndpointActions({ endpoint, back }: { endpoint: Endpoint; back: string }) {
  const path = `${endpointsPath}/${endpoint.id}`
  const navigate = useNavigate()
  const [open, setOpen] = useUrlState("open")
  const [asked, setAsked] = useState<Asked>()
  const [secret, setSecret] = useState<string>()
  const test = useMutation({
    mutationFn: () => ask("POST", `${path}/test`),
    onSuccess: () => {
      void refresh("applications")
      toast(webhookWords.tested)
    },
  })
  const turn = useMutation({
    mutationFn: () => ask("PATCH", path, { disabled: !endpoint.disabled }),
    onSuccess: () => refresh("applications"),
  })
  const fault = test.error ?? turn.error
  return (
    <>
      <Button kind="primary" isBusy={test.isPending} disabled={endpoint.disabled} onClick={() => test.mutate()}>
        {webhookWords.test}
      </Button>
      <Button isBusy={turn.isPending} onClick={() => turn.mutate()}>
        {endpoint.disabled ? webhookWords.enable : webhookWords.disable}
      </Button>
      <Menu
        label={webhookWords.actions}
        items={[
          { label: webhookWords.edit, onSelect: () => setOpen("edit") },
          { label: webhookWords.rotate, onSelect: () => setAsked("rotate") },
          { label: webhookWords.delete, onSelect: () => setAsked("delete"), isDanger: true },
        ]}
      />
      {fault !== null && <FaultNotice error={fault} className="basis-full" />}
      {open === "edit" && <EditEndpoint endpoint={endpoint} onClose={() => setOpen("")} />}
      <Confirm
        isOpen={asked === "rotate"}
        onClose={() => setAsked(undefined)}
        title={webhookWords.rotateTitle}
        action={webhookWords.rotateAction}
        onConfirm={async () => setSecret((await ask<{ signing_secret: string }>("POST", `${path}/rotate-secret`)).signing_secret)}
      >
        {webhookWords.rotateWhat}
      </Confirm>
      <Dialog isOpen={secret !== undefined} onClose={() => setSecret(undefined)} title={webhookWords.secret}>
        <SecretOnce name={webhookWords.secret} secret={secret ?? ""} onDone={() => setSecret(undefined)} />
      </Dialog>
      <Confirm
        isOpen={asked === "delete"}
        onClose={() => setAsked(undefined)}
        title={webhookWords.deleteTitle}
        action={webhookWords.deleteAction}
        typed={new URL(endpoint.url).host}
        onConfirm={async () => {
          await ask("DELETE", path)
          toast(webhookWords.deleted)
          await navigate({ to: back })
          void refresh("applications")
        }}
      >
        {webhookWords.deleteWhat}
      </Confirm>
    </>
  )
}
