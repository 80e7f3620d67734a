import { type KeyboardEvent, useMemo, useState } from "react"
import type { Entry } from "./model"

export type Selection = {
  names: Set<string>
  /** `extends` takes all between this one and the one before. */
  set: (name: string, isOn: boolean, extends_: boolean) => void
  setAll: (isOn: boolean) => void
  clear: () => void
  onKeyDown: (event: KeyboardEvent<HTMLElement>) => void
}

/** Which of the shown entries are selected; what is not shown any more is not. Arrow keys go from one check box to the next. */
export function useSelection(entries: Entry[], onDelete: () => void, onRename: (name: string) => void): Selection {
  const [chosen, setChosen] = useState<Set<string>>(new Set())
  const [last, setLast] = useState<string>()
  const names = useMemo(() => new Set(entries.filter(({ name }) => chosen.has(name)).map(({ name }) => name)), [entries, chosen])
  const set = (name: string, isOn: boolean, extends_: boolean) => {
    const next = new Set(names)
    const places = [last, name].map((one) => entries.findIndex((entry) => entry.name === one))
    const [from, to] = extends_ && !places.includes(-1) ? places.toSorted((a, b) => a - b) : [places[1], places[1]]
    for (const entry of entries.slice(from, (to ?? 0) + 1)) {
      if (isOn) next.add(entry.name)
      else next.delete(entry.name)
    }
    setChosen(next)
    setLast(name)
  }
  const setAll = (isOn: boolean) => setChosen(new Set(isOn ? entries.map(({ name }) => name) : []))
  const onKeyDown = (event: KeyboardEvent<HTMLElement>) => {
    if (event.key === "Escape" && names.size > 0) return setChosen(new Set())
    if (event.key === "Delete" && names.size > 0) return onDelete()
    if (event.key === "a" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault()
      return setAll(true)
    }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    const row = (event.target as HTMLElement).closest<HTMLElement>("li[data-index]")
    if (row === null) return
    const at = Number(row.dataset.index)
    if (event.key === "F2" && entries[at] !== undefined) return onRename(entries[at].name)
    if (step === undefined) return
    event.preventDefault()
    const to = at + step
    const entry = entries[to]
    if (entry === undefined) return
    if (event.shiftKey) set(entry.name, true, true)
    const next = event.currentTarget.querySelector<HTMLElement>(`li[data-index="${to}"] input`)
    next?.focus()
    next?.scrollIntoView({ block: "nearest" })
  }
  return { names, set, setAll, clear: () => setChosen(new Set()), onKeyDown }
}
