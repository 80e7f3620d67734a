import { expect, test } from "bun:test"
import { waitUntil } from "../../test/lab/process"
import { silentLog } from "../log"
import type { Peer } from "../peer"
import { LogSockets } from "./log-sockets"
import type { ContainerOutput } from "./output"

/** A peer that takes `room` frames before it asks for patience, and the socket of a container with this output. */
async function setup(output: ReadableStream<Uint8Array>, room = Infinity) {
  const asked: string[] = []
  const open: ContainerOutput["open"] = async ({ personId }, id, query) => {
    asked.push(`${personId} ${id} ${query}`)
    return output
  }
  const sockets = new LogSockets({ open } as ContainerOutput, silentLog)
  const route = sockets.route(async () => ({ personId: "ann", isAdmin: false }))
  const seen = { frames: [] as unknown[], closed: undefined as number | undefined, room }
  const peer: Peer = {
    send: (frame) => seen.frames.push(frame) < seen.room,
    pause: () => {},
    resume: () => {},
    close: (code) => void (seen.closed = code),
  }
  const caller = { personId: "ann", isAdmin: false }
  const join = await route.prepare({
    caller,
    params: { id: "c1" },
    query: new URLSearchParams({ tail: "5", token: "x" }),
    protocol: undefined,
  })
  return { asked, seen, user: join(peer) }
}

const streamOf = (...parts: string[]) =>
  new ReadableStream<Uint8Array>({
    start(controller) {
      for (const part of parts) controller.enqueue(new TextEncoder().encode(part))
      controller.close()
    },
  })

test("each line is one frame, however the output is cut, and the end is a clean close", async () => {
  const { asked, seen } = await setup(streamOf("\n1 on", "e\n2 two\n\n", "3 th", "ree"))
  await waitUntil(() => seen.closed !== undefined, { what: "the end" })
  expect(asked).toEqual(["ann c1 follow=true&tail=5"])
  expect(seen).toMatchObject({ frames: ["1 one", "2 two", "3 three"], closed: 1000 })
})

test("a peer that does not keep up is waited for", async () => {
  const { seen, user } = await setup(streamOf("a\nb\nc\n"), 1)
  await Bun.sleep(20)
  expect(seen.frames).toEqual(["a"])
  seen.room = Infinity
  user.onDrain()
  await waitUntil(() => seen.closed === 1000, { what: "the end" })
  expect(seen.frames).toEqual(["a", "b", "c"])
})

test("a peer that leaves ends the stream, also while it is waited for", async () => {
  let isCancelled = false
  const output = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(new TextEncoder().encode("a\nb\n")),
    cancel: () => {
      isCancelled = true
    },
  })
  const { seen, user } = await setup(output, 1)
  await waitUntil(() => seen.frames.length === 1, { what: "the first frame" })
  user.onClosed()
  await waitUntil(() => isCancelled, { what: "the stream to be ended" })
  expect(seen).toMatchObject({ frames: ["a"], closed: undefined })
})
