import { useQueryClient } from "@tanstack/react-query"
import { useNavigate } from "@tanstack/react-router"
import { type KeyboardEvent, useId, useMemo, useState } from "react"
import { useSession } from "../data/session"
import { setTheme } from "../data/theme"
import { cx } from "../parts/classes"
import { Dialog } from "../parts/dialog"
import { shell } from "../words/shell"
import { type Command, commandsOf } from "./commands"
import { places } from "./places"

const most = 60

/** In braces: Chromium answers something here, which React would take for what undoes it. */
const show = (item: HTMLElement | null) => {
  item?.scrollIntoView({ block: "nearest" })
}

/** Everything by name: places, actions, and the things that pages have already loaded. Arrow keys choose, Enter goes. */
export function Palette({ onClose }: { onClose: () => void }) {
  const id = useId()
  const navigate = useNavigate()
  const client = useQueryClient()
  const { is_admin: isAdmin } = useSession()
  const [text, setText] = useState("")
  const [chosen, setChosen] = useState(0)
  const commands = useMemo(
    (): Command[] => [
      ...places.filter(({ isForAdmins }) => isAdmin || isForAdmins !== true).map(({ to, label }) => ({ label, to })),
      ...(["system", "light", "dark"] as const).map((theme) => ({
        label: `${shell.theme}: ${shell.themes[theme]}`,
        run: () => setTheme(theme),
      })),
      ...commandsOf(client),
    ],
    [client, isAdmin],
  )
  const words = text.toLowerCase().split(/\s+/).filter(Boolean)
  const found = commands
    .filter(({ label, kind = "" }) => words.every((word) => `${label} ${kind}`.toLowerCase().includes(word)))
    .slice(0, most)
  const at = Math.min(chosen, Math.max(found.length - 1, 0))
  const go = (command: Command | undefined) => {
    if (command === undefined) return
    onClose()
    if ("run" in command) command.run()
    else void navigate({ to: command.to })
  }
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (step !== undefined && found.length > 0) {
      event.preventDefault()
      setChosen((at + step + found.length) % found.length)
    } else if (event.key === "Enter") {
      event.preventDefault()
      go(found[at])
    }
  }
  return (
    <Dialog isOpen onClose={onClose} title={shell.palette}>
      <input
        autoFocus
        role="combobox"
        aria-expanded="true"
        aria-controls={`${id}-list`}
        aria-activedescendant={found.length > 0 ? `${id}-${at}` : undefined}
        aria-label={shell.search}
        placeholder={shell.search}
        value={text}
        onChange={(event) => {
          setText(event.target.value)
          setChosen(0)
        }}
        onKeyDown={onKeyDown}
        className="min-h-10 w-full rounded-md border border-edge bg-card px-3"
      />
      <ul id={`${id}-list`} role="listbox" aria-label={shell.palette} className="max-h-72 overflow-y-auto">
        {found.map((command, index) => (
          <li
            key={`${command.kind ?? ""} ${command.label}`}
            id={`${id}-${index}`}
            role="option"
            aria-selected={index === at}
            ref={index === at ? show : undefined}
            onMouseMove={() => setChosen(index)}
            onClick={() => go(command)}
            onKeyDown={onKeyDown}
            className={cx("flex cursor-pointer gap-3 rounded-md px-2.5 py-1.5", index === at && "bg-accent-soft")}
          >
            <span className="min-w-0 flex-1 truncate">{command.label}</span>
            {command.kind !== undefined && <span className="text-dim">{command.kind}</span>}
          </li>
        ))}
      </ul>
      <p role="status" className={cx("text-dim", found.length > 0 && "sr-only")}>
        {found.length === 0 ? shell.paletteEmpty : ""}
      </p>
    </Dialog>
  )
}
