import { ChevronDown, ChevronUp, PlugZap } from "lucide-react"
import { useEffect, useRef, useState } from "react"
import { Button, IconButton } from "../../parts/button"
import { SearchBox } from "../../parts/field"
import { FaultNotice, Notice, Skeleton } from "../../parts/status"
import { terminal as words } from "../../words/container"
import { connect, type TerminalState } from "./terminal-line"
import type { Screen } from "./xterm"

/** The screen of a shell in a container; `waits` says why none can be opened now. */
export function TerminalScreen({ id, waits }: { id: string; waits: string | undefined }) {
  const place = useRef<HTMLDivElement>(null)
  const tools = useRef<HTMLDivElement>(null)
  const [isWanted, setWanted] = useState(waits === undefined)
  const [screen, setScreen] = useState<Screen>()
  const [fault, setFault] = useState<unknown>()
  const [turn, setTurn] = useState(0)
  const [state, setState] = useState<TerminalState>({ is: "opening" })
  if (!isWanted && waits === undefined) setWanted(true)

  useEffect(() => {
    if (!isWanted) return undefined
    let isGone = false
    let made: Screen | undefined
    const load = async () => {
      const { openScreen } = await import("./xterm")
      if (isGone || place.current === null) return
      made = openScreen(place.current)
      // Tab is the shell's, so leaving takes a key of its own.
      made.terminal.attachCustomKeyEventHandler((event) => {
        if (!(event.ctrlKey && event.key === "F6")) return true
        event.preventDefault()
        if (event.type === "keydown") tools.current?.querySelector<HTMLElement>("button, input")?.focus()
        return false
      })
      setScreen(made)
    }
    load().catch(setFault)
    return () => {
      isGone = true
      made?.dispose()
      setScreen(undefined)
    }
  }, [isWanted])

  useEffect(() => {
    if (screen === undefined || place.current === null) return undefined
    let frame = 0
    const sizes = new ResizeObserver(() => {
      cancelAnimationFrame(frame)
      frame = requestAnimationFrame(() => screen.fit())
    })
    sizes.observe(place.current)
    return () => {
      sizes.disconnect()
      cancelAnimationFrame(frame)
    }
  }, [screen])

  useEffect(() => (screen === undefined ? undefined : connect(id, screen, setState)), [id, screen, turn])

  if (!isWanted) return <Notice>{waits}</Notice>
  if (fault !== undefined) return <FaultNotice error={fault} />
  const isClosed = state.is === "closed"
  return (
    <section aria-label={words.label} className="flex flex-col gap-2">
      <div ref={tools} className="flex flex-wrap items-center gap-2">
        <Find screen={screen} />
        <ReaderMode screen={screen} />
        <span role="status" className="ml-auto text-sm text-dim">
          {isClosed ? "" : words.states[state.is]}
        </span>
      </div>
      {isClosed && (
        <Notice
          tone="warn"
          isAlert
          action={
            waits === undefined && (
              <Button
                small
                icon={<PlugZap aria-hidden className="size-4" />}
                onClick={() => {
                  screen?.terminal.reset()
                  setTurn(turn + 1)
                }}
              >
                {words.connect}
              </Button>
            )
          }
        >
          {state.why}
          {waits !== undefined && <p>{waits}</p>}
        </Notice>
      )}
      <div className="relative h-[calc(100dvh-22rem)] min-h-80 rounded-lg border border-line bg-sunken p-2">
        {screen === undefined && <Skeleton className="absolute inset-2" />}
        <div ref={place} className="h-full w-full overflow-hidden bg-sunken" />
      </div>
      <p className="text-sm text-dim">{words.leave}</p>
    </section>
  )
}

function Find({ screen }: { screen: Screen | undefined }) {
  const [text, setText] = useState("")
  const [isMissing, setMissing] = useState(false)
  const find = (isBack: boolean) => setMissing(text !== "" && screen?.find(text, isBack) === false)
  return (
    <form
      role="search"
      className="flex min-w-0 flex-1 basis-56 items-center gap-1 sm:max-w-sm"
      onSubmit={(event) => {
        event.preventDefault()
        find(true)
      }}
    >
      <SearchBox
        label={words.search}
        value={text}
        onChange={(value) => {
          setText(value)
          setMissing(false)
        }}
      />
      <IconButton type="submit" label={words.previous} disabled={text === ""}>
        <ChevronUp aria-hidden className="size-4" />
      </IconButton>
      <IconButton label={words.next} disabled={text === ""} onClick={() => find(false)}>
        <ChevronDown aria-hidden className="size-4" />
      </IconButton>
      <span role="status" className="text-sm whitespace-nowrap text-dim">
        {isMissing && words.notFound}
      </span>
    </form>
  )
}

function ReaderMode({ screen }: { screen: Screen | undefined }) {
  const [isOn, setOn] = useState(false)
  useEffect(() => {
    if (screen !== undefined) screen.terminal.options.screenReaderMode = isOn
  }, [screen, isOn])
  return (
    <label className="flex min-h-9 items-center gap-1.5 px-1 whitespace-nowrap">
      <input type="checkbox" checked={isOn} onChange={(event) => setOn(event.target.checked)} className="size-4 accent-(--color-accent)" />
      {words.reader}
    </label>
  )
}
