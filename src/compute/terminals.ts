import type { ContainerRow } from "../db/schema"
import { type Exec, type ExecOptions, startExec } from "../engine/exec"
import { AppError } from "../errors"
import type { Log } from "../log"
import type { Peer, PeerUser, SocketOpening, SocketRoute } from "../peer"
import type { Caller } from "./model"
import { Terminal } from "./terminal"
import { parseTerminalRequest } from "./terminal-request"

const maxPerPerson = 32
const framedProtocol = "freehold.exec.v1"

export type TerminalNeeds = {
  find: (id: string) => Promise<ContainerRow | undefined>
  /** Undefined where there is none. */
  engine: { readonly socketPath: string } | undefined
  log: Log
}

/** `/compute/containers/:id/terminal`: commands in containers of their owners, by default a login shell with a terminal (platform-api.md section 3.7). */
export class Terminals {
  private open = new Set<Terminal>()

  constructor(private needs: TerminalNeeds) {}

  /** The route; `authorize` says who may change the container of this id. */
  route(authorize: (request: Request, id: string) => Promise<Caller>): SocketRoute {
    return {
      path: "/compute/containers/:id/terminal",
      isOnRecord: true,
      maxPerPerson,
      protocols: [framedProtocol],
      authorize: async (request, { id = "" }) => {
        const caller = await authorize(request, id)
        await this.own(caller, id)
        return caller
      },
      prepare: (opening) => this.prepare(opening),
      stop: async () => void (await Promise.all([...this.open].map((terminal) => terminal.done))),
    }
  }

  /** Asked also while the terminal is open: a container may be released, and then goes on without us. */
  private async own({ personId }: Pick<Caller, "personId">, id: string): Promise<ContainerRow> {
    const row = await this.needs.find(id)
    if (row?.personId !== personId) throw new AppError("not_found", "container not found")
    return row
  }

  private async prepare({ caller, params, query, protocol }: SocketOpening): Promise<(peer: Peer) => PeerUser> {
    const id = params.id ?? ""
    const row = await this.own(caller, id)
    const { engine, log } = this.needs
    if (row.kind === "external") throw new AppError("invalid", "this container runs outside the engine: it has no terminal")
    if (row.status !== "running" || row.engineId === null) throw new AppError("invalid", "container not running")
    if (engine === undefined) throw new AppError("unavailable", "no container engine is configured")
    const options: ExecOptions = parseTerminalRequest(query)
    const { engineId } = row
    const start = (): Promise<Exec> => startExec(engine, engineId, options)
    const framing = protocol === framedProtocol ? ("framed" as const) : ("raw" as const)
    return (peer) => {
      const terminal = new Terminal(peer, start, { framing, container: id, log })
      this.open.add(terminal)
      void terminal.done.finally(() => this.open.delete(terminal))
      return terminal
    }
  }
}
