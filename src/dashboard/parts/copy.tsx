import { Check, Copy as CopyIcon } from "lucide-react"
import { useEffect, useState } from "react"
import { shell } from "../words/shell"
import { IconButton } from "./button"
import { cx } from "./classes"

/** Puts a text on the clipboard, and says that it did. */
export function CopyButton({ text, label = shell.copy }: { text: string; label?: string }) {
  const [isCopied, setCopied] = useState(false)
  useEffect(() => {
    if (!isCopied) return undefined
    const timer = setTimeout(() => setCopied(false), 2000)
    return () => clearTimeout(timer)
  }, [isCopied])
  return (
    <>
      <IconButton small label={label} className="min-w-7" onClick={() => void writeClipboard(text).then(setCopied)}>
        {isCopied ? <Check aria-hidden className="size-4 text-good" /> : <CopyIcon aria-hidden className="size-4" />}
      </IconButton>
      <span role="status" className="sr-only">
        {isCopied ? shell.copied : ""}
      </span>
    </>
  )
}

/** Text that is there to be copied whole. */
export const Code = ({ text, className }: { text: string; className?: string }) => (
  <span className={cx("flex min-w-0 items-center gap-1", className)}>
    <code className="min-w-0 [overflow-wrap:anywhere]">{text}</code>
    <CopyButton text={text} />
  </span>
)

/** Several lines to be copied, such as commands. */
export const CodeBlock = ({ text, label }: { text: string; label?: string }) => (
  <div className="flex items-start rounded-lg bg-sunken">
    <pre tabIndex={0} aria-label={label} className="min-w-0 flex-1 overflow-x-auto p-3 whitespace-pre">
      {text}
    </pre>
    <span className="shrink-0 p-1.5">
      <CopyButton text={text} />
    </span>
  </div>
)

/** Whether it worked. Over plain HTTP browsers keep the clipboard from scripts, but for a selection. */
async function writeClipboard(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    const area = document.createElement("textarea")
    area.value = text
    area.className = "fixed opacity-0"
    const active = document.activeElement
    ;(active?.parentElement ?? document.body).append(area)
    area.select()
    const isDone = document.execCommand("copy")
    area.remove()
    if (active instanceof HTMLElement) active.focus()
    return isDone
  }
}
