import { createServer, connect, type Socket } from "node:net"
import { rm } from "node:fs/promises"
import { join } from "node:path"
import { temporaryFolder } from "./process"

/** `pass` leads to the engine; `hang` takes connections and says nothing; `garbage` answers what is no HTTP; `lie` answers HTTP that is no engine's. */
export type EngineMood = "pass" | "hang" | "garbage" | "lie"

/** Stands at a Unix socket of its own before a real engine, and can be told to misbehave. */
export interface EngineFront {
  readonly socket: string
  /** From now on; connections that are open are treated as the new mood has it. */
  be(mood: EngineMood): void
  stop(): Promise<void>
}

export async function startEngineFront(behind: string): Promise<EngineFront> {
  const folder = await temporaryFolder("engine")
  const path = join(folder.path, "engine.sock")
  const open = new Set<Socket>()
  let mood: EngineMood = "pass"
  const keep = (socket: Socket) => {
    open.add(socket)
    socket.on("error", () => socket.destroy())
    socket.on("close", () => open.delete(socket))
    return socket
  }
  const server = createServer((client) => {
    keep(client)
    if (mood === "hang") return
    if (mood === "garbage") {
      client.end(Buffer.from(Array.from({ length: 4096 }, (_, index) => (index * 197) & 0xff)))
      return
    }
    if (mood === "lie") {
      const body = '{"Id":42,"Containers":"<html>","State":[null]}'
      client.end(`HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`)
      return
    }
    const engine = keep(connect(behind))
    client.pipe(engine)
    engine.pipe(client)
    client.on("close", () => engine.destroy())
    engine.on("close", () => client.destroy())
  })
  await new Promise<void>((resolve) => server.listen(path, () => resolve()))
  return {
    socket: path,
    be: (next) => {
      mood = next
      if (next === "hang") {
        // What was said before still stands; nothing more comes.
        for (const socket of open) {
          socket.unpipe()
          socket.pause()
        }
      } else for (const socket of open) socket.destroy()
    },
    stop: async () => {
      server.close()
      for (const socket of open) socket.destroy()
      await rm(path, { force: true })
      await folder.remove()
    },
  }
}
