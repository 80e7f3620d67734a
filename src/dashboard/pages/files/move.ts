import { ApiFault, ask } from "../../data/api"
import { refresh } from "../../data/queries"
import { toast } from "../../parts/toasts"
import { moving } from "../../words/files-moving"
import { listFiles } from "./model"

/** A file, or a folder with a slash at its end, and where it goes. */
export type Move = { namespace: string; name: string; to_namespace: string; to_name: string }

/** Moves all of it: of a large folder the server moves some at a time. Answers whether it can be undone, since a folder that went into one that was there cannot. */
export async function moveOne(move: Move): Promise<boolean> {
  const isFolder = move.name.endsWith("/")
  const wasThere = isFolder && (await listFiles({ namespace: move.to_namespace, prefix: move.to_name, limit: 1 })).length > 0
  let isWhole = false
  while (!isWhole) isWhole = (await ask<{ status: "ok" | "partial" }>("POST", "/storage/files/move", move)).status === "ok"
  return !wasThere
}

const reversed = (move: Move): Move => ({
  namespace: move.to_namespace,
  name: move.to_name,
  to_namespace: move.namespace,
  to_name: move.name,
})

/** Says what was done, with a way back where there is one. */
export function tellMoved(title: string, moves: Move[], canUndo: boolean): void {
  const undo = async () => {
    try {
      for (const move of moves.toReversed()) await moveOne(reversed(move))
      toast(moving.undone)
    } catch (error) {
      if (!(error instanceof ApiFault)) throw error
      toast(moving.notUndone(error.message))
    } finally {
      await refresh("files")
    }
  }
  toast(title, canUndo ? () => void undo() : undefined)
}
