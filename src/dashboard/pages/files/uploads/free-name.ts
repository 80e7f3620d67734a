import { folderOf, listFiles } from "../model"

/** A name that nothing has, made of one that is taken: `photo.jpg` becomes `photo (2).jpg`. `isTaken` knows of names on their way. */
export async function freeName(namespace: string, name: string, isTaken: (name: string) => boolean): Promise<string> {
  const folder = folderOf(name)
  const [, stem = "", ending = ""] = /^(.+?)((?:\.tar)?\.[^.]+)?$/.exec(name.slice(folder.length)) ?? [name, name]
  const beginning = `${folder}${stem} (`
  const there = new Set((await listFiles({ namespace, prefix: beginning })).map((entry) => entry.name))
  for (let number = 2; ; number++) {
    const tried = `${beginning}${number})${ending}`
    if (!there.has(tried) && !isTaken(tried)) return tried
  }
}
