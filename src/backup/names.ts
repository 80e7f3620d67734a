/** Where copies of stored files lie at a destination, each by a name that tells nothing of what it holds. */
export const copiesFolder = "freehold-objects"

const backupPattern = /^freehold-(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z\.age$/
const copyPattern = new RegExp(`^${copiesFolder}/([0-9a-f]{2})/(\\1[0-9a-f]{30})\\.age$`)

/** The name of a backup after its moment, to the second. */
export const backupName = (moment: number): string => `freehold-${new Date(moment).toISOString().replace(/[-:]|\.\d+/g, "")}.age`

/** Whether a destination holds a backup of ours under this name; their order is that of their moments. */
export const isBackupName = (name: string): boolean => backupPattern.test(name)

/** The moment in the name of a backup. */
export const momentOf = (name: string): number => {
  const [, year, month, day, hour, minute, second] = (backupPattern.exec(name) ?? []).map(Number)
  return Date.UTC(year ?? 0, (month ?? 1) - 1, day, hour, minute, second)
}

/** Beside a backup lies the list of the copies that it needs, so that retention can tell without opening it. */
export const listNameOf = (backup: string): string => backup.replace(/\.age$/, ".copies")

/** The backup of a list; undefined for what is none. */
export const backupOfList = (name: string): string | undefined => {
  const backup = name.replace(/\.copies$/, ".age")
  return backup !== name && isBackupName(backup) ? backup : undefined
}

/** Where a copy lies, by its name of 32 hexadecimal digits. */
export const copyPath = (name: string): string => `${copiesFolder}/${name.slice(0, 2)}/${name}.age`

/** The name of a copy; undefined for what is none of ours. */
export const copyAt = (path: string): string | undefined => copyPattern.exec(path)?.[2]
