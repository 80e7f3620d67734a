import { useQuery } from "@tanstack/react-query"
import { Link, Outlet, useNavigate, useRouterState } from "@tanstack/react-router"
import { Menu as MenuIcon, Search, UserRound } from "lucide-react"
import { lazy, Suspense, useEffect, useRef, useState } from "react"
import { beginLive, endLive, useLive } from "../data/live"
import { sessionQuery, signOut, useSession } from "../data/session"
import { setTheme, type Theme, useTheme } from "../data/theme"
import { UploadPlace } from "../pages/files/uploads/place"
import { Button, IconButton } from "../parts/button"
import { cx } from "../parts/classes"
import { Menu } from "../parts/menu"
import { Notice } from "../parts/status"
import { shell } from "../words/shell"
import { places } from "./places"

const Palette = lazy(() => import("./palette").then(({ Palette }) => ({ default: Palette })))

/** What surrounds every page of somebody who is signed in; when their session ends elsewhere, they sign in anew and come back. */
export function Shell() {
  const { data } = useQuery(sessionQuery)
  const navigate = useNavigate()
  const isOut = data === null
  // Once: while the router is on its way, this is still drawn.
  useEffect(() => {
    if (isOut) void navigate({ to: "/login", search: { next: location.pathname + location.search } as never })
  }, [isOut, navigate])
  return isOut ? null : <Surroundings />
}

/** Navigation, the palette, the state of the connection. */
function Surroundings() {
  const [isMenuOpen, setMenuOpen] = useState(false)
  const [isPaletteOpen, setPaletteOpen] = useState(false)
  const main = useRef<HTMLElement>(null)
  const path = useRouterState({ select: ({ location }) => location.pathname })
  useEffect(() => {
    beginLive()
    return endLive
  }, [])
  useEffect(() => {
    setMenuOpen(false)
  }, [path])
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (!((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") || event.defaultPrevented) return
      event.preventDefault()
      setPaletteOpen((isOpen) => !isOpen)
    }
    window.addEventListener("keydown", onKey)
    return () => window.removeEventListener("keydown", onKey)
  }, [])
  return (
    <div className="min-h-dvh lg:grid lg:grid-cols-[14rem_1fr]">
      <a
        href="#main"
        onClick={(event) => {
          event.preventDefault()
          main.current?.focus()
        }}
        className="fixed top-2 left-2 z-60 -translate-y-20 rounded-md bg-accent px-3 py-2 text-on-accent focus:translate-y-0"
      >
        {shell.skip}
      </a>
      <header className="sticky top-0 z-30 flex h-14 items-center gap-2 border-b border-line bg-card px-3 lg:hidden">
        <IconButton label={shell.menu} aria-expanded={isMenuOpen} aria-controls="navigation" onClick={() => setMenuOpen(!isMenuOpen)}>
          <MenuIcon aria-hidden className="size-5" />
        </IconButton>
        <span className="flex-1 font-semibold">{shell.product}</span>
        <IconButton label={shell.search} onClick={() => setPaletteOpen(true)}>
          <Search aria-hidden className="size-5" />
        </IconButton>
      </header>
      <nav
        id="navigation"
        aria-label={shell.product}
        className={cx(
          "flex flex-col gap-3 border-line bg-card p-3 lg:sticky lg:top-0 lg:h-dvh lg:border-r",
          isMenuOpen ? "max-lg:border-b" : "max-lg:hidden",
        )}
      >
        <Link to="/" className="hidden items-center gap-2 px-2 py-1 text-lg font-semibold lg:flex">
          <Mark />
          {shell.product}
        </Link>
        <button
          type="button"
          onClick={() => setPaletteOpen(true)}
          className="hidden min-h-9 items-center gap-2 rounded-md border border-edge px-2.5 text-left text-dim hover:bg-hover lg:flex"
        >
          <Search aria-hidden className="size-4" />
          <span className="flex-1 truncate">{shell.search}</span>
          <kbd className="text-xs">Ctrl K</kbd>
        </button>
        <Navigation />
        <Person />
      </nav>
      <main ref={main} id="main" tabIndex={-1} className="min-w-0 pb-16">
        <Away />
        <Outlet />
      </main>
      <UploadPlace />
      {isPaletteOpen && (
        <Suspense>
          <Palette onClose={() => setPaletteOpen(false)} />
        </Suspense>
      )}
    </div>
  )
}

const Mark = () => (
  <svg aria-hidden viewBox="0 0 32 32" className="size-6 text-accent">
    <rect width="32" height="32" rx="8" fill="currentColor" />
    <path d="M8 25V13.5L16 7l8 6.5V25h-5.5v-6.5a2.5 2.5 0 0 0-5 0V25z" className="fill-card" />
  </svg>
)

function Navigation() {
  const { is_admin: isAdmin } = useSession()
  return (
    <div className="flex flex-1 flex-col gap-0.5 overflow-y-auto">
      {places
        .filter(({ isForAdmins }) => isAdmin || isForAdmins !== true)
        .map(({ to, label, icon: Icon }) => (
          <Link
            key={to}
            to={to}
            activeOptions={{ exact: to === "/" }}
            className="flex min-h-9 items-center gap-2.5 rounded-md px-2.5 text-dim hover:bg-hover hover:text-text"
            activeProps={{ className: "bg-accent-soft! text-text! font-medium", "aria-current": "page" }}
          >
            <Icon aria-hidden className="size-4" />
            {label}
          </Link>
        ))}
    </div>
  )
}

const themes: Theme[] = ["system", "light", "dark"]

function Person() {
  const { username, display_name: name } = useSession()
  const navigate = useNavigate()
  const theme = useTheme()
  const next = themes[(themes.indexOf(theme) + 1) % themes.length] ?? "system"
  const leave = async () => {
    await signOut()
    await navigate({ to: "/login" })
  }
  return (
    <Menu
      label={name || username}
      trigger={
        <Button kind="quiet" className="w-full justify-start! px-2.5!" icon={<UserRound aria-hidden className="size-4" />}>
          <span className="truncate">{name || username}</span>
        </Button>
      }
      items={[
        { label: shell.nav.access, onSelect: () => void navigate({ to: "/access" }) },
        { label: `${shell.theme}: ${shell.themes[theme]}`, onSelect: () => setTheme(next) },
        { label: shell.signOut, onSelect: () => void leave() },
      ]}
    />
  )
}

function Away() {
  if (useLive() === "on") return null
  return (
    <div className="px-4 pt-4 sm:px-6">
      <Notice tone="warn" isAlert>
        {shell.away}
      </Notice>
    </div>
  )
}
