import { FolderUp, Upload } from "lucide-react"
import { type ChangeEvent, useRef } from "react"
import { Button } from "../../../parts/button"
import { files } from "../../../words/files"
import { chosenOf } from "./chosen"
import type { Chosen } from "./model"

/** Choosing files, or a folder with all that is in it. */
export function UploadButtons({ onFiles }: { onFiles: (chosen: Chosen[]) => void }) {
  const some = useRef<HTMLInputElement>(null)
  const folder = useRef<HTMLInputElement>(null)
  const take = ({ target }: ChangeEvent<HTMLInputElement>) => {
    if (target.files !== null && target.files.length > 0) onFiles(chosenOf(target.files))
    // So that the same file can be chosen again.
    target.value = ""
  }
  return (
    <>
      <input ref={some} type="file" multiple hidden onChange={take} />
      <input ref={folder} type="file" hidden onChange={take} {...{ webkitdirectory: "" }} />
      <Button icon={<FolderUp aria-hidden className="size-4" />} onClick={() => folder.current?.click()}>
        {files.folder.uploadFolder}
      </Button>
      <Button kind="primary" icon={<Upload aria-hidden className="size-4" />} onClick={() => some.current?.click()}>
        {files.folder.upload}
      </Button>
    </>
  )
}
