import { useEffect, useRef, useState } from "react"
import { apiOrigin, ask } from "../../data/api"
import { Button } from "../../parts/button"
import { cx } from "../../parts/classes"
import { FaultNotice, Notice } from "../../parts/status"
import { widgetWords } from "../../words/applications-webhooks"
import type { WidgetChoice } from "./snippets"

/** The window of a page with the widget's script. */
type ProductWindow = Window & typeof globalThis & { ConnectDomain?: { open: (options: Record<string, unknown>) => { close: () => void } } }

type Heard = { key: number; name: string; detail: string }

/** It has the policy of the page around it: only this host's script runs in it. */
const product = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${widgetWords.page}</title><script src="${apiOrigin}/widget.js"></script></head><body></body></html>`

const productStyle = `:root{color-scheme:light dark}
body{margin:0;min-height:100vh;display:grid;place-content:center;justify-items:center;gap:1rem;font:15px/1.5 system-ui,sans-serif;background:light-dark(#fff,#14181a);color:light-dark(#182120,#e5ebe9)}
p{margin:0}
button{font:inherit;padding:.5rem 1rem;border-radius:6px;border:1px solid light-dark(#848f8c,#66726f);background:transparent;color:inherit;cursor:pointer}`

const kept = 6

/**
 * The real widget on a page in a frame, which is of our own origin and has our policy. Changed options open an open widget anew, and the focus stays
 * where it was.
 */
export function WidgetPreview({ applicationId, choice, isNarrow }: { applicationId: string; choice: WidgetChoice; isNarrow: boolean }) {
  const frame = useRef<HTMLIFrameElement>(null)
  const widget = useRef<{ close: () => void }>(undefined)
  const [state, setState] = useState<"loading" | "ready" | "failed">("loading")
  const [isOpen, setOpen] = useState(false)
  const [isBusy, setBusy] = useState(false)
  const [error, setError] = useState<unknown>(null)
  const [heard, setHeard] = useState<Heard[]>([])
  const { theme, locale, domain, email } = choice

  /** Of the openings only the last counts: tokens may come in another order than they were asked for. */
  const opening = useRef(0)

  const open = async (keepsFocus = false) => {
    const { ConnectDomain } = (frame.current?.contentWindow ?? {}) as Partial<ProductWindow>
    if (ConnectDomain === undefined) return
    const mine = ++opening.current
    setBusy(true)
    setError(null)
    try {
      const body = { application_id: applicationId, ...(domain === "" ? {} : { domain }) }
      const { auth_token: token } = await ask<{ auth_token: string }>("POST", "/v1/tokens", body)
      if (mine !== opening.current) return
      const before = document.activeElement
      widget.current = ConnectDomain.open({ token, theme, locale, domain, email, apiBase: apiOrigin || location.origin })
      setOpen(true)
      if (keepsFocus && before instanceof HTMLElement) before.focus()
    } catch (fault) {
      if (mine !== opening.current) return
      setError(fault)
    }
    setBusy(false)
  }
  const opener = useRef(open)
  opener.current = open

  useEffect(() => {
    if (isOpen || isBusy) void opener.current(true)
  }, [theme, locale, domain, email])

  const closed = () => {
    opening.current++
    setBusy(false)
    setOpen(false)
  }

  const onLoad = () => {
    const page = frame.current?.contentWindow as ProductWindow | null | undefined
    if (!page || page.ConnectDomain === undefined) return setState("failed")
    furnish(page, () => void opener.current())
    for (const name of ["step", "success", "close"])
      page.addEventListener(`connectdomain:${name}`, (event) => {
        const detail = JSON.stringify((event as CustomEvent).detail)
        setHeard((before) => [{ key: (before[0]?.key ?? 0) + 1, name, detail }, ...before].slice(0, kept))
        if (name === "close") closed()
      })
    setState("ready")
  }

  return (
    <div className="flex min-w-0 flex-col gap-3">
      <div className="flex flex-wrap items-center gap-2">
        <h2 className="flex-1 font-semibold">{widgetWords.preview}</h2>
        {isOpen ? (
          <Button onClick={() => widget.current?.close()}>{widgetWords.close}</Button>
        ) : (
          <Button kind="primary" isBusy={isBusy} disabled={state !== "ready"} onClick={() => void open()}>
            {widgetWords.open}
          </Button>
        )}
      </div>
      {state === "failed" && <Notice tone="bad">{widgetWords.failed}</Notice>}
      {error !== null && <FaultNotice error={error} />}
      <iframe
        ref={frame}
        title={widgetWords.frame}
        aria-busy={isBusy}
        srcDoc={product}
        onLoad={onLoad}
        className={cx("h-[38rem] max-w-full self-center rounded-lg border border-line bg-card", isNarrow ? "w-[24.5rem]" : "w-full")}
      />
      <p className="text-sm text-dim">{widgetWords.real}</p>
      <section className="flex min-w-0 flex-col gap-1">
        <h3 className="font-medium">{widgetWords.heard}</h3>
        {heard.length === 0 ? (
          <p className="text-sm text-dim">{widgetWords.heardNone}</p>
        ) : (
          <ol className="flex flex-col gap-1 text-sm">
            {heard.map(({ key, name, detail }) => (
              <li key={key} className="[overflow-wrap:anywhere]">
                <code className="text-accent">connectdomain:{name}</code> <code className="text-dim">{detail}</code>
              </li>
            ))}
          </ol>
        )}
      </section>
    </div>
  )
}

/** What stands on the page besides the widget; its sheet is made in it, as no style of a text is let in. */
function furnish(page: ProductWindow, onPressed: () => void): void {
  const { document } = page
  const sheet = new page.CSSStyleSheet()
  sheet.replaceSync(productStyle)
  document.adoptedStyleSheets = [sheet]
  const title = document.createElement("p")
  title.textContent = widgetWords.page
  const button = document.createElement("button")
  button.textContent = widgetWords.pageButton
  button.addEventListener("click", onPressed)
  const main = document.createElement("main")
  main.append(title, button)
  document.body.append(main)
}
