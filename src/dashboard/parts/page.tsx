import { Link, type LinkProps, useLocation } from "@tanstack/react-router"
import { type ReactNode, useEffect, useLayoutEffect, useRef } from "react"
import { shell } from "../words/shell"
import { cx } from "./classes"

export type Crumb = LinkProps & { label: string }

/** A page: its title, where it lies, what can be done on it. */
export function Page({
  title,
  crumbs = [],
  lead,
  actions,
  children,
}: {
  title: string
  crumbs?: Crumb[]
  lead?: ReactNode
  actions?: ReactNode
  children: ReactNode
}) {
  useEffect(() => {
    document.title = `${title} · ${shell.product}`
  }, [title])
  return (
    <div className="mx-auto flex w-full max-w-6xl flex-col gap-5 px-4 py-5 sm:px-6">
      <header className="flex flex-wrap items-start gap-x-4 gap-y-3">
        <div className="min-w-0 flex-1 basis-64">
          {crumbs.length > 0 && (
            <nav aria-label="Where this page lies" className="mb-1 flex flex-wrap gap-1.5 text-sm text-dim">
              {crumbs.map(({ label, ...to }) => (
                <span key={label} className="flex gap-1.5">
                  <Link {...to} className="text-accent hover:underline">
                    {label}
                  </Link>
                  <span aria-hidden>/</span>
                </span>
              ))}
            </nav>
          )}
          <h1 className="text-xl font-semibold [overflow-wrap:anywhere]">{title}</h1>
          {lead !== undefined && <div className="mt-0.5 text-dim">{lead}</div>}
        </div>
        {actions !== undefined && <div className="flex flex-wrap gap-2">{actions}</div>}
      </header>
      {children}
    </div>
  )
}

/** A part of a page with a heading of its own; `isFlush` for rows that reach from edge to edge. */
export const Section = ({
  title,
  actions,
  children,
  className,
  isFlush = false,
}: {
  title?: ReactNode
  actions?: ReactNode
  children: ReactNode
  className?: string
  isFlush?: boolean
}) => (
  <section className={cx("min-w-0 rounded-lg border border-line bg-card", className)}>
    {(title !== undefined || actions !== undefined) && (
      <div className="flex flex-wrap items-center gap-2 border-b border-line px-4 py-2.5">
        <h2 className="flex-1 font-semibold">{title}</h2>
        {actions}
      </div>
    )}
    <div className={isFlush ? undefined : "p-4"}>{children}</div>
  </section>
)

/** Facts by name, in as many columns as there is room for. */
export const Facts = ({ children }: { children: ReactNode }) => (
  <dl className="grid grid-cols-[repeat(auto-fill,minmax(min(100%,14rem),1fr))] gap-x-6 gap-y-3">{children}</dl>
)

export const Fact = ({ name, children }: { name: string; children: ReactNode }) => (
  <div className="min-w-0">
    <dt className="text-sm text-dim">{name}</dt>
    <dd className="[overflow-wrap:anywhere]">{children}</dd>
  </div>
)

export type TabLink = LinkProps & { label: string }

/** Parts of a page that have addresses of their own. Where they do not fit, the one that is open is in sight. */
export function TabLinks({ label, tabs }: { label: string; tabs: TabLink[] }) {
  const bar = useRef<HTMLElement>(null)
  const path = useLocation({ select: ({ pathname }) => pathname })
  useLayoutEffect(() => {
    const open = bar.current?.querySelector<HTMLElement>("[aria-current=page]")
    if (!bar.current || !open) return
    bar.current.scrollLeft = open.offsetLeft - (bar.current.clientWidth - open.offsetWidth) / 2
  }, [path])
  return (
    <nav ref={bar} aria-label={label} className="relative flex gap-1 overflow-x-auto border-b border-line">
      {tabs.map(({ label, ...to }) => (
        <Link
          key={label}
          {...to}
          activeOptions={{ exact: true, ...to.activeOptions }}
          className="-mb-px border-b-2 border-transparent px-3 py-2 whitespace-nowrap text-dim hover:text-text"
          activeProps={{ className: "border-accent! text-text! font-medium", "aria-current": "page" }}
        >
          {label}
        </Link>
      ))}
    </nav>
  )
}
