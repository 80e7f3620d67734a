import { ask } from "../../data/api"
import { refresh } from "../../data/queries"
import { Confirm } from "../../parts/dialog"
import { toast } from "../../parts/toasts"
import { containers } from "../../words/containers"
import { type Container, isAdopted, isExternal, pathOf } from "./data"

/** What goes with a container that is deleted, and what stays. */
export function DeleteEffects({ container, hostnames }: { container: Container; hostnames: string[] }) {
  const { goes, stays } = containers
  const isOutside = isExternal(container)
  const going = [
    ...(isOutside ? [goes.registration] : [goes.container]),
    ...(isOutside || isAdopted(container) ? [] : [goes.volumes]),
    ...(isOutside ? [] : [goes.rules]),
    ...(hostnames.length > 0 ? [goes.hostnames(hostnames)] : []),
  ]
  const staying = [isOutside ? stays.application : stays.image, ...(hostnames.length > 0 ? [stays.records] : [])]
  return (
    <div className="flex flex-col gap-2">
      <p>{containers.deleteGoes}</p>
      <Lines lines={going} />
      <p>{containers.deleteStays}</p>
      <Lines lines={staying} />
    </div>
  )
}

const Lines = ({ lines }: { lines: string[] }) => (
  <ul className="list-disc pl-5">
    {lines.map((line) => (
      <li key={line}>{line}</li>
    ))}
  </ul>
)

export type DeleteDialogProps = { container: Container | undefined; hostnames: string[]; onClose: () => void; onDeleted?: () => void }

/** Asks for the name of a container before it is deleted. */
export function DeleteDialog({ container, hostnames, onClose, onDeleted }: DeleteDialogProps) {
  if (container === undefined) return null
  const { id, name } = container
  const remove = async () => {
    await ask("DELETE", pathOf(id))
    // Before it is looked at again, or its page would say that it is not there.
    onDeleted?.()
    toast(containers.deleted(name))
    void refresh("containers", "hostnames")
  }
  return (
    <Confirm
      isOpen
      onClose={onClose}
      title={containers.deleteTitle(name)}
      action={containers.deleteAction(name)}
      typed={name}
      onConfirm={remove}
    >
      <DeleteEffects container={container} hostnames={hostnames} />
    </Confirm>
  )
}
