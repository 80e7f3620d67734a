import { expect, test } from "bun:test"
import { waitUntil } from "../../test/lab/process"
import type { ContainerRow } from "../db/schema"
import type { Exec } from "../engine/exec"
import { AppError } from "../errors"
import { silentLog } from "../log"
import type { Peer } from "../peer"
import { Terminal } from "./terminal"
import { Terminals } from "./terminals"
import { parseControl, parseTerminalRequest } from "./terminal-request"

/** A command that does what the test says, and a peer that notes what it gets. The real ones meet in engine/exec.test.ts and test/e2e. */
function setup(framing: "raw" | "framed" = "raw") {
  const done = Promise.withResolvers<number>()
  const started = Promise.withResolvers<void>()
  const calls: string[] = []
  const state = { execFull: false, peerFull: false }
  const exec: Exec = {
    write: (bytes) => {
      calls.push(`write ${Buffer.from(bytes).toString()}`)
      return !state.execFull
    },
    endInput: () => void calls.push("end input"),
    resize: async (columns, rows) => {
      calls.push(`resize ${columns} ${rows}`)
      await Bun.sleep(5)
    },
    pause: () => void calls.push("pause exec"),
    resume: () => void calls.push("resume exec"),
    kill: async (signal) => void calls.push(`kill ${signal}`),
    exit: done.promise,
    onOutput: () => {},
    onDrain: () => {},
    close: () => void calls.push("close exec"),
  }
  const peer: Peer = {
    send: (message) => {
      calls.push(`send ${typeof message === "string" ? message : JSON.stringify(Buffer.from(message).toString("latin1"))}`)
      return !state.peerFull
    },
    pause: () => void calls.push("pause peer"),
    resume: () => void calls.push("resume peer"),
    close: (code, reason) => void calls.push(`close ${code} ${reason}`),
  }
  const start = async () => {
    await started.promise
    return exec
  }
  const terminal = new Terminal(peer, start, { framing, container: "c", log: silentLog })
  const take = () => calls.splice(0)
  const run = async () => {
    started.resolve()
    await Bun.sleep(1)
    return take()
  }
  return { exec, terminal, state, take, run, done, started }
}

test("what comes before the command runs is kept in order, and the peer waits meanwhile", async () => {
  const { terminal, take, run } = setup()
  terminal.onMessage("ls")
  terminal.onMessage('{"type":"resize","cols":100,"rows":40}')
  terminal.onMessage(Buffer.from("\n"))
  expect(take()).toEqual(["pause peer"])
  expect(await run()).toEqual(["resize 100 40", "resume peer", "write ls", "write \n"])
})

test("too much of it ends the socket", async () => {
  const { terminal, take } = setup()
  for (let i = 0; i < 3; i++) terminal.onMessage(Buffer.alloc(500_000))
  expect(take()).toEqual(["pause peer", "close 1008 too much input before the command runs"])
})

test("each side waits for the other", async () => {
  const { exec, terminal, state, take, run } = setup()
  await run()
  state.peerFull = true
  exec.onOutput(Buffer.from("out"), "stdout")
  state.peerFull = false
  terminal.onDrain()
  state.execFull = true
  terminal.onMessage("in")
  exec.onDrain()
  expect(take()).toEqual(['send "out"', "pause exec", "resume exec", "write in", "pause peer", "resume peer"])
})

test("of many sizes only the newest waits for its turn", async () => {
  const { terminal, take, run } = setup()
  await run()
  for (let columns = 80; columns <= 120; columns++) terminal.onMessage(JSON.stringify({ type: "resize", columns, rows: 24 }))
  await Bun.sleep(30)
  expect(take()).toEqual(["resize 80 24", "resize 120 24"])
})

test("raw: everything but a resize is input", async () => {
  const { terminal, take, run } = setup()
  await run()
  for (const text of ['{"type":"end"}', '{"type":"resize"}', "{", "null"]) terminal.onMessage(text)
  terminal.onMessage(Buffer.from('{"type":"resize","columns":100,"rows":40}'))
  expect(take()).toEqual([
    'write {"type":"end"}',
    'write {"type":"resize"}',
    "write {",
    "write null",
    'write {"type":"resize","columns":100,"rows":40}',
  ])
})

test("framed: streams are told apart, texts are control, and the exit code is a message", async () => {
  const { exec, terminal, take, run, done } = setup("framed")
  await run()
  exec.onOutput(Buffer.from("out"), "stdout")
  exec.onOutput(Buffer.from("err"), "stderr")
  terminal.onMessage('{"type":"signal","name":"INT"}')
  terminal.onMessage('{"type":"end"}')
  terminal.onMessage("what?")
  expect(take()).toEqual([
    'send "\\u0001out"',
    'send "\\u0002err"',
    "kill INT",
    "end input",
    "close 1008 a text frame must be a control frame",
  ])
  done.resolve(3)
  await terminal.done
  expect(take()).toEqual(['send {"type":"exit","code":3}', "close 1000 exit code 3"])
})

test("the end waits for what the peer has not taken yet", async () => {
  const { exec, terminal, state, take, run, done } = setup()
  await run()
  state.peerFull = true
  exec.onOutput(Buffer.from("last"), "stdout")
  done.resolve(0)
  await terminal.done
  expect(take()).toEqual(['send "last"', "pause exec"])
  terminal.onDrain()
  expect(take()).toEqual(["close 1000 exit code 0"])
})

test("a peer that leaves ends the command, also one that starts only then", async () => {
  const first = setup()
  await first.run()
  first.terminal.onClosed()
  expect(first.take()).toEqual(["close exec"])
  const second = setup()
  second.terminal.onClosed()
  expect(await second.run()).toEqual(["pause peer", "close exec"])
  second.done.reject(new AppError("unavailable", "gone"))
  await second.terminal.done
  expect(second.take()).toEqual([])
})

test("a command that cannot be started says why in a text, and closes", async () => {
  const { terminal, take, started } = setup()
  started.reject(new AppError("unavailable", "the engine is gone"))
  await terminal.done
  const why = "failed to start the command"
  expect(take()).toEqual(["pause peer", `send error: ${why}: the engine is gone`, `close 1011 ${why}`])
})

test("an engine that is lost on the way says so too", async () => {
  const { terminal, run, take, done } = setup("framed")
  await run()
  done.reject(new Error("secret"))
  await terminal.done
  const why = "failed to follow the command"
  expect(take()).toEqual([`send {"type":"error","message":"${why}: internal error"}`, `close 1011 ${why}`])
})

test("a terminal is a root shell of 80 by 24 unless the address says otherwise", () => {
  const parse = (query: string) => parseTerminalRequest(new URLSearchParams(query))
  expect(parse("token=x")).toMatchObject({ user: "0", tty: { columns: 80, rows: 24 }, command: ["/bin/sh", "-c", expect.any(String)] })
  expect(parse("command=ls&command=-l+a&command=&tty=false&user=www-data")).toEqual({ command: ["ls", "-l a", ""], user: "www-data" })
  expect(parse("cols=132&rows=43").tty).toEqual({ columns: 132, rows: 43 })
})

test.each([
  ["command=", "command is not one"],
  ["command=a%00b", "command is not one"],
  [`command=${"a".repeat(70_000)}`, "too long ones"],
  ["tty=maybe", "tty must be true or false"],
  ["rows=0", "rows must be a whole number from 1 to 1000"],
  ["columns=1001", "columns must be a whole number"],
  ["rows=-1", "rows must be"],
  ["user=a%20b", "user must be a name or number"],
])("%# is refused", (query, message) => expect(() => parseTerminalRequest(new URLSearchParams(query))).toThrow(message))

test.each([
  '{"type":"resize","columns":0,"rows":1}',
  '{"type":"resize","columns":"9","rows":9}',
  "[]",
  '{"type":"signal"}',
  `{"a":"${"b".repeat(300)}"}`,
])("%p is no control frame", (text) => expect(parseControl(text)).toBeUndefined())

test("`done` follows the exit", async () => {
  const { terminal, run, done } = setup()
  let isDone = false
  void terminal.done.then(() => (isDone = true))
  await run()
  expect(isDone).toBe(false)
  done.resolve(0)
  await waitUntil(() => isDone, { what: "the end" })
})

test("a terminal is its owner's for as long as the container is", async () => {
  const rows = new Map([["0000000a", { personId: "ann" }]])
  const find = async (id: string) => rows.get(id) as ContainerRow | undefined
  const route = new Terminals({ find, engine: undefined, log: silentLog }).route(async () => ({ personId: "ann", isAdmin: true }))
  const asked = (id: string) => route.authorize(new Request("http://localhost/"), { id })
  expect(await asked("0000000a")).toMatchObject({ personId: "ann" })
  await expect(asked("0000000b")).rejects.toMatchObject({ code: "not_found" })
  rows.set("0000000a", { personId: "bob" })
  await expect(asked("0000000a")).rejects.toMatchObject({ code: "not_found" })
  rows.clear()
  await expect(asked("0000000a")).rejects.toMatchObject({ code: "not_found" })
})
