import { AppError } from "../errors"
import { type Destination, listed, readText } from "./destination"
import { backupOfList, copiesFolder, copyAt, copyPath, isBackupName, listNameOf } from "./names"
import { isOwnerLine, readOwner } from "./owner"

/** How long a list without a backup counts as one that is being made, by an appliance that we do not see. */
const unfinishedMs = 7 * 86_400_000

/** `removed` names backups, the oldest first. */
export type Retired = { removed: string[]; removedCopies: number }

/** How many backups stay, the one just made, and whose it is; undefined where the appliance has no secret to tell by. */
export type RetentionRule = { keep: number; made: string; owner: string | undefined; now: number }

/**
 * Keeps `keep` backups of one appliance at a destination, the one that was just `made` and the newest others, and removes older ones with their lists, then
 * the copies that no list asks for. Nothing goes where the one just made is not to be seen, nothing that is not called as ours, and nothing of another
 * appliance: a new one that was given the old one's place must not push out what it is to be restored from. To be called by whoever holds the lock: a
 * backup that is being made is told by its list alone.
 */
export async function retire(destination: Destination, { keep, made, owner, now }: RetentionRule): Promise<Retired> {
  const files = await listed(destination.list())
  if ((files.get(made)?.bytes ?? 0) === 0) throw new AppError("not_found", `${made} is not to be seen at ${destination.shown}`)
  // By their names, which are moments: under a clock that was wrong the one just made may be called as the oldest.
  const others = [...files.keys()].filter((name) => isBackupName(name) && name !== made).sort()
  const own = others.length < keep ? others : await ofOwner(destination, others, files, owner)
  const removed = own.slice(0, Math.max(own.length - (keep - 1), 0))
  const kept = new Set([...others.filter((name) => !removed.includes(name)), made])
  for (const name of removed) {
    // The backup first: without its list it would lose what it needs.
    await destination.remove(name)
    await destination.remove(listNameOf(name))
  }
  let removedLists = 0
  const lists: string[] = []
  for (const [name, { modifiedAt }] of files) {
    const backup = backupOfList(name)
    if (backup === undefined || removed.includes(backup)) continue
    // A server that does not say when it was written keeps it.
    if (kept.has(backup) || !(now - modifiedAt >= unfinishedMs)) lists.push(name)
    else {
      await destination.remove(name)
      removedLists++
    }
  }
  const isLess = removed.some((name) => files.has(listNameOf(name))) || removedLists > 0
  // A backup whose list is lost may need any of them.
  const isKnown = [...kept].every((name) => files.has(listNameOf(name)))
  return { removed, removedCopies: isLess && isKnown ? await sweep(destination, lists) : 0 }
}

/** Those of them that are this owner's, or that do not say whose they are. */
async function ofOwner(
  destination: Destination,
  backups: string[],
  files: Map<string, unknown>,
  owner: string | undefined,
): Promise<string[]> {
  const own: string[] = []
  for (const name of backups) {
    const list = listNameOf(name)
    const found = owner !== undefined && files.has(list) ? await readOwner(destination, list) : undefined
    if (found === undefined || found === owner) own.push(name)
  }
  return own
}

/** Removes every copy that is in none of the lists. A list that cannot be read ends it before anything is removed. */
async function sweep(destination: Destination, lists: string[]): Promise<number> {
  const needed = new Set<string>()
  for (const name of lists)
    for (const line of (await readText(destination, name)).split("\n")) if (line !== "" && !isOwnerLine(line)) needed.add(copyPath(line))
  let gone = 0
  for (const name of (await listed(destination.list(copiesFolder))).keys()) {
    if (copyAt(name) === undefined || needed.has(name)) continue
    await destination.remove(name)
    gone++
  }
  return gone
}
