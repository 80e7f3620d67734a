import type { ReactNode } from "react"
import { Button } from "../../parts/button"
import { Code } from "../../parts/copy"
import { Actions } from "../../parts/dialog"
import { Notice } from "../../parts/status"
import { words } from "../../words/applications"

/** A secret that the API says once, to be copied and kept. */
export const SecretOnce = ({
  name,
  secret,
  onDone,
  children,
}: {
  name: string
  secret: string
  onDone: () => void
  children?: ReactNode
}) => (
  <>
    <Notice tone="warn">{words.shownOnce}</Notice>
    <div className="flex flex-col gap-1">
      <p className="font-medium">{name}</p>
      <Code text={secret} className="rounded-md bg-sunken px-3 py-2" />
    </div>
    {children}
    <Actions>
      <Button kind="primary" onClick={onDone}>
        {words.done}
      </Button>
    </Actions>
  </>
)
