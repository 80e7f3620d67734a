import { terminal as words } from "../../words/container"
import { pathOf } from "./data"
import { refusalOf, socketUrl } from "./sockets"
import type { Screen } from "./xterm"

export type TerminalState = { is: "opening" } | { is: "open" } | { is: "closed"; why: string }

/** Connects a screen with a shell in the container, and tells how that stands. The answer ends it, and says nothing more. */
export function connect(id: string, { terminal, fit }: Screen, tell: (state: TerminalState) => void): () => void {
  fit()
  const path = `${pathOf(id)}/terminal?columns=${terminal.cols}&rows=${terminal.rows}`
  const socket = new WebSocket(socketUrl(path))
  socket.binaryType = "arraybuffer"
  const bytes = new TextEncoder()
  let [wasOpen, isLeft] = [false, false]
  const send = (data: string | Uint8Array<ArrayBuffer>) => socket.readyState === WebSocket.OPEN && socket.send(data)
  tell({ is: "opening" })
  socket.addEventListener("open", () => {
    wasOpen = true
    tell({ is: "open" })
    terminal.focus()
  })
  socket.addEventListener("message", ({ data }: MessageEvent<string | ArrayBuffer>) =>
    terminal.write(typeof data === "string" ? data : new Uint8Array(data)),
  )
  socket.addEventListener("close", async ({ code, reason }) => {
    const refusal = wasOpen ? undefined : await refusalOf(path)
    if (!isLeft) tell({ is: "closed", why: refusal === undefined ? closeWords(code, reason) : words.refused(refusal) })
  })
  const heard = [
    // Input goes in binary frames, since a text frame may be a control frame.
    terminal.onData((data) => send(bytes.encode(data))),
    terminal.onBinary((data) => send(Uint8Array.from(data, (sign) => sign.charCodeAt(0)))),
    terminal.onResize(({ cols, rows }) => send(JSON.stringify({ type: "resize", columns: cols, rows }))),
  ]
  return () => {
    isLeft = true
    for (const one of heard) one.dispose()
    socket.close()
  }
}

function closeWords(code: number, reason: string): string {
  const [, exit] = /^exit code (\d+)$/.exec(reason) ?? []
  if (code === 1000 && exit !== undefined) return words.ended(exit)
  if (code === 1008) return words.unauthorized
  if (code === 1001) return words.stopping
  return reason === "" ? words.lost : words.closed(reason)
}
