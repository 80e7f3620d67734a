import { useQuery } from "@tanstack/react-query"
import { Upload, X } from "lucide-react"
import { type ChangeEvent, useRef, useState, useSyncExternalStore } from "react"
import { queryClient } from "../../../data/queries"
import { Button, IconButton } from "../../../parts/button"
import { bytes } from "../../../parts/time"
import { Notice } from "../../../parts/status"
import { files } from "../../../words/files"
import { lastPart } from "../model"
import { uploads } from "./queue"
import { discard, mayContinue, type Unfinished, unfinishedOf } from "./unfinished"

const words = files.unfinished

/** Uploads that broke off before this page was loaded: the same file, chosen again, goes on where it was. */
export function UnfinishedNotice({ person, namespace }: { person: string; namespace: string }) {
  const queryKey = ["files", "unfinished", namespace]
  const { data = [] } = useQuery({ queryKey, queryFn: ({ signal }) => unfinishedOf(person, namespace, signal) })
  const { list } = useSyncExternalStore(uploads.watch, uploads.current)
  const [problem, setProblem] = useState<string>()
  const chosen = useRef<Unfinished>(undefined)
  const field = useRef<HTMLInputElement>(null)
  const shown = data.filter(({ name }) => !list.some((upload) => upload.namespace === namespace && upload.name === name))
  if (shown.length === 0) return null
  const take = ({ target }: ChangeEvent<HTMLInputElement>) => {
    const [file, one] = [target.files?.[0], chosen.current]
    if (file !== undefined && one !== undefined) {
      const fits = mayContinue(one, file)
      setProblem(fits ? undefined : words.another(lastPart(one.name), bytes(one.size)))
      if (fits) uploads.add(person, namespace, "", [{ file, path: one.name }])
    }
    target.value = ""
  }
  const end = async (one: Unfinished) => {
    await discard(one)
    await queryClient.invalidateQueries({ queryKey })
  }
  return (
    <Notice tone="warn" title={words.title(shown.length)}>
      <input ref={field} type="file" hidden onChange={take} />
      <ul className="mt-1 flex flex-col gap-1">
        {shown.map((one) => (
          <li key={one.place} className="flex flex-wrap items-center gap-x-3 gap-y-1">
            <span className="min-w-0 flex-1 basis-48">
              {one.name} <span className="text-sm text-dim tabular-nums">{words.far(bytes(one.sent), bytes(one.size))}</span>
            </span>
            <Button
              small
              icon={<Upload aria-hidden className="size-4" />}
              onClick={() => {
                chosen.current = one
                field.current?.click()
              }}
            >
              {words.choose}
            </Button>
            <IconButton small label={words.discard(one.name)} onClick={() => void end(one)}>
              <X aria-hidden className="size-4" />
            </IconButton>
          </li>
        ))}
      </ul>
      {problem !== undefined && (
        <p role="alert" className="mt-1 text-bad">
          {problem}
        </p>
      )}
    </Notice>
  )
}
