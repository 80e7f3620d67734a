import { useSession } from "../../data/session"
import { TabLinks } from "../../parts/page"
import { files } from "../../words/files"

/** The parts of Files that have pages of their own. */
export function FilesTabs() {
  const { is_admin: isAdmin } = useSession()
  const all = [
    { label: files.namespaces, to: "/files" },
    { label: files.keys, to: "/files/keys" },
    ...(isAdmin ? [{ label: files.admin, to: "/files/admin" }] : []),
  ]
  return <TabLinks label={files.parts} tabs={all} />
}
