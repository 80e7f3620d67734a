import type { Chosen } from "./model"

/** What a file field was given; of a folder with the paths within it. */
export const chosenOf = (list: FileList): Chosen[] => Array.from(list, (file) => ({ file, path: file.webkitRelativePath || file.name }))

/** What was dropped, folders with all that is in them. To be called within the event, whose data is gone afterwards. */
export async function droppedOf(data: DataTransfer): Promise<Chosen[]> {
  const items = Array.from(data.items).filter(({ kind }) => kind === "file")
  const found = items.map((item) => ({ entry: item.webkitGetAsEntry(), file: item.getAsFile() }))
  const chosen: Chosen[] = []
  for (const { entry, file } of found) {
    if (entry !== null) chosen.push(...(await within(entry)))
    else if (file !== null) chosen.push({ file, path: file.name })
  }
  return chosen
}

async function within(entry: FileSystemEntry): Promise<Chosen[]> {
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject))
    return [{ file, path: entry.fullPath.replace(/^\//, "") }]
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader()
  const chosen: Chosen[] = []
  for (;;) {
    // They come by the hundred.
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject))
    if (some.length === 0) return chosen
    for (const one of some) chosen.push(...(await within(one)))
  }
}
