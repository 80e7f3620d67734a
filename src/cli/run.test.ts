import { afterEach, expect, test } from "bun:test"
import { tmpdir } from "node:os"
import { join } from "node:path"

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup()
})

const main = join(import.meta.dir, "../main.ts")
const lines = "line\n".repeat(1000)

/** A server whose containers talk without end, in their logs and in commands. */
function startTalker(): string {
  const server = Bun.serve<{ timer: Timer | undefined }>({
    hostname: "127.0.0.1",
    port: 0,
    fetch(request, self) {
      if (request.headers.has("upgrade") && self.upgrade(request, { data: { timer: undefined } })) return undefined
      const talk = async (controller: ReadableStreamDefaultController<Uint8Array>) => {
        controller.enqueue(new TextEncoder().encode(lines))
        await Bun.sleep(5)
      }
      return new Response(new ReadableStream({ pull: talk }))
    },
    websocket: {
      open: (socket) => {
        socket.data.timer = setInterval(() => socket.send(Buffer.concat([Buffer.of(1), Buffer.from(lines)])), 5)
      },
      message: () => {},
      close: (socket) => clearInterval(socket.data.timer),
    },
  })
  cleanups.push(() => server.stop(true))
  return `http://127.0.0.1:${server.port}`
}

test.each([[["containers", "logs", "-f", "c1"]], [["containers", "exec", "c1", "--", "yes"]]])(
  "%p ends quietly with its reader",
  async (words) => {
    const environment = { HOME: tmpdir(), PATH: process.env.PATH ?? "", FREEHOLD_SERVER: startTalker(), FREEHOLD_TOKEN: "t" }
    const child = Bun.spawn([process.execPath, main, ...words], { env: environment, stdout: "pipe", stderr: "pipe", timeout: 20_000 })
    const reader = child.stdout.getReader()
    const { value } = await reader.read()
    expect(new TextDecoder().decode(value)).toStartWith("line\n")
    await reader.cancel()
    expect([await child.exited, await new Response(child.stderr).text()]).toEqual([141, ""])
  },
  30_000,
)
