import { Link } from "@tanstack/react-router"
import { Boxes, FolderOpen, Globe, Sparkles } from "lucide-react"
import { useSession } from "../../data/session"
import { cx } from "../../parts/classes"
import { home } from "../../words/home"

/** For somebody who has nothing yet: what to begin with. */
export function Start() {
  const { is_admin: isAdmin } = useSession()
  const { start } = home
  const ways = [
    ...(isAdmin ? [{ to: "/welcome", icon: Sparkles, name: start.welcome, hint: start.welcomeHint }] : []),
    { to: "/hostnames/new", icon: Globe, name: start.hostname, hint: start.hostnameHint },
    { to: "/containers/new", icon: Boxes, name: start.container, hint: start.containerHint },
    { to: "/files", icon: FolderOpen, name: start.files, hint: start.filesHint },
  ]
  return (
    <section aria-labelledby="start" className="rounded-lg border border-line bg-card px-5 py-8 sm:px-8">
      <h2 id="start" className="text-2xl font-semibold">
        {start.title}
      </h2>
      <p className="mt-1 max-w-prose text-dim">{start.lead}</p>
      <ul className="mt-6 grid gap-3 sm:grid-cols-2">
        {ways.map(({ to, icon: Icon, name, hint }, index) => (
          <li key={to}>
            <Link
              to={to}
              className={cx(
                "flex h-full items-start gap-3 rounded-lg border p-4 hover:bg-hover",
                index === 0 ? "border-accent bg-accent-soft" : "border-line",
              )}
            >
              <Icon aria-hidden className="mt-0.5 size-5 shrink-0 text-accent" />
              <span>
                <span className="block font-medium">{name}</span>
                <span className="text-dim">{hint}</span>
              </span>
            </Link>
          </li>
        ))}
      </ul>
    </section>
  )
}
