import { useQuery } from "@tanstack/react-query"
import { ChevronLeft, ChevronRight } from "lucide-react"
import { ButtonLink } from "../../parts/button"
import { files } from "../../words/files"
import { type FileEntry, folderOf, lastPart, listFiles } from "./model"

const words = files.file

/** The files that stand before and after it in its folder, as far as one page of the folder tells. */
export function Neighbours({ namespace, name }: { namespace: string; name: string }) {
  const prefix = folderOf(name)
  const { data = [] } = useQuery({
    queryKey: ["files", "beside", namespace, prefix],
    queryFn: ({ signal }) => listFiles({ namespace, prefix, delimiter: "/" }, signal),
  })
  const all = data.filter((entry): entry is FileEntry => !entry.is_folder)
  const at = all.findIndex((entry) => entry.name === name)
  if (at < 0 || all.length < 2) return null
  const to = (entry: FileEntry | undefined, label: string, icon: React.ReactNode) =>
    entry !== undefined && (
      <ButtonLink
        kind="quiet"
        to={"/files/in/$namespace/file" as string}
        params={{ namespace } as never}
        search={{ name: entry.name } as never}
        icon={icon}
        className="min-w-9 px-0!"
      >
        <span className="sr-only">{`${label}: ${lastPart(entry.name)}`}</span>
      </ButtonLink>
    )
  return (
    <>
      {to(all[at - 1], words.before, <ChevronLeft aria-hidden className="size-5" />)}
      {to(all[at + 1], words.after, <ChevronRight aria-hidden className="size-5" />)}
    </>
  )
}
