import { useNavigate, useSearch } from "@tanstack/react-router"

/** A piece of a page's state that stands in its address, so that a link and the back button know it. Empty is not written. `isStep` makes a step for the back button. */
export function useUrlState(name: string, fallback = "", isStep = false): [string, (value: string) => void] {
  const search = useSearch({ strict: false }) as Record<string, unknown>
  const navigate = useNavigate()
  const value = search[name]
  const set = (next: string) => {
    const change = (before: Record<string, unknown>) => ({ ...before, [name]: next === "" || next === fallback ? undefined : next })
    void navigate({ to: ".", search: change as never, replace: !isStep, resetScroll: false })
  }
  return [value === undefined ? fallback : String(value), set]
}
