/** Whether there are uploads, for the shell, which loads their tray when there are. */
let isThere = false
let end = () => {}
const watchers = new Set<() => void>()

/** Says that there are uploads, or none any more, and how to hold them when the person goes. */
export function present(areThere: boolean, leave: () => void): void {
  end = leave
  if (isThere === areThere) return
  isThere = areThere
  for (const watcher of watchers) watcher()
}

export const watchPresence = (watcher: () => void): (() => void) => {
  watchers.add(watcher)
  return () => watchers.delete(watcher)
}

export const arePresent = (): boolean => isThere

/** Holds all uploads where they are, and forgets them on this page. */
export const leaveUploads = (): void => end()
