import { type ReactNode, useEffect, useRef } from "react"
import { shell } from "../../words/shell"

/** A page for somebody who is not in yet. Its heading takes the focus where it takes another's place. */
export function OpenPage({
  title,
  lead,
  isNext = false,
  children,
}: {
  title: string
  lead?: ReactNode
  isNext?: boolean
  children: ReactNode
}) {
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    document.title = `${title} · ${shell.product}`
    if (isNext) heading.current?.focus()
  }, [title, isNext])
  return (
    <main className="mx-auto flex min-h-dvh w-full max-w-sm flex-col gap-5 px-4 pt-[max(2.5rem,16dvh)] pb-10">
      <header className="flex flex-col gap-1">
        <p className="mb-4 flex items-center gap-2 font-semibold">
          <svg aria-hidden viewBox="0 0 32 32" className="size-7 text-accent">
            <rect width="32" height="32" rx="8" fill="currentColor" />
            <path d="M8 25V13.5L16 7l8 6.5V25h-5.5v-6.5a2.5 2.5 0 0 0-5 0V25z" className="fill-card" />
          </svg>
          {shell.product}
        </p>
        <h1 ref={heading} tabIndex={-1} className="text-2xl font-semibold">
          {title}
        </h1>
        {lead !== undefined && <div className="text-dim [overflow-wrap:anywhere]">{lead}</div>}
      </header>
      {children}
    </main>
  )
}
