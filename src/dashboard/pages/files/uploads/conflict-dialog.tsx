import { useState } from "react"
import { Button } from "../../../parts/button"
import { Actions, Dialog } from "../../../parts/dialog"
import { CheckField } from "../../../parts/field"
import { files } from "../../../words/files"
import { lastPart } from "../model"
import type { Choice, Upload } from "./model"
import { uploads } from "./queue"

const words = files.conflict

/** Asks what becomes of a file whose name is taken, once for all that were chosen with it where that is wanted. */
export function ConflictDialog({ upload: { id, name, namespace } }: { upload: Upload }) {
  const [isForAll, setForAll] = useState(false)
  const answer = (choice: Choice) => uploads.answer(id, choice, isForAll)
  return (
    <Dialog isOpen onClose={() => answer("skip")} title={words.title(lastPart(name))} description={words.what(`${namespace}/${name}`)}>
      <CheckField label={words.forAll} checked={isForAll} onChange={(event) => setForAll(event.target.checked)} />
      <Actions>
        <Button onClick={() => answer("skip")}>{words.skip}</Button>
        <Button onClick={() => answer("replace")}>{words.replace}</Button>
        <Button kind="primary" autoFocus onClick={() => answer("keep")}>
          {words.keep}
        </Button>
      </Actions>
    </Dialog>
  )
}
