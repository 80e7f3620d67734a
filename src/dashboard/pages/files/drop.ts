import { useEffect, useEffectEvent, useState } from "react"
import { droppedOf } from "./uploads/chosen"
import type { Chosen } from "./uploads/model"

const hasFiles = ({ dataTransfer }: DragEvent) => dataTransfer?.types.includes("Files") === true

/** Takes files that are dropped anywhere onto the page; answers whether some are held over it. */
export function useDrop(onFiles: ((chosen: Chosen[]) => void) | undefined): boolean {
  const [isOver, setOver] = useState(false)
  const isOn = onFiles !== undefined
  const take = useEffectEvent((chosen: Chosen[]) => onFiles?.(chosen))
  useEffect(() => {
    if (!isOn) return undefined
    // Entering a part of the page comes before leaving the one around it.
    let depth = 0
    const onEnter = (event: DragEvent) => {
      if (hasFiles(event)) setOver(++depth > 0)
    }
    const onLeave = (event: DragEvent) => {
      if (hasFiles(event)) setOver(--depth > 0)
    }
    const onOver = (event: DragEvent) => {
      if (hasFiles(event)) event.preventDefault()
    }
    const onDrop = (event: DragEvent) => {
      depth = 0
      setOver(false)
      if (!hasFiles(event) || event.dataTransfer === null) return
      event.preventDefault()
      void droppedOf(event.dataTransfer).then(take)
    }
    const listeners = { dragenter: onEnter, dragleave: onLeave, dragover: onOver, drop: onDrop }
    for (const [name, listener] of Object.entries(listeners)) window.addEventListener(name, listener as EventListener)
    return () => {
      for (const [name, listener] of Object.entries(listeners)) window.removeEventListener(name, listener as EventListener)
    }
  }, [isOn])
  return isOver
}
