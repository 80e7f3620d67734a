import { afterEach, expect, test } from "bun:test"
import { createServer } from "node:http"
import { rm } from "node:fs/promises"
import type { Duplex } from "node:stream"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { waitUntil } from "../../test/lab/process"
import { startExec } from "./exec"

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

/** An engine whose processes are not ours to see, with a container in which every command, also a shell that is to send a signal, hangs for ever. */
async function hangingEngine() {
  const socket = join(tmpdir(), `freehold-hanging-${process.pid}-${Math.random()}.sock`)
  const commands: string[][] = []
  const resized: string[] = []
  const streams = new Set<Duplex>()
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "", "http://engine")
    let body = ""
    request.on("data", (chunk) => (body += chunk))
    request.on("end", () => {
      response.setHeader("content-type", "application/json")
      if (request.method === "POST" && url.pathname.startsWith("/containers/")) {
        commands.push((JSON.parse(body) as { Cmd: string[] }).Cmd)
        response.statusCode = 201
        return response.end(JSON.stringify({ Id: `e${commands.length}` }))
      }
      if (url.pathname.endsWith("/resize")) {
        resized.push(`${url.searchParams.get("w")}x${url.searchParams.get("h")}`)
        return setTimeout(() => response.end(), 20)
      }
      return response.end(JSON.stringify({ Running: true, ExitCode: 0, Pid: 0 }))
    })
  })
  server.on("upgrade", (_request, stream: Duplex) => {
    streams.add(stream)
    stream.on("error", () => {}).on("close", () => streams.delete(stream))
    stream.write("HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n")
  })
  await new Promise<void>((resolve) => server.listen(socket, resolve))
  cleanups.push(async () => {
    for (const stream of streams) stream.destroy()
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
    await rm(socket, { force: true })
  })
  return { socketPath: socket, commands, resized, streams }
}

test("a container whose shell hangs is asked once to end a command, and not again and again", async () => {
  const engine = await hangingEngine()
  const exec = await startExec(engine, "c1", { command: ["sleep", "1000"] })
  exec.onOutput = () => {}
  exec.close()
  await expect(exec.exit).rejects.toThrow("runs on without its output")
  expect(engine.commands.map(([program]) => program)).toEqual(["sleep", "/bin/sh"])
  await waitUntil(() => engine.streams.size === 0, { what: "every stream to be closed" })
}, 30_000)

test("a flood of signals starts one helper after the other, and only so many wait", async () => {
  const engine = await hangingEngine()
  const exec = await startExec(engine, "c1", { command: ["sleep", "1000"] })
  exec.onOutput = () => {}
  const asked = Array.from({ length: 100 }, () => exec.kill("USR1").catch((error: { code?: string }) => error.code))
  const refused = (await Promise.race([Promise.all(asked.slice(20)), Bun.sleep(2_000)])) as unknown
  expect(refused).toEqual(Array.from({ length: 80 }, () => "rate_limited"))
  await waitUntil(() => engine.commands.length > 1, { what: "the first helper" })
  await Bun.sleep(300)
  expect(engine.commands.map(([program]) => program)).toEqual(["sleep", "/bin/sh"])
  for (const stream of engine.streams) stream.destroy()
}, 30_000)
