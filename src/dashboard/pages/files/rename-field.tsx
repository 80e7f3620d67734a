import { type FormEvent, useEffect, useRef, useState } from "react"
import { ApiFault } from "../../data/api"
import { refresh } from "../../data/queries"
import { Button } from "../../parts/button"
import { TextField } from "../../parts/field"
import { shell } from "../../words/shell"
import { moving as words } from "../../words/files-moving"
import { folderOf, lastPart } from "./model"
import { moveOne, tellMoved } from "./move"

/** A name where it stands, to be written anew: Enter saves it, Escape leaves it. `onDone` hears the whole new name. */
export function RenameField({
  namespace,
  name,
  onDone,
  onCancel,
}: {
  namespace: string
  name: string
  onDone: (name: string) => void
  onCancel: () => void
}) {
  const shown = lastPart(name)
  const [text, setText] = useState(shown)
  const [problem, setProblem] = useState<string>()
  const [isBusy, setBusy] = useState(false)
  const form = useRef<HTMLFormElement>(null)
  const field = () => form.current?.querySelector("input")
  useEffect(() => {
    const input = form.current?.querySelector("input")
    input?.focus()
    // What comes behind the last dot says what it is, and stays as a rule.
    const dot = name.endsWith("/") ? -1 : shown.lastIndexOf(".")
    input?.setSelectionRange(0, dot > 0 ? dot : shown.length)
  }, [name, shown])
  const refuse = (why: string) => {
    setProblem(why)
    field()?.focus()
  }
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    if (isBusy) return
    if (text === shown) return onCancel()
    if (text === "") return refuse(words.empty)
    if (text.includes("/")) return refuse(words.slash)
    const target = folderOf(name) + text + (name.endsWith("/") ? "/" : "")
    const move = { namespace, name, to_namespace: namespace, to_name: target }
    setBusy(true)
    try {
      const canUndo = await moveOne(move)
      await refresh("files")
      tellMoved(words.renamed(shown, text), [move], canUndo)
      onDone(target)
    } catch (error) {
      if (!(error instanceof ApiFault)) throw error
      setBusy(false)
      refuse(error.message)
    }
  }
  return (
    <form
      ref={form}
      onSubmit={(event) => void submit(event)}
      onKeyDown={(event) => {
        // Keys of the list are none of the field's.
        event.stopPropagation()
        if (event.key !== "Escape") return
        event.preventDefault()
        onCancel()
      }}
      className="flex min-w-0 flex-1 flex-wrap items-start gap-2 py-1.5"
    >
      <TextField
        label={words.newName(shown)}
        value={text}
        problem={problem}
        onChange={(event) => {
          setText(event.target.value)
          setProblem(undefined)
        }}
        autoComplete="off"
        spellCheck={false}
        className="min-w-48 flex-1 *:first:sr-only"
      />
      <Button type="submit" kind="primary" isBusy={isBusy}>
        {words.saveName}
      </Button>
      <Button onClick={onCancel}>{shell.cancel}</Button>
    </form>
  )
}
