import { useSyncExternalStore } from "react"

export type Theme = "system" | "light" | "dark"

const key = "freehold-theme"
const watchers = new Set<() => void>()

const read = (): Theme => {
  try {
    const kept = localStorage.getItem(key)
    return kept === "light" || kept === "dark" ? kept : "system"
  } catch {
    return "system"
  }
}

let theme = read()

/** Puts the theme on the document; before anything is drawn. */
export function applyTheme(): void {
  if (theme === "system") delete document.documentElement.dataset.theme
  else document.documentElement.dataset.theme = theme
}

export function setTheme(next: Theme): void {
  theme = next
  try {
    localStorage.setItem(key, next)
  } catch {
    // Kept for this page alone.
  }
  applyTheme()
  for (const watcher of watchers) watcher()
}

export const useTheme = (): Theme =>
  useSyncExternalStore(
    (watcher) => {
      watchers.add(watcher)
      return () => watchers.delete(watcher)
    },
    () => theme,
  )
