import { FitAddon } from "@xterm/addon-fit"
import { SearchAddon } from "@xterm/addon-search"
import { type ITheme, Terminal } from "@xterm/xterm"
import "@xterm/xterm/css/xterm.css"
import { documentForPolicy, withPolicy } from "./policy-document"

export type Screen = { terminal: Terminal; fit: () => void; find: (text: string, isBack: boolean) => boolean; dispose: () => void }

/** Puts a terminal into an element, in the colours of the theme; large, so it is loaded when one is opened. */
export function openScreen(place: HTMLElement): Screen {
  const terminal = new Terminal({
    documentOverride: documentForPolicy(),
    cursorBlink: !matchMedia("(prefers-reduced-motion: reduce)").matches,
    fontFamily: getComputedStyle(document.documentElement).getPropertyValue("--font-mono") || "monospace",
    fontSize: 13,
    // Programs choose colours for dark screens; on a light one they are made darker until they can be read.
    minimumContrastRatio: 4.5,
    scrollback: 5000,
    theme: themeOf(place),
  })
  const fitting = new FitAddon()
  const searching = new SearchAddon()
  terminal.loadAddon(fitting)
  terminal.loadAddon(searching)
  withPolicy(() => terminal.open(place))
  const recolour = () => {
    terminal.options.theme = themeOf(place)
  }
  const themes = new MutationObserver(recolour)
  themes.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] })
  const system = matchMedia("(prefers-color-scheme: dark)")
  system.addEventListener("change", recolour)
  return {
    terminal,
    fit: () => fitting.fit(),
    find: (text, isBack) => (isBack ? searching.findPrevious(text) : searching.findNext(text)),
    dispose: () => {
      themes.disconnect()
      system.removeEventListener("change", recolour)
      terminal.dispose()
    },
  }
}

function themeOf(place: HTMLElement): ITheme {
  const style = getComputedStyle(place)
  const colour = (name: string) => {
    const probe = document.createElement("span")
    probe.style.color = `var(${name})`
    place.append(probe)
    const found = getComputedStyle(probe).color
    probe.remove()
    return found
  }
  const accent = colour("--color-accent")
  return {
    background: style.backgroundColor,
    foreground: colour("--color-text"),
    cursor: accent,
    cursorAccent: style.backgroundColor,
    selectionBackground: accent.replace(/^rgb\((.*)\)$/, "rgba($1, 0.3)"),
  }
}
