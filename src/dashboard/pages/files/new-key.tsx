import { useQuery } from "@tanstack/react-query"
import { useState } from "react"
import { Button } from "../../parts/button"
import { Code, CodeBlock } from "../../parts/copy"
import { Actions, Dialog } from "../../parts/dialog"
import { SelectField } from "../../parts/field"
import { Loaded } from "../../parts/loaded"
import { Fact, Facts } from "../../parts/page"
import { Notice, Skeleton } from "../../parts/status"
import { files } from "../../words/files"
import { statusQuery } from "./model"
import { snippets } from "./snippets"

const words = files.key

/** A key that was just made, with its secret, and what programs want to be told. */
export function NewKey({
  made: { id, secret },
  namespace,
  onClose,
}: {
  made: { id: string; secret: string }
  namespace: string
  onClose: () => void
}) {
  const status = useQuery(statusQuery)
  const [shown, setShown] = useState(0)
  return (
    <Dialog isOpen isWide onClose={onClose} title={words.madeTitle}>
      <Notice tone="warn">{words.made}</Notice>
      <Facts>
        <Fact name={words.id}>
          <Code text={id} />
        </Fact>
        <Fact name={words.secret}>
          <Code text={secret} />
        </Fact>
      </Facts>
      <Loaded query={status} skeleton={<Skeleton className="h-64" />}>
        {({ s3_endpoint: endpoint }) => (
          <>
            <SelectField label={words.snippets} value={shown} onChange={(event) => setShown(Number(event.target.value))}>
              {snippets.map(({ name }, index) => (
                <option key={name} value={index}>
                  {name}
                </option>
              ))}
            </SelectField>
            <CodeBlock
              label={words.snippet(snippets[shown]?.name ?? "")}
              text={snippets[shown]?.text({ endpoint, id, secret, namespace }) ?? ""}
            />
          </>
        )}
      </Loaded>
      <Actions>
        <Button kind="primary" onClick={onClose}>
          {words.done}
        </Button>
      </Actions>
    </Dialog>
  )
}
