import { lazy, Suspense, useEffect, useSyncExternalStore } from "react"
import { arePresent, leaveUploads, watchPresence } from "./presence"

const Tray = lazy(() => import("./tray").then(({ Tray }) => ({ default: Tray })))

/** Where uploads are shown, on every page of the shell; they do not outlive it, for it goes with the person. */
export function UploadPlace() {
  const areThere = useSyncExternalStore(watchPresence, arePresent)
  useEffect(() => leaveUploads, [])
  if (!areThere) return null
  return (
    <Suspense>
      <Tray />
    </Suspense>
  )
}
