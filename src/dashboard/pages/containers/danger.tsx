import { useState } from "react"
import { ask } from "../../data/api"
import { refresh } from "../../data/queries"
import { Button } from "../../parts/button"
import { Confirm } from "../../parts/dialog"
import { Section } from "../../parts/page"
import { toast } from "../../parts/toasts"
import { danger as words } from "../../words/container"
import { containers } from "../../words/containers"
import { ContainerPage, useHostnamesOf, useLeave } from "./container-page"
import { type Container, isAdopted, isExternal, pathOf } from "./data"
import { DeleteDialog, DeleteEffects } from "./delete-dialog"

/** What cannot be undone. */
export const Danger = () => (
  <ContainerPage>
    {(container) => (
      <>
        {isAdopted(container) && <Release container={container} />}
        <Delete container={container} />
      </>
    )}
  </ContainerPage>
)

function Delete({ container }: { container: Container }) {
  const [isOpen, setOpen] = useState(false)
  const hostnames = useHostnamesOf(container.id)
  const leave = useLeave()
  return (
    <Section title={isExternal(container) ? words.deleteExternalTitle : words.deleteTitle}>
      <div className="flex flex-col items-start gap-4">
        {isAdopted(container) && <p>{words.deleteAdopted}</p>}
        <DeleteEffects container={container} hostnames={hostnames} />
        <Button kind="danger" onClick={() => setOpen(true)}>
          {containers.deleteAction(container.name)}
        </Button>
      </div>
      <DeleteDialog container={isOpen ? container : undefined} hostnames={hostnames} onClose={() => setOpen(false)} onDeleted={leave} />
    </Section>
  )
}

function Release({ container }: { container: Container }) {
  const [isOpen, setOpen] = useState(false)
  const hostnames = useHostnamesOf(container.id)
  const leave = useLeave()
  const { id, name } = container
  const release = async () => {
    await ask("POST", `${pathOf(id)}/release`, { delete_mappings: hostnames.length > 0 })
    leave()
    toast(words.released(name))
    void refresh("containers", "hostnames")
  }
  return (
    <Section title={words.releaseTitle}>
      <div className="flex flex-col items-start gap-4">
        <p className="max-w-prose">{words.release}</p>
        {hostnames.length > 0 && <p>{words.withHostnames(hostnames)}</p>}
        <Button kind="danger" onClick={() => setOpen(true)}>
          {words.releaseAction(name)}
        </Button>
      </div>
      <Confirm
        isOpen={isOpen}
        onClose={() => setOpen(false)}
        title={words.releaseAsk(name)}
        action={words.releaseAction(name)}
        typed={hostnames.length > 0 ? name : undefined}
        onConfirm={release}
      >
        <p>{words.release}</p>
        {hostnames.length > 0 && <p className="mt-2">{words.withHostnames(hostnames)}</p>}
        <p className="mt-2">{words.releaseStays}</p>
      </Confirm>
    </Section>
  )
}
