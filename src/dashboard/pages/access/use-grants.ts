import { useState } from "react"
import type { Grant } from "./scope-grants"

/** What is being picked. `check` is false while a line grants nothing, and has that line say so; that there is none at all, the API says. */
export function useGrants(begin: Grant[]) {
  const [grants, onChange] = useState(begin)
  const [isChecked, setChecked] = useState(false)
  const check = () => {
    setChecked(true)
    return grants.every(({ actions }) => actions.length > 0)
  }
  return { grants, onChange, isChecked, check }
}
