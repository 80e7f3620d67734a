const plural = (count: number, one: string, many = `${one}s`) => `${count.toLocaleString("en")} ${count === 1 ? one : many}`

/** Words of renaming and moving files. */
export const moving = {
  rename: "Rename",
  renameTitle: (name: string) => `Rename ${name}`,
  newName: (name: string) => `New name of ${name}`,
  saveName: "Save name",
  empty: "A name is needed.",
  slash: "A name has no slash. Move it to put it into a folder.",
  renamed: (from: string, to: string) => `${from} is called ${to} now`,

  move: "Move…",
  moveSelected: "Move selected",
  titleOne: (name: string) => `Move ${name}`,
  title: (count: number) => `Move ${plural(count, "thing")}`,
  what: "What is in the way stays, and then the move stops and says so. Share links are to the old name and do not go along.",
  versioned: "The versions so far stay under the old name.",
  namespace: "Into the namespace",
  folder: "Folder",
  folderHint: "Empty for the top. A folder that is not there yet is made by its name.",
  folders: "Folders there",
  noFolders: "There are no folders here. Type a name to make one.",
  cut: (count: number) => `Only folders among the first ${count.toLocaleString("en")} names are listed. Type the others.`,
  up: "One folder up",
  here: "Already there.",
  into: (place: string) => `Move to ${place}`,
  progress: (done: number, all: number) => `${done.toLocaleString("en")} of ${all.toLocaleString("en")} moved`,
  stopped: (done: number, all: number) =>
    `${done.toLocaleString("en")} of ${all.toLocaleString("en")} are moved. The rest is where it was:`,
  moved: (count: number, place: string) => `${plural(count, "thing")} moved to ${place}`,
  undone: "Moved back",
  notUndone: (why: string) => `It could not be moved back: ${why}`,
}
