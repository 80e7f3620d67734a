import { Button } from "../../parts/button"
import { CodeBlock } from "../../parts/copy"
import { Actions, Dialog } from "../../parts/dialog"
import { Time } from "../../parts/time"
import { administration } from "../../words/administration"
import type { OneTimeLink } from "./data"

const words = administration.people

/** A one-time link to a new password, which is nowhere else. */
export function OnceShown({ link, onClose }: { link: OneTimeLink | undefined; onClose: () => void }) {
  if (link === undefined) return null
  return (
    <Dialog isOpen onClose={onClose} title={words.linkTitle(link.username)} description={words.link}>
      <CodeBlock text={new URL(link.link, location.origin).href} label={words.linkTitle(link.username)} />
      <p className="text-dim">
        {words.linkUntil} <Time at={link.link_expires_at} />.
      </p>
      <Actions>
        <Button kind="primary" onClick={onClose}>
          {words.done}
        </Button>
      </Actions>
    </Dialog>
  )
}
