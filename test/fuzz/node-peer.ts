import { connect, type Socket } from "node:net"
import { join } from "node:path"
import { type LabProcess, startProcess } from "../lab/process"

/** What Node's client made of the bytes of a response. `complete` is false for one that broke off; `fault` names what was wrong. */
export type NodeAnswer = { interim: number[]; status: number; body: string; complete: boolean; fault: string }

/** Node as a second opinion on both sides: a server at `requestsPath`, and a client that reads responses. */
export class NodePeer {
  private waiting = new Map<number, (answer: NodeAnswer) => void>()
  private count = 0
  private text = ""

  private constructor(
    private child: LabProcess,
    private socket: Socket,
    readonly requestsPath: string,
  ) {
    socket.setEncoding("utf8")
    socket.on("data", (chunk) => this.hear(String(chunk)))
  }

  /** Starts the child with its sockets in `folder`; throws when there is no Node. */
  static async start(folder: string): Promise<NodePeer> {
    const [requests, responses] = [join(folder, "node-requests.sock"), join(folder, "node-responses.sock")]
    const script = join(import.meta.dir, "node-peer.mjs")
    const child = await startProcess({
      name: "node",
      command: ["node", script, requests, responses],
      ready: (output) => output().includes("ready"),
    })
    const socket = connect({ path: responses })
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve)
      socket.once("error", reject)
    })
    return new NodePeer(child, socket, requests)
  }

  /** What Node's client reads in `bytes` as the answer to a request of `method`. Throws after ten seconds. */
  readResponse(method: string, bytes: Buffer): Promise<NodeAnswer> {
    const id = this.count++
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error("node did not answer")), 10_000)
      this.waiting.set(id, (answer) => {
        clearTimeout(timer)
        resolve(answer)
      })
      this.socket.write(`${JSON.stringify({ id, method, bytes: bytes.toString("base64") })}\n`)
    })
  }

  async stop(): Promise<void> {
    this.socket.destroy()
    await this.child.stop()
  }

  private hear(chunk: string): void {
    const lines = (this.text + chunk).split("\n")
    this.text = lines.pop() ?? ""
    for (const line of lines) {
      const { id, ...answer } = JSON.parse(line) as NodeAnswer & { id: number }
      this.waiting.get(id)?.(answer)
      this.waiting.delete(id)
    }
  }
}
