import { Flow } from "./flow"
import { parseOptions } from "./options"

// Known only while the script itself runs.
const script = document.currentScript instanceof HTMLScriptElement ? document.currentScript.src : ""
const scriptOrigin = URL.canParse(script) ? new URL(script).origin : undefined
let current: Flow | undefined

/** Opens the widget and gives what closes it; one that is open already is closed. Throws TypeError for options that cannot be used. */
function open(given: Record<string, unknown>): { close: () => void } {
  const options = parseOptions(given, scriptOrigin)
  current?.end()
  const flow: Flow = new Flow(options, () => {
    if (current === flow) current = undefined
  })
  current = flow
  return { close: () => flow.end() }
}

Object.assign(window, { ConnectDomain: Object.freeze({ open }) })
