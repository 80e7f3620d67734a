import type { Log } from "../log"
import type { Peer, PeerUser, SocketRoute } from "../peer"
import type { Caller } from "./model"
import type { ContainerOutput } from "./output"

const maxPerPerson = 20
const maxLineChars = 64 * 1024

/** `/compute/containers/:id/logs` as a WebSocket: one text frame for each line, the last `tail` and then those to come, until the container ends. */
export class LogSockets {
  constructor(
    private output: ContainerOutput,
    private log: Log,
  ) {}

  /** The route; `authorize` says who may read the container. */
  route(authorize: (request: Request, id: string) => Promise<Caller>): SocketRoute {
    return {
      path: "/compute/containers/:id/logs",
      isOnRecord: false,
      isAlsoPlain: true,
      maxPerPerson,
      authorize: (request, { id = "" }) => authorize(request, id),
      prepare: async ({ caller, params, query }) => {
        const tail = query.get("tail")
        const asked = new URLSearchParams({ follow: "true", ...(tail === null ? {} : { tail }) })
        const stream = await this.output.open(caller, params.id ?? "", asked)
        return (peer) => this.tell(peer, stream)
      },
    }
  }

  private tell(peer: Peer, stream: ReadableStream<Uint8Array>): PeerUser {
    const reader = stream.getReader()
    const gate: { drained: PromiseWithResolvers<void> | undefined; closed: boolean } = { drained: undefined, closed: false }
    const send = async (line: string) => {
      if (line === "" || gate.closed || peer.send(line)) return
      gate.drained ??= Promise.withResolvers()
      await gate.drained.promise
    }
    const read = async () => {
      const decoder = new TextDecoder()
      let rest = ""
      for (;;) {
        const { done, value } = await reader.read()
        if (done || gate.closed) break
        const lines = (rest + decoder.decode(value, { stream: true })).split("\n")
        rest = lines.pop() ?? ""
        if (rest.length > maxLineChars) lines.push(rest.slice(0, maxLineChars))
        if (rest.length > maxLineChars) rest = ""
        for (const line of lines) await send(line)
      }
      await send(rest)
      if (!gate.closed) peer.close(1000, "the output has ended")
    }
    read().catch((error) => {
      this.log.warn("a log could not be told", { error })
      if (!gate.closed) peer.close(1011, "the output could not be read")
    })
    const release = () => {
      gate.drained?.resolve()
      gate.drained = undefined
    }
    return {
      // What a reader says is nobody's.
      onMessage: () => {},
      onDrain: release,
      onClosed: () => {
        gate.closed = true
        release()
        void reader.cancel().catch(() => undefined)
      },
    }
  }
}
