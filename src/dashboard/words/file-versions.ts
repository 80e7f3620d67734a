/** Words of the versions of a file. */
export const versions = {
  title: "Versions",
  newest: "Current",
  deletedMark: "Deleted here",
  hint: "Each counts towards the quota until it is deleted.",
  shown: "Shown",
  cut: (count: number) => `The newest ${count.toLocaleString("en")} are listed.`,
  look: (time: string) => `Show the version of ${time}`,
  actions: (time: string) => `Actions for the version of ${time}`,
  older: "You are looking at an older version, written",
  toCurrent: "Back to the current version",
  missing: "This version is not there any more.",
  download: "Download this version",
  restore: "Restore this version",
  restored: "The version is current again",
  remove: "Delete version",
  removeMark: "Delete the mark",
  removeTitle: (time: string) => `Delete the version of ${time}?`,
  removeMarkTitle: "Delete the mark of the deletion?",
  removeOlder: (size: string) => `${size} are deleted for good. The file as it is now stays. This cannot be undone.`,
  removeNewest: (size: string) =>
    `${size} are deleted for good, and the version before it becomes the file, for readers too. This cannot be undone.`,
  removeLast: (size: string) =>
    `${size} are deleted for good. No version of it stands right before, so the file goes with it. This cannot be undone.`,
  removeNewestMark: "The file is there again, as it was in the version before.",
  removeOlderMark: "Only the mark goes: that the file was deleted then is not known any more.",
  removed: "The version is deleted",
}
