import { type ReactNode, useEffect, useState } from "react"
import { useUrlState } from "../../data/url-state"
import { SearchBox } from "../../parts/field"

const pauseMs = 300

/** A search that the API does: it is asked once nobody types any more, and stands in the address. */
export function UrlSearch({
  name,
  label,
  beside,
  children,
}: {
  name: string
  label: string
  beside?: ReactNode
  children: (text: string) => ReactNode
}) {
  return (
    <>
      <div className="flex flex-wrap items-center gap-3">
        <UrlSearchBox name={name} label={label} />
        {beside}
      </div>
      <Read name={name}>{children}</Read>
    </>
  )
}

const Read = ({ name, children }: { name: string; children: (text: string) => ReactNode }) => children(useUrlState(name)[0])

export function UrlSearchBox({ name, label, className = "max-w-72" }: { name: string; label: string; className?: string }) {
  const [asked, setAsked] = useUrlState(name)
  const [text, setText] = useState(asked)
  useEffect(() => setText(asked), [asked])
  useEffect(() => {
    if (text === asked) return undefined
    const timer = setTimeout(() => setAsked(text.trim()), pauseMs)
    return () => clearTimeout(timer)
    // Asked for by typing alone.
  }, [text])
  return <SearchBox label={label} value={text} onChange={setText} className={className} />
}
