import { useQuery } from "@tanstack/react-query"
import { useNavigate } from "@tanstack/react-router"
import { ask } from "../../data/api"
import { refresh } from "../../data/queries"
import { Confirm } from "../../parts/dialog"
import { Loaded } from "../../parts/loaded"
import { Skeleton } from "../../parts/status"
import { bytes } from "../../parts/time"
import { toast } from "../../parts/toasts"
import { files } from "../../words/files"
import type { Namespace } from "./model"

type Deletion = { name: string; objects: number; bytes: number; first_names: string[]; digest: string }

/** Deletes a namespace as it was seen here: names what goes, and is refused when something else has come meanwhile. */
export function DeleteNamespace({ namespace: { name }, onClose }: { namespace: Namespace; onClose: () => void }) {
  const navigate = useNavigate()
  const path = `/storage/namespaces/${encodeURIComponent(name)}`
  const query = useQuery({
    queryKey: ["files", "deletion", name],
    queryFn: ({ signal }) => ask<Deletion>("GET", `${path}/deletion`, undefined, { signal }),
    staleTime: 0,
    gcTime: 0,
  })
  const confirm = async () => {
    const seen = query.data
    if (seen === undefined) return
    const { objects } = await ask<Deletion>("DELETE", `${path}?confirm=${seen.digest}`).catch(async (error: unknown) => {
      await query.refetch()
      throw error
    })
    await navigate({ to: "/files" })
    await refresh("files")
    toast(files.removed(name, objects))
  }
  return (
    <Confirm isOpen onClose={onClose} title={files.removeTitle(name)} action={files.remove} typed={name} onConfirm={confirm}>
      <Loaded query={query} skeleton={<Skeleton className="h-24" />}>
        {({ objects, bytes: size, first_names: names }) => (
          <>
            <p>{objects === 0 && size === 0 ? files.removeEmpty : files.removeWhat(objects, bytes(size))}</p>
            {names.length > 0 && (
              <>
                <p className="mt-2 text-sm text-dim">{files.removeAmong}</p>
                <ul
                  className="mt-1 max-h-40 overflow-y-auto rounded-md bg-sunken p-2 font-mono text-sm"
                  tabIndex={0}
                  aria-label={files.removeAmong}
                >
                  {names.map((one) => (
                    <li key={one}>{one}</li>
                  ))}
                  {objects > names.length && <li className="font-sans text-dim">{files.removeMore(objects - names.length)}</li>}
                </ul>
              </>
            )}
          </>
        )}
      </Loaded>
    </Confirm>
  )
}
