import { useCallback, useState } from "react"
import { toast } from "../../parts/toasts"
import { containers } from "../../words/containers"
import { change, type Container, pathOf } from "./data"
import type { Busy } from "./state"

/** Starting and stopping of containers: which are under way, and what went wrong with the last. */
export function useActs() {
  const [busy, setBusy] = useState<Record<string, Busy | undefined>>({})
  const [fault, setFault] = useState<unknown>()
  const act = useCallback(async ({ id, name }: Container, what: "start" | "stop") => {
    setFault(undefined)
    setBusy((all) => ({ ...all, [id]: what === "start" ? "starting" : "stopping" }))
    try {
      await change("POST", `${pathOf(id)}/${what}`)
      toast(what === "start" ? containers.started(name) : containers.stopped(name))
    } catch (error) {
      setFault(error)
    } finally {
      setBusy((all) => ({ ...all, [id]: undefined }))
    }
  }, [])
  return { busy, fault, act }
}

/** Whether starting it is what can be done, rather than stopping it. */
export const canStart = ({ status }: Container): boolean => status === "stopped" || status === "failed"
