import { useQuery } from "@tanstack/react-query"
import { useNavigate } from "@tanstack/react-router"
import { type FormEvent, useState } from "react"
import { ask } from "../../data/api"
import { useSession } from "../../data/session"
import { Button } from "../../parts/button"
import { Actions, Dialog } from "../../parts/dialog"
import { TextField } from "../../parts/field"
import { Loaded } from "../../parts/loaded"
import { Page } from "../../parts/page"
import { Empty, FaultNotice, Notice, SkeletonRows } from "../../parts/status"
import { Cell, Table } from "../../parts/table"
import { Time } from "../../parts/time"
import { toast } from "../../parts/toasts"
import { adopting as words, containers } from "../../words/containers"
import { shell } from "../../words/shell"
import { change, type Container } from "./data"
import { EngineNotice } from "./engine-notice"

type Foreign = { engine_id: string; name: string; image: string; state: string; created_at: number }

/** What the engine has besides Freehold's, and how it is taken. */
export function Adopt() {
  const { is_admin: isAdmin } = useSession()
  return (
    <Page title={words.title} crumbs={[{ label: containers.title, to: "/containers" }]} lead={words.lead}>
      {isAdmin ? <Foreigners /> : <Notice>{words.adminsOnly}</Notice>}
    </Page>
  )
}

function Foreigners() {
  const [chosen, setChosen] = useState<Foreign>()
  const query = useQuery({
    queryKey: ["containers", "foreign"],
    queryFn: ({ signal }) => ask<{ containers: Foreign[] }>("GET", "/compute/admin/foreign-containers", undefined, { signal }),
    retry: false,
  })
  const { name, state, action } = words.columns
  return (
    <>
      <EngineNotice />
      <Notice title={words.whatTitle}>
        <p className="max-w-prose">{words.what}</p>
      </Notice>
      <Loaded query={query} skeleton={<SkeletonRows rows={3} />}>
        {({ containers: found }) =>
          found.length === 0 ? (
            <Empty title={words.emptyTitle} action={<Button onClick={() => void query.refetch()}>{words.again}</Button>}>
              {words.empty}
            </Empty>
          ) : (
            <Table label={words.list} head={[name, state, <span className="sr-only">{action}</span>]} hasActions>
              {found.map((one) => (
                <tr key={one.engine_id}>
                  <Cell>
                    <p className="font-medium [overflow-wrap:anywhere]">{one.name}</p>
                    <p className="font-mono text-xs [overflow-wrap:anywhere] text-dim">{one.image}</p>
                  </Cell>
                  <Cell>
                    <p>{one.state}</p>
                    <p className="text-sm text-dim">
                      {words.made} <Time at={one.created_at} />
                    </p>
                  </Cell>
                  <Cell className="text-right">
                    <Button small aria-label={words.adopt(one.name)} onClick={() => setChosen(one)}>
                      {words.short}
                    </Button>
                  </Cell>
                </tr>
              ))}
            </Table>
          )
        }
      </Loaded>
      {chosen !== undefined && <Ask foreign={chosen} onClose={() => setChosen(undefined)} />}
    </>
  )
}

function Ask({ foreign, onClose }: { foreign: Foreign; onClose: () => void }) {
  const navigate = useNavigate()
  const [name, setName] = useState(foreign.name)
  const [state, setState] = useState<{ isBusy: boolean; fault?: unknown }>({ isBusy: false })
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    if (state.isBusy) return
    setState({ isBusy: true })
    try {
      const { id } = await change<Container>("POST", "/compute/admin/adopt", { engine_id: foreign.engine_id, name })
      toast(words.adopted(name))
      await navigate({ to: `/containers/${id}` })
    } catch (fault) {
      setState({ isBusy: false, fault })
    }
  }
  return (
    <Dialog isOpen onClose={onClose} title={words.adopt(foreign.name)} description={words.what}>
      <form noValidate className="flex flex-col gap-4" onSubmit={(event) => void submit(event)}>
        <TextField label={words.nameHere} value={name} onChange={(event) => setName(event.target.value)} />
        {state.fault !== undefined && <FaultNotice error={state.fault} />}
        <Actions>
          <Button onClick={onClose}>{shell.cancel}</Button>
          <Button kind="primary" type="submit" isBusy={state.isBusy}>
            {words.adopt(foreign.name)}
          </Button>
        </Actions>
      </form>
    </Dialog>
  )
}
