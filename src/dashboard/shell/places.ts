import { AppWindow, BookOpen, Boxes, FolderOpen, Globe, House, KeyRound, Landmark, Settings2 } from "lucide-react"
import { shell } from "../words/shell"

export type Place = { to: string; label: string; icon: typeof House; isForAdmins?: boolean }

/** Where the dashboard leads, in the order of the navigation. */
export const places: Place[] = [
  { to: "/", label: shell.nav.home, icon: House },
  { to: "/hostnames", label: shell.nav.hostnames, icon: Globe },
  { to: "/domains", label: shell.nav.domains, icon: Landmark },
  { to: "/containers", label: shell.nav.containers, icon: Boxes },
  { to: "/files", label: shell.nav.files, icon: FolderOpen },
  { to: "/applications", label: shell.nav.applications, icon: AppWindow },
  { to: "/access", label: shell.nav.access, icon: KeyRound },
  { to: "/administration", label: shell.nav.administration, icon: Settings2, isForAdmins: true },
  { to: "/reference", label: shell.nav.reference, icon: BookOpen },
]
